"""Files checked and shown: validate, inspect, list-tags."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import UID, JPEG2000Lossless

from support.answers import Run

pytestmark = pytest.mark.usefixtures("folder")
B = "b/ct1_0001.dcm"


@pytest.fixture
def change(folder: Path) -> Callable[..., None]:
    """Write the file of `b` anew after a change."""

    def write(act: Callable[[pydicom.Dataset], object]) -> None:
        dataset = pydicom.dcmread(folder / B)
        act(dataset)
        dataset.save_as(folder / B)

    return write


def private(count: int) -> Callable[[pydicom.Dataset], None]:
    def act(dataset: pydicom.Dataset) -> None:
        block = dataset.private_block(0x0029, "SECRET", create=True)
        for number in range(count):
            block.add_new(number, "LO", "x")

    return act


def test_valid_files_are_told_to_be(run: Run) -> None:
    answer = run("validate", "-r", "a")
    assert (answer.status, answer.values("valid"), answer.err) == (0, [True] * 3, "")


def test_an_invalid_file_is_a_failed_record_with_the_reasons(
    run: Run, change: Callable[..., None]
) -> None:
    change(lambda dataset: dataset.update({"PatientName": "", "Modality": ""}))
    answer = run("validate", B)
    assert answer.status == 1
    assert answer.records[0] == {
        "kind": "dicom",
        "path": B,
        "bytes": (Path(B)).stat().st_size,
        "valid": False,
        "errors": ["PatientName is missing or empty", "Modality is missing or empty"],
        "outcome": "failed",
        "error": {
            "type": "DicomError",
            "message": f"{B}: PatientName is missing or empty, Modality is missing or empty",
            "exit_status": 1,
        },
    }


def test_a_file_that_names_two_instances_is_invalid(run: Run) -> None:
    dataset = pydicom.dcmread(B)
    uid, sop_class = dataset.SOPInstanceUID, dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = UID("1.2.3")
    dataset.file_meta.MediaStorageSOPClassUID = UID("1.2.4")
    dataset.save_as(B)
    answer = run("validate", B)
    assert (answer.status, answer.values("valid", "outcome")) == (1, [(False, "failed")])
    assert answer.records[0]["errors"] == [
        f"MediaStorageSOPClassUID is 1.2.4, and SOPClassUID is {sop_class}",
        f"MediaStorageSOPInstanceUID is 1.2.3, and SOPInstanceUID is {uid}",
    ]


def test_a_head_that_names_no_instance_is_another_matter(run: Run) -> None:
    dataset = pydicom.dcmread(B)
    del dataset.file_meta.MediaStorageSOPInstanceUID, dataset.file_meta.MediaStorageSOPClassUID
    dataset.save_as(B)
    assert run("validate", B).values("valid") == [True]


@pytest.mark.parametrize("compressed", [True, False])
def test_a_file_without_the_end_of_its_pixels_is_invalid(run: Run, compressed: bool) -> None:
    if compressed:
        dataset = pydicom.dcmread(B)
        dataset.PixelData = encapsulate([bytes(1000), bytes(1000)])
        dataset["PixelData"].is_undefined_length = True
        dataset.file_meta.TransferSyntaxUID = JPEG2000Lossless
        dataset.save_as(B)
    assert run("validate", B).values("valid") == [True]
    Path(B).write_bytes(Path(B).read_bytes()[:-100])
    answer = run("validate", B)
    assert (answer.status, answer.values("valid", "outcome")) == (1, [(False, "failed")])
    assert "ends in the middle of the pixels" in answer.err


def test_an_element_before_the_pixels_does_not_hide_that_they_are_cut(run: Run) -> None:
    dataset = pydicom.dcmread(B)
    dataset.add_new("ExtendedOffsetTable", "OV", bytes(8))
    dataset.save_as(B)
    assert run("validate", B).values("valid") == [True]
    Path(B).write_bytes(Path(B).read_bytes()[:-100])
    answer = run("validate", B)
    assert (answer.status, answer.values("valid")) == (1, [False])
    assert "ends in the middle of the pixels" in answer.err


def test_many_private_elements_are_a_warning(run: Run, change: Callable[..., None]) -> None:
    change(private(100))
    assert run("validate", B).values("valid", "warnings") == [(True, ["101 private elements"])]


def test_quietly_only_invalid_files_are_told_of(run: Run, folder: Path) -> None:
    (folder / B).write_bytes(b"\0" * 128 + b"DICM")
    answer = run("validate", "-r", "-q", ".")
    assert (answer.status, answer.out) == (1, "")
    assert [line.split(": ")[1] for line in answer.err.splitlines()] == [B]


def test_folders_are_entered_when_asked_and_else_counted(run: Run, folder: Path) -> None:
    (folder / "a/mr.dcm").write_bytes((folder / B).read_bytes())
    answer = run("validate", "a")
    assert (answer.status, answer.values("path")) == (0, ["a/mr.dcm"])
    assert answer.err == "xnat-dicom: warning: folders not entered: 2; -r enters them\n"


@pytest.mark.parametrize(
    "words",
    [["validate"], ["inspect"], ["modify", "-t", "PatientID=S1"], ["anonymize", "--dry-run"]],
)
@pytest.mark.parametrize("name", ["a", "empty"])
def test_a_folder_of_which_nothing_is_read_is_a_failure(
    words: list[str], name: str, run: Run, folder: Path
) -> None:
    (folder / "empty").mkdir()
    answer = run(*words, name, *(["copies/"] if words[0] == "anonymize" else []))
    assert (answer.status, answer.values("path", "outcome")) == (1, [(name, "failed")])
    hint = ": -r enters its subfolders" if name == "a" else ""
    assert answer.err.startswith(f"xnat-dicom: no DICOM files in {name}{hint}\n")


def test_an_empty_list_is_no_failure(run: Run, folder: Path) -> None:
    (folder / "empty").mkdir()
    assert [run("ls", "empty").status, run("list-tags", "empty").status] == [0, 0]


@pytest.mark.parametrize("words", [[], ["-r"]])
def test_a_link_that_leads_nowhere_is_told(words: list[str], run: Run) -> None:
    Path("b/lost.dcm").symlink_to("nowhere")
    answer = run("validate", "b", *words)
    assert (answer.status, sorted(answer.values("path"))) == (1, ["b/ct1_0001.dcm", "b/lost.dcm"])
    assert "b/lost.dcm: a link to nowhere, which is not there" in answer.err


@pytest.mark.parametrize("words", [["validate"], ["modify", "-t", "PatientID=S1"], ["ls"]])
def test_a_pipe_that_is_named_is_told(words: list[str], run: Run) -> None:
    os.mkfifo("b/pipe")
    answer = run(*words, "b/pipe", B)
    assert (answer.status, answer.values("path")) == (1, ["b/pipe", B])
    assert "b/pipe: neither a file nor a folder" in answer.err
    assert run(*words, "b").status == 0
    if words != ["ls"]:
        records = [{"kind": "dicom", "path": "b/pipe"}]
        assert run(*words, records=records).values("outcome") == ["failed"]


def test_a_record_of_a_folder_stands_for_all_below_it(run: Run, folder: Path) -> None:
    (folder / "empty").mkdir()
    studies = run("ls", "a", "--by", "study").records
    answer = run("validate", records=[*studies, {"kind": "dicom", "path": "empty"}])
    assert sorted(answer.values("path", "valid")) == [
        ("a/1/mr1_0001.dcm", True),
        ("a/1/mr1_0002.dcm", True),
        ("a/2/mr2_0001.dcm", True),
        ("empty", None),
    ]
    assert answer.err.startswith("xnat-dicom: no DICOM files in empty\n")


def test_files_come_as_records_too_and_failures_go_on(run: Run) -> None:
    lost = {"kind": "dicom", "path": "x", "outcome": "failed", "error": {"exit_status": 4}}
    answer = run("validate", records=[lost, {"kind": "dicom", "path": B, "note": "kept"}])
    assert answer.status == 4
    assert answer.records[0] == lost
    assert answer.values("path", "note", "valid")[1] == (B, "kept", True)


@pytest.mark.parametrize("words", [["validate"], ["modify", "-t", "PatientID=S1"], ["ls"]])
def test_a_name_that_cannot_be_looked_up_is_told(words: list[str], run: Run) -> None:
    path = "x" * 300
    answer = run(*words, path, B)
    assert (answer.status, answer.values("path")) == (1, [path, B])
    assert f"{path}: File name too long" in answer.err
    if words != ["ls"]:
        records = [{"kind": "dicom", "path": one} for one in (path, B)]
        assert sorted(run(*words, records=records).values("path")) == [B, path]


@pytest.mark.parametrize("path", [5, ["b"], "a\0b", ""])
def test_a_path_that_is_none_costs_only_its_record(run: Run, path: object) -> None:
    records = [{"kind": "dicom", "path": one} for one in (path, B)]
    for words in (["validate"], ["inspect"], ["modify", "-t", "PatientID=S1"]):
        answer = run(*words, records=records)
        assert (answer.status, answer.values("path", "outcome")[0]) == (1, (path, "failed"))
        assert "the record has no path" in answer.err
        assert [record["path"] for record in answer.records[1:]] == [B]


def test_inspect_tells_the_common_values(run: Run) -> None:
    (record,) = run("inspect", B).records
    assert record["path"] == B
    assert record["tags"]["PatientID"] == "BOB_CT1"
    assert record["tags"]["StudyDate"] == "20240430"
    assert "InstitutionName" not in record["tags"]


def test_inspect_tells_what_is_asked_for_and_that_it_is_not_there(run: Run) -> None:
    (record,) = run("inspect", B, "-t", "ImageType", "-t", "(0010,0020)", "-t", "KVP").records
    assert record["tags"] == {
        "ImageType": "ORIGINAL\\PRIMARY",
        "(0010,0020)": "BOB_CT1",
        "KVP": "(not found)",
    }


def test_inspect_tells_private_elements_on_request(run: Run, change: Callable[..., None]) -> None:
    change(private(1))
    (record,) = run("inspect", B, "--private", "-t", "Rows").records
    assert record["tags"] == {"Rows": "16", "(0029,0010)": "SECRET", "(0029,1000)": "x"}


def test_a_mistyped_keyword_is_answered_with_the_nearest(run: Run) -> None:
    answer = run("inspect", B, "-t", "PatientNme")
    assert (answer.status, answer.out) == (2, "")
    assert "PatientNme: no DICOM keyword; did you mean PatientName?" in answer.err


def test_inspect_for_people_is_a_line_a_value(run: Run) -> None:
    answer = run("inspect", B, "-t", "PatientID", "-o", "table")
    assert answer.out.splitlines()[-2:] == ["  Name       Value", "  PatientID  BOB_CT1"]


def test_list_tags_tells_every_element_but_the_pixels(run: Run) -> None:
    answer = run("list-tags", B)
    assert answer.values("tag", "vr", "keyword", "value")[0] == (
        *("(0008,0005)", "CS", "SpecificCharacterSet", "ISO_IR 192"),
    )
    assert "(7FE0,0010)" not in answer.values("tag")


def test_list_tags_leaves_private_elements_out_until_asked(
    run: Run, change: Callable[..., None]
) -> None:
    change(private(1))
    assert "(0029,1000)" not in run("list-tags", B).values("tag")
    assert "(0029,1000)" in run("list-tags", B, "--private").values("tag")


@pytest.mark.parametrize("verb", [["validate"], ["modify", "-t", "PatientID=X"]])
@pytest.mark.parametrize("path", [7, ["b"], "a\0b"])
def test_a_record_with_something_else_for_a_path_fails_and_the_rest_goes_on(
    run: Run, verb: list[str], path: object
) -> None:
    answer = run(*verb, records=[{"kind": "dicom", "path": path}, {"kind": "dicom", "path": B}])
    assert answer.status == 1
    assert "the record has no path" in answer.err
    assert [record["path"] for record in answer.records] == [path, B]
    assert [record.get("outcome") == "failed" for record in answer.records] == [True, False]


def test_a_large_value_is_only_measured(run: Run, change: Callable[..., None]) -> None:
    change(lambda dataset: dataset.add_new(0x00420011, "OB", b"x" * 100_000))
    (record,) = run("list-tags", B, "--where", "keyword=EncapsulatedDocument").records
    assert (record["value"], record["name"]) == ("<100000 bytes>", "Encapsulated Document")


def test_a_table_cuts_long_values_and_a_program_gets_them_whole(
    run: Run, change: Callable[..., None]
) -> None:
    change(lambda dataset: setattr(dataset, "ImageComments", "x" * 80))
    where = ("--where", "keyword=ImageComments", "--where", "value~x{80}")
    assert run("list-tags", B, *where).values("value") == ["x" * 80]
    assert run("list-tags", B, *where, "-o", "table").out.split()[-1] == "x" * 49 + "…"


@pytest.mark.parametrize(("words", "found"), [(["-r", "."], 4), (["-r", "b"], None), ([B, B], 2)])
def test_inspect_prints_one_json_document_of_however_many_files(
    run: Run, words: list[str], found: int | None
) -> None:
    told = json.loads(run("inspect", *words, "-o", "json").out)
    if found is None:
        assert told["tags"]["PatientID"] == "BOB_CT1"
    else:
        assert len(told) == found
