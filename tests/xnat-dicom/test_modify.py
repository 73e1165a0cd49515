"""Values changed in place."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset, FileDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEG2000Lossless

from support.answers import Run
from xnat_core.files import copy_blocks
from xnat_dicom.changes import Change, apply_all

pytestmark = pytest.mark.usefixtures("folder")
B = "b/ct1_0001.dcm"


def value(keyword: str, path: str = B) -> object:
    return pydicom.dcmread(path)[keyword].value


def test_values_are_changed_and_the_keywords_told(run: Run) -> None:
    answer = run("modify", B, "-t", "PatientID=S1", "-t", "Modality=CT")
    assert answer.status == 0
    assert answer.values("path", "changed", "outcome") == [(B, ["PatientID"], "done")]
    assert value("PatientID") == "S1"


def test_a_file_that_has_the_values_is_left_alone(run: Run) -> None:
    before = Path(B).stat()
    answer = run("modify", B, "-t", "PatientID=BOB_CT1", "-t", "Rows=16", "-t", "PatientSex=")
    assert answer.values("outcome") == ["skipped"]
    assert Path(B).stat().st_ino == before.st_ino


def test_mode_and_links_are_kept(run: Run) -> None:
    Path(B).chmod(0o640)
    Path("link.dcm").symlink_to(B)
    assert run("modify", "link.dcm", "-t", "PatientID=S1").status == 0
    assert Path("link.dcm").is_symlink()
    assert (Path(B).stat().st_mode & 0o777, value("PatientID")) == (0o640, "S1")


def test_numbers_lists_and_empty_values_are_understood(run: Run) -> None:
    run("modify", B, "-t", "PixelSpacing=2\\3.5", "-t", "Rows=8", "-t", "StudyDate=")
    assert (value("PixelSpacing"), value("Rows"), value("StudyDate")) == ([2, 3.5], 8, "")


def test_text_of_any_language_changes_the_character_set_and_no_other_text(run: Run) -> None:
    dataset = pydicom.dcmread(B)
    dataset.SpecificCharacterSet = "ISO_IR 100"
    dataset.StudyDescription = "Schädel"
    dataset.save_as(B)
    run("modify", B, "-t", "PatientName=山田^太郎")
    assert (value("PatientName"), value("StudyDescription")) == ("山田^太郎", "Schädel")
    assert value("SpecificCharacterSet") == "ISO_IR 192"


def test_another_character_set_keeps_all_texts_or_is_refused(run: Run) -> None:
    dataset = pydicom.dcmread(B)
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.StudyDescription = "Schädel"
    dataset.save_as(B)
    assert run("modify", B, "-t", "SpecificCharacterSet=ISO_IR 100").status == 0
    assert b"Sch\xe4del" in Path(B).read_bytes()
    run("modify", B, "-t", "PatientName=山田^太郎")
    before = Path(B).read_bytes()
    answer = run("modify", B, "-t", "SpecificCharacterSet=ISO_IR 100")
    assert (answer.status, Path(B).read_bytes()) == (1, before)
    assert f"{B}: PatientName would lose characters in the other character set" in answer.err


@pytest.mark.parametrize(
    ("declared", "implicit"), [(ImplicitVRLittleEndian, False), (ExplicitVRLittleEndian, True)]
)
@pytest.mark.filterwarnings("ignore:Expected .* VR, but found:UserWarning")
def test_what_is_encoded_otherwise_than_the_head_says_stays_whole(
    run: Run, declared: UID, implicit: bool
) -> None:
    dataset = pydicom.dcmread(B)
    item = Dataset()
    item.CodeValue, item.CodeMeaning = "1", "head"
    dataset.ProcedureCodeSequence = [item]
    dataset.file_meta.TransferSyntaxUID = declared
    dataset.save_as(B, implicit_vr=implicit, little_endian=True, force_encoding=True)
    assert run("modify", B, "-t", "PatientID=S1").status == 0
    whole = pydicom.dcmread(B)
    assert whole.ProcedureCodeSequence[0] == item
    assert (whole.PatientID, whole.Rows, whole.PixelData) == ("S1", 16, dataset.PixelData)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("PatientNme=x", "PatientNme: no DICOM keyword; did you mean PatientName?"),
        ("StudyDate=hello", "StudyDate=hello: Invalid value for VR DA: 'hello'."),
        ("Rows=many", "Rows=many: invalid literal for int() with base 10: 'many'"),
        ("Rows=70000", "format requires 0 <= number <= "),
        ("ExaminedBodyThickness=1e39", "ExaminedBodyThickness=1e39: float too large to pack with"),
        ("PatientName=\udcff", "PatientName=\\udcff: 'utf-8' codec can't encode character"),
        ("SpecificCharacterSet=LATIN", "SpecificCharacterSet=LATIN: LATIN is no character set of"),
        ("PatientID=a\\b", "PatientID has one value, not 2"),
        ("PixelData=x", "PixelData holds OB or OW, which cannot be set from text"),
        ("TransferSyntaxUID=1.2", "TransferSyntaxUID tells how the file is encoded and cannot be"),
        ("PatientID", "--tag PatientID: must be KEYWORD=VALUE"),
    ],
)
def test_what_is_wrong_is_refused_before_any_file_is_touched(
    run: Run, change: str, message: str
) -> None:
    before = Path(B).stat()
    answer = run("modify", B, "-t", "PatientSex=M", "-t", change)
    assert (answer.status, answer.out) == (2, "")
    assert message in answer.err
    assert Path(B).stat() == before


def test_no_change_and_the_same_keyword_twice_are_refused(run: Run) -> None:
    assert run("modify", B).status == 2
    assert run("modify", B, "-t", "PatientID=1", "-t", "PatientID=2").status == 2


def test_a_backup_is_the_file_as_it_was_and_is_not_overwritten(run: Run) -> None:
    before = Path(B).read_bytes()
    run("modify", B, "-b", "-t", "PatientID=S1")
    assert Path(f"{B}.bak").read_bytes() == before
    answer = run("modify", B, "-b", "-t", "PatientID=S2")
    assert answer.status == 1
    assert "is there already and differs from the file" in answer.err
    assert (Path(f"{B}.bak").read_bytes(), value("PatientID")) == (before, "S1")


@pytest.mark.parametrize("words", [[], ["-b"]])
def test_the_old_file_is_there_until_the_new_one_is_on_the_disk(
    words: list[str], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, synced = Path(B).stat().st_ino, []
    sync = os.fsync

    def noted(descriptor: int) -> None:
        synced.append((os.fstat(descriptor).st_size, Path(B).stat().st_ino == before))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    size = Path(B).stat().st_size
    run("modify", B, "-t", "PatientComments=longer than before", *words)
    assert (Path(B).stat().st_size, True) in synced
    assert ((size, True) in synced) == bool(words)


def test_a_backup_of_a_run_that_was_killed_is_taken(run: Run) -> None:
    Path(f"{B}.bak").write_bytes(Path(B).read_bytes())
    assert run("modify", B, "-b", "-t", "PatientID=S1").status == 0


def test_two_names_of_one_file_are_one_change(run: Run) -> None:
    before = Path(B).read_bytes()
    names = [f"link{number}.dcm" for number in range(8)]
    for name in names:
        Path(name).symlink_to(B)
    answer = run("modify", "--backup", B, *names, "-t", "PatientID=S1", "-w", "8")
    assert (answer.status, sorted(answer.values("outcome"))) == (0, ["done", *["skipped"] * 8])
    assert Path(f"{B}.bak").read_bytes() == before


def test_what_another_program_has_changed_meanwhile_is_not_overwritten(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def changed(changes: list[Change], dataset: FileDataset) -> tuple[str, ...]:
        Path(B).write_bytes(b"another's")
        return apply_all(changes, dataset)

    monkeypatch.setattr("xnat_dicom.modify.apply_all", changed)
    answer = run("modify", B, "-t", "PatientID=S1")
    assert (answer.status, answer.values("outcome")) == (1, ["failed"])
    assert "changed by another program meanwhile" in answer.err
    assert Path(B).read_bytes() == b"another's"


def test_a_backup_that_appears_meanwhile_is_not_overwritten(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def copied(*args: Any) -> int:
        Path(f"{B}.bak").write_bytes(b"another's")
        return copy_blocks(*args)

    monkeypatch.setattr("xnat_dicom.writing.copy_blocks", copied)
    answer = run("modify", "--backup", B, "-t", "PatientID=S1")
    assert (answer.status, answer.values("outcome")) == (1, ["failed"])
    assert Path(f"{B}.bak").read_bytes() == b"another's"
    assert sorted(path.name for path in Path("b").iterdir()) == ["ct1_0001.dcm", "ct1_0001.dcm.bak"]


def test_a_link_to_itself_costs_only_its_record(run: Run) -> None:
    Path("loop.dcm").symlink_to("loop.dcm")
    records = [{"kind": "dicom", "path": path} for path in ("loop.dcm", B)]
    answer = run("modify", "-t", "PatientID=S1", records=records)
    assert sorted(answer.values("path", "outcome")) == [(B, "done"), ("loop.dcm", "failed")]


def test_a_dry_run_tells_what_would_change_and_changes_nothing(run: Run) -> None:
    before = {path: path.read_bytes() for path in Path().rglob("*.dcm")}
    answer = run("modify", "-r", ".", "-b", "-t", "Modality=MR", "--dry-run")
    assert sorted(answer.values("outcome")) == ["planned", "skipped", "skipped", "skipped"]
    assert {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()} == before


def test_a_damaged_file_fails_and_the_rest_is_changed(run: Run) -> None:
    Path("a/1/mr1_0001.dcm").write_bytes(b"garbage")
    answer = run("modify", "-r", "a", "-t", "PatientID=S1")
    assert (answer.status, sorted(answer.values("outcome"))) == (1, ["done", "done", "failed"])
    assert Path("a/1/mr1_0001.dcm").read_bytes() == b"garbage"


@pytest.mark.parametrize("command", ["modify", "anonymize"])
def test_compressed_pixels_without_their_end_are_damage(run: Run, command: str) -> None:
    dataset = pydicom.dcmread(B)
    dataset.PixelData = encapsulate([bytes(1000), bytes(1000)])
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = JPEG2000Lossless
    dataset.save_as(B)
    short = Path(B).read_bytes()[:-100]
    Path(B).write_bytes(short)
    answer = run(command, B, *(["-t", "PatientID=S1"] if command == "modify" else ["copy.dcm"]))
    assert (answer.status, answer.values("outcome")) == (1, ["failed"])
    assert f"{B}: not readable as DICOM: is damaged at byte" in answer.err
    assert Path(B).read_bytes() == short
    assert not Path("copy.dcm").exists()


@pytest.mark.parametrize("kept", [1, 7])
@pytest.mark.parametrize("command", ["modify", "anonymize"])
def test_a_file_that_ends_inside_the_head_of_an_element_is_damage(
    run: Run, command: str, kept: int
) -> None:
    whole = Path(B).read_bytes()
    short = whole[: whole.rindex(b"\xe0\x7f\x10\x00OW") + kept]
    Path(B).write_bytes(short)
    answer = run(command, B, *(["-t", "PatientID=S1"] if command == "modify" else ["copy.dcm"]))
    assert (answer.status, answer.values("outcome")) == (1, ["failed"])
    assert f"is damaged at byte {len(short) - kept}" in answer.err
    assert (Path(B).read_bytes(), Path("copy.dcm").exists()) == (short, False)


def test_a_file_of_which_nothing_can_be_read_is_not_written(run: Run) -> None:
    dataset = pydicom.dcmread(B)
    dataset.PixelData = encapsulate([bytes(1000)])
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = JPEG2000Lossless
    dataset.save_as(B)
    whole = Path(B).read_bytes()
    short = whole[: whole.rindex(b"\xe0\x7f\x10\x00") + 12]
    Path(B).write_bytes(short)
    answer = run("modify", B, "-t", "PatientID=S1")
    assert (answer.status, answer.values("outcome")) == (1, ["failed"])
    assert Path(B).read_bytes() == short


@pytest.mark.parametrize("zeros", [2, 8, 510])
def test_zeros_behind_the_last_element_are_no_elements(run: Run, zeros: int) -> None:
    whole = Path(B).read_bytes()
    Path(B).write_bytes(whole + bytes(zeros))
    assert run("modify", B, "-t", "PatientID=BOB_CT2").status == 0
    assert len(Path(B).read_bytes()) == len(whole)
    assert "(0000,0000)" not in run("list-tags", B).out


def test_an_element_that_cannot_be_written_anew_is_told_in_one_line(run: Run) -> None:
    rows, odd = b"\x28\x00\x10\x00US\x02\x00\x10\x00", b"\x28\x00\x10\x00US\x03\x00\x10\x00\x00"
    Path(B).write_bytes(Path(B).read_bytes().replace(rows, odd))
    answer = run("modify", B, "-t", "SpecificCharacterSet=ISO_IR 100")
    (error,) = answer.values("error")
    assert "Traceback" not in answer.out + answer.err
    assert "(0028,0010)" in error["message"]
    assert "\n" not in error["message"]


def test_big_endian_stays_where_no_head_says_it(run: Run) -> None:
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.4", "1.2.3"
    dataset.PatientID, dataset.Rows = "A", 258
    dataset.save_as("old.dcm", implicit_vr=False, little_endian=False)
    assert run("modify", "old.dcm", "-t", "PatientID=S1").status == 0
    assert (value("PatientID", "old.dcm"), value("Rows", "old.dcm")) == ("S1", 258)


def test_the_instance_uid_is_changed_in_the_head_too(run: Run) -> None:
    run("modify", B, "-t", "SOPInstanceUID=1.2.3")
    assert pydicom.dcmread(B).file_meta.MediaStorageSOPInstanceUID == "1.2.3"


def test_records_of_ls_can_be_changed(run: Run) -> None:
    found = run("ls", ".", "--where", "modality=CT").records
    answer = run("modify", "-t", "PatientID=S1", records=found)
    assert answer.values("path", "modality", "outcome") == [(B, "CT", "done")]
