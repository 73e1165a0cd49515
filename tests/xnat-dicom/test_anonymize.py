"""Copies that do not tell whose they are."""

from __future__ import annotations

import os
import re
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest
from pydicom.datadict import dictionary_VR, keyword_dict
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_sequence

from support.answers import Run
from xnat_dicom.profile import action_of
from xnat_sandbox.samples import instance_of, real_files

pytestmark = pytest.mark.usefixtures("folder")
SECRET = "SECRET"
# A frame of reference that all equipment shares, as the standard has it.
UTC = "1.2.840.10008.15.1.1"


@pytest.fixture
def full(folder: Path) -> Path:
    """A file with a secret in every place that the profile knows, and in private elements."""
    dataset = instance_of(patient=SECRET)
    fill(dataset)
    item = Dataset()
    fill(item)
    inner = Dataset()
    fill(inner)
    item.ReferencedInstanceSequence = [inner]
    dataset.ReferencedStudySequence = [item]
    dataset.ContentSequence = [item]
    # Codes as such stay; those that say who somebody is do not, however deep.
    code, deeper = Dataset(), Dataset()
    code.CodeMeaning = deeper.CodeMeaning = SECRET
    code.EquivalentCodeSequence = [deeper]
    dataset.PersonIdentificationCodeSequence = [code]
    path = folder / "full/a.dcm"
    path.parent.mkdir()
    dataset.save_as(path, enforce_file_format=True)
    return path


def fill(dataset: Dataset) -> None:
    """Text where text can be, for every attribute of the profile and some that nobody knows."""
    for tag in keyword_dict.values():
        vr = dictionary_VR(tag)
        if action_of(tag) and vr in ("LO", "LT", "PN", "SH", "ST", "UC", "UT"):
            dataset.add_new(tag, vr, SECRET)
    dataset.add_new(0x00091001, "LO", SECRET)
    dataset.add_new(0x00090010, "LO", SECRET)
    dataset.add_new(0x00081FF1, "LO", SECRET)
    dataset.add_new(0x60004000, "LT", SECRET)


def copy_of(path: str) -> FileDataset:
    return pydicom.dcmread(path)


def uids(dataset: Dataset) -> Iterator[str]:
    for element in dataset.iterall():
        if element.VR == "UI" and not str(element.value).startswith("1.2.840.10008."):
            yield str(element.value)


def test_no_secret_is_left_in_any_item_of_any_sequence(run: Run, full: Path) -> None:
    assert full.read_bytes().count(b"SECRET") > 1000
    assert run("anonymize", "full", "out", "-r").status == 0
    data = Path("out/a.dcm").read_bytes()
    assert b"SECRET" not in data
    assert b"MR1" not in data


@pytest.mark.parametrize("size", [100, 70000])
@pytest.mark.parametrize("implicit", [True, False])
def test_a_sequence_that_the_file_does_not_call_one_is_looked_into(
    run: Run, folder: Path, size: int, implicit: bool
) -> None:
    item = Dataset()
    item.PatientName, item.TextValue = SECRET, "x" * size
    written = DicomBytesIO()
    written.is_implicit_VR, written.is_little_endian = implicit, True
    write_sequence(written, DataElement(0x52009230, "SQ", [item]), ["ascii"])
    value = written.getvalue()
    unknown = struct.pack("<HH2sHL", 0x5200, 0x9230, b"UN", 0, len(value)) + value
    path = folder / "b/ct1_0001.dcm"
    data = path.read_bytes()
    at = data.rindex(b"\xe0\x7f\x10\x00OW")
    path.write_bytes(data[:at] + unknown + data[at:])
    assert run("anonymize", "b", "out").status == 0
    copy = copy_of("out/ct1_0001.dcm")
    assert b"SECRET" not in Path("out/ct1_0001.dcm").read_bytes()
    assert len(copy.PerFrameFunctionalGroupsSequence[0].TextValue) == size


def test_the_copy_says_what_was_done(run: Run) -> None:
    run("anonymize", "b/ct1_0001.dcm", "x.dcm")
    copy = copy_of("x.dcm")
    assert copy.PatientIdentityRemoved == "YES"
    assert copy.DeidentificationMethod == "DICOM PS3.15 Basic Profile 2026c"
    assert copy.DeidentificationMethodCodeSequence[0].CodeValue == "113100"
    assert copy.LongitudinalTemporalInformationModified == "REMOVED"
    assert copy.file_meta.MediaStorageSOPInstanceUID == copy.SOPInstanceUID


def test_pixels_and_geometry_stay(run: Run) -> None:
    run("anonymize", "a/1/mr1_0002.dcm", "x.dcm")
    old, new = copy_of("a/1/mr1_0002.dcm"), copy_of("x.dcm")
    for name in ("PixelData", "Rows", "ImagePositionPatient", "SeriesNumber", "Modality"):
        assert new[name].value == old[name].value


def test_records_name_the_copies_and_the_tree_is_kept(run: Run) -> None:
    answer = run("anonymize", "-r", "a", "out")
    assert sorted(answer.values("path", "source", "outcome")) == [
        ("out/1/mr1_0001.dcm", "a/1/mr1_0001.dcm", "done"),
        ("out/1/mr1_0002.dcm", "a/1/mr1_0002.dcm", "done"),
        ("out/2/mr2_0001.dcm", "a/2/mr2_0001.dcm", "done"),
    ]


def test_what_belonged_together_still_does(run: Run) -> None:
    Path("in").mkdir()
    for name in ("a", "b"):
        Path(name).rename(f"in/{name}")
    run("anonymize", "-r", "in", "out")
    answer = run("ls", "out", "--by", "series", "--patient")
    study, _, other = answer.values("study_uid")
    assert answer.values("study_uid") == [study, study, other]
    assert len({study, other}) == 2
    assert answer.values("files") == [2, 1, 1]
    anna, _, bob = answer.values("patient_id")
    assert answer.values("patient_id") == [anna, anna, bob]
    assert all(re.fullmatch(r"ANON-[A-Z2-7]{10}", id) for id in (anna, bob)) and anna != bob
    assert answer.values("patient_name") == answer.values("patient_id")


def test_references_lead_to_the_copies(run: Run, folder: Path) -> None:
    first, second = (copy_of(f"a/1/mr1_000{n}.dcm") for n in (1, 2))
    item = Dataset()
    item.ReferencedSOPClassUID = first.SOPClassUID
    item.ReferencedSOPInstanceUID = first.SOPInstanceUID
    second.SourceImageSequence = [item]
    second.save_as("a/1/mr1_0002.dcm")
    run("anonymize", "-r", "a", "out")
    first, second = (copy_of(f"out/1/mr1_000{n}.dcm") for n in (1, 2))
    reference = second.SourceImageSequence[0]
    assert reference.ReferencedSOPInstanceUID == first.SOPInstanceUID
    assert reference.ReferencedSOPClassUID == first.SOPClassUID


def test_what_is_no_file_is_neither_read_nor_replaced(
    run: Run, folder: Path, tmp_path: Path
) -> None:
    file = next(folder.rglob("*.dcm"))
    places = [tmp_path / "copy.dcm", file.with_name(file.name + ".bak")]
    for place in places:
        os.mkfifo(place)
    before = file.read_bytes()
    ran = run("anonymize", file, places[0])
    assert ran.status == 1
    assert f"{places[0]} is there, and no copy of this tool: it is not replaced" in ran.err
    ran = run("modify", file, "--backup", "-t", "PatientID=X")
    assert ran.status == 1
    assert "is there already and differs from the file" in ran.err
    assert all(place.is_fifo() for place in places)
    assert file.read_bytes() == before


def test_the_same_key_gives_the_same_copies_and_another_key_others(run: Run) -> None:
    for out, key in (("1", "k1"), ("2", "k1"), ("3", "k2"), ("4", None)):
        words = ("--key-file", key) if key else ()
        assert run("anonymize", "a/1", f"out{out}", *words).status == 0
    first, second, third, fourth = (Path(f"out{n}/mr1_0001.dcm").read_bytes() for n in "1234")
    assert first == second
    assert len({first, third, fourth}) == 3


def test_a_new_key_file_is_for_its_owner_only(run: Run) -> None:
    run("anonymize", "a/1", "out", "--key-file", "study.key")
    assert Path("study.key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in Path().iterdir() if "key" in path.name] == ["study.key"]


def test_a_key_that_is_too_short_is_refused(run: Run) -> None:
    Path("study.key").write_text("short\n")
    answer = run("anonymize", "a/1", "out", "--key-file", "study.key")
    assert (answer.status, Path("out").exists()) == (1, False)
    assert "a key needs 16 bytes, this has 5" in answer.err


def test_new_uids_are_valid_and_those_of_the_standard_stay(run: Run) -> None:
    old = copy_of("b/ct1_0001.dcm")
    old.SynchronizationFrameOfReferenceUID = UTC
    old.save_as("b/ct1_0001.dcm")
    run("anonymize", "b/ct1_0001.dcm", "x.dcm")
    new = copy_of("x.dcm")
    assert not set(uids(old)) & set(uids(new))
    assert len(list(uids(new))) == len(list(uids(old))) > 0
    assert all(pydicom.uid.UID(uid).is_valid and uid.startswith("2.25.") for uid in uids(new))
    assert new.SOPClassUID == old.SOPClassUID
    assert new.SynchronizationFrameOfReferenceUID == UTC


def test_id_and_name_may_be_given(run: Run) -> None:
    run("anonymize", "-r", "a", "out", "--patient-id", "S1", "--patient-name", "Doe^J")
    copy = copy_of("out/1/mr1_0001.dcm")
    assert (copy.PatientID, copy.PatientName) == ("S1", "Doe^J")


@pytest.mark.parametrize("id", ["Müller", "a\\b", "", "x" * 65])
def test_an_id_that_not_every_file_can_hold_is_refused(run: Run, id: str) -> None:
    answer = run("anonymize", "-r", "a", "out", "--patient-id", id)
    assert (answer.status, Path("out").exists()) == (2, False)


def test_pixels_that_may_show_a_name_are_told_of(run: Run) -> None:
    clean, burned = copy_of("a/1/mr1_0001.dcm"), copy_of("a/1/mr1_0002.dcm")
    clean.BurnedInAnnotation, burned.BurnedInAnnotation = "NO", "YES"
    clean.save_as("a/1/mr1_0001.dcm")
    burned.save_as("a/1/mr1_0002.dcm")
    answer = run("anonymize", "a/1", "out")
    assert {record["path"]: record.get("warnings") for record in answer.records} == {
        "out/mr1_0001.dcm": None,
        "out/mr1_0002.dcm": ["pixels were not looked at, and BurnedInAnnotation is YES"],
    }
    assert answer.err == (
        "xnat-dicom: warning: 1 file may still tell who the patient is: "
        "see 'warnings' in the records\n"
    )


def test_private_elements_are_kept_only_when_asked_and_the_profile_is_not_claimed(
    run: Run, full: Path
) -> None:
    (record,) = run("anonymize", full, "x.dcm", "--keep-private").records
    copy = copy_of("x.dcm")
    assert copy[0x00091001].value == SECRET
    assert "DeidentificationMethodCodeSequence" not in copy
    assert list(copy.DeidentificationMethod)[1] == "private elements kept"
    assert "private elements were kept" in record["warnings"]


def test_head_and_preamble_say_nothing_of_machines(run: Run) -> None:
    dataset = copy_of("b/ct1_0001.dcm")
    dataset.preamble = b"SECRET".ljust(128)
    dataset.file_meta.SourceApplicationEntityTitle = "SECRETHOSPITAL"
    dataset.save_as("b/ct1_0001.dcm")
    run("anonymize", "b/ct1_0001.dcm", "x.dcm")
    assert b"SECRET" not in Path("x.dcm").read_bytes()


def test_a_name_with_a_slash_at_its_end_is_a_folder(run: Run) -> None:
    answer = run("anonymize", "b/ct1_0001.dcm", "new/")
    assert answer.values("path", "outcome") == [("new/ct1_0001.dcm", "done")]
    assert Path("new/ct1_0001.dcm").is_file()


@pytest.mark.parametrize("words", [("a", "a"), ("a", "a/out"), ("a/1", "a"), ("a/1", "link")])
def test_output_in_the_input_is_refused(run: Run, words: tuple[str, str]) -> None:
    Path("link").symlink_to("a/1")
    before = {path: path.read_bytes() for path in Path("a").rglob("*.dcm")}
    answer = run("anonymize", "-r", *words)
    assert (answer.status, answer.out) == (2, "")
    assert {path: path.read_bytes() for path in Path("a").rglob("*") if path.is_file()} == before


def test_a_link_below_the_output_does_not_lead_into_the_input(run: Run) -> None:
    Path("out").mkdir()
    Path("out/1").symlink_to(Path("a/1").resolve())
    before = Path("a/1/mr1_0001.dcm").read_bytes()
    answer = run("anonymize", "-r", "a", "out")
    assert sorted(answer.values("outcome")) == ["done", "failed", "failed"]
    assert Path("a/1/mr1_0001.dcm").read_bytes() == before


@pytest.mark.parametrize("there", ["original", "no DICOM"])
def test_only_copies_are_replaced(run: Run, there: str) -> None:
    Path("out").mkdir()
    if there == "original":
        shutil.copy("a/1/mr1_0002.dcm", "out/ct1_0001.dcm")
    else:
        Path("out/ct1_0001.dcm").write_text("notes")
    before = Path("out/ct1_0001.dcm").read_bytes()
    for words in (["--dry-run"], []):
        answer = run("anonymize", "b/ct1_0001.dcm", "out", *words)
        assert (answer.status, answer.values("outcome")) == (1, ["failed"])
    assert "out/ct1_0001.dcm is there, and no copy of this tool" in answer.err
    assert Path("out/ct1_0001.dcm").read_bytes() == before
    for words in ([], ["--keep-private"], []):
        assert run("anonymize", "b/ct1_0001.dcm", "again/", *words).values("outcome") == ["done"]


def test_a_dry_run_reads_everything_and_writes_nothing(run: Run) -> None:
    Path("a/1/mr1_0001.dcm").write_bytes(b"garbage")
    before = sorted(Path().rglob("*"))
    answer = run("anonymize", "-r", "a", "out", "--dry-run", "--key-file", "k")
    assert sorted(answer.values("outcome")) == ["failed", "planned", "planned"]
    assert sorted(Path().rglob("*")) == before


def test_a_file_without_its_end_is_not_made_to_look_whole(run: Run) -> None:
    path = Path("b/ct1_0001.dcm")
    path.write_bytes(path.read_bytes()[:-100])
    answer = run("anonymize", path, "x.dcm")
    assert (answer.status, Path("x.dcm").exists()) == (1, False)
    assert "ends in the middle of (7FE0,0010)" in answer.err


def test_class_and_instance_may_stand_in_the_head_alone(run: Run) -> None:
    dataset = pydicom.dcmread("b/ct1_0001.dcm")
    head = dataset.file_meta
    del dataset.SOPClassUID, dataset.SOPInstanceUID
    dataset.save_as("b/head.dcm")
    assert run("anonymize", "b", "out").status == 0
    copy, other = copy_of("out/head.dcm"), copy_of("out/ct1_0001.dcm")
    assert copy.SOPClassUID == head.MediaStorageSOPClassUID
    assert copy.SOPInstanceUID == other.SOPInstanceUID == copy.file_meta.MediaStorageSOPInstanceUID


def test_what_is_no_instance_is_told_in_words(run: Run) -> None:
    dataset = pydicom.dcmread("b/ct1_0001.dcm")
    del dataset.SOPClassUID, dataset.file_meta.MediaStorageSOPClassUID
    dataset.save_as("b/ct1_0001.dcm")
    answer = run("anonymize", "b", "out")
    assert answer.status == 1
    assert "not readable as DICOM: no SOPClassUID" in answer.err


def test_a_file_that_cannot_be_written_leaves_nothing_behind(run: Run) -> None:
    Path("out").write_text("in the way")
    answer = run("anonymize", "a/1", "out/below")
    assert (answer.status, set(answer.values("outcome"))) == (1, {"failed"})
    assert [path.name for path in Path().iterdir() if "part" in path.name] == []


def test_files_of_real_scanners_keep_their_pixels(run: Run) -> None:
    Path("real").mkdir()
    for path in real_files():
        shutil.copy(path, "real")
    assert run("anonymize", "real", "out").status == 0
    for path in Path("real").iterdir():
        old, new = copy_of(str(path)), copy_of(f"out/{path.name}")
        assert new.get("PixelData") == old.get("PixelData")
        assert new.file_meta.TransferSyntaxUID == old.file_meta.TransferSyntaxUID
