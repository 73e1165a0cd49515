"""What DICOM there is."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.answers import Run
from xnat_sandbox.samples import real_files, write_series

pytestmark = pytest.mark.usefixtures("folder")


def test_files_come_in_order_with_what_identifies_them_and_no_patient(run: Run) -> None:
    answer = run("ls", "a", "b")
    assert (answer.status, answer.err) == (0, "")
    assert answer.values("path") == [
        "a/1/mr1_0001.dcm",
        "a/1/mr1_0002.dcm",
        "a/2/mr2_0001.dcm",
        "b/ct1_0001.dcm",
    ]
    assert list(answer.records[0]) == [
        *("kind", "path", "study_uid", "series_uid", "instance_uid", "sop_class", "modality"),
        *("date", "study_description", "series_number", "series_description", "instance_number"),
        "bytes",
    ]
    assert "ANNA" not in answer.out


def test_the_patient_is_told_on_request(run: Run) -> None:
    (record,) = run("ls", "b", "--patient").records
    assert (record["patient_id"], record["patient_name"]) == ("BOB_CT1", "BOB")


def test_studies_are_counted_and_have_the_folder_that_is_theirs_alone(run: Run) -> None:
    answer = run("ls", ".", "--by", "study")
    assert answer.values("path", "modality", "series_count", "files") == [
        ("a", "MR", 2, 3),
        ("b", "CT", 1, 1),
    ]


def test_series_have_the_folder_that_is_theirs_alone(run: Run) -> None:
    answer = run("ls", ".", "--by", "series")
    assert answer.values("path", "series_number", "files") == [
        ("a/1", 1, 2),
        ("a/2", 2, 1),
        ("b", 1, 1),
    ]


def test_a_study_that_shares_its_folder_has_no_path_that_could_be_uploaded(
    run: Run, folder: Path
) -> None:
    shutil.move(folder / "b/ct1_0001.dcm", folder / "a/1/other.dcm")
    answer = run("ls", "a", "--by", "study")
    assert answer.values("path", "folder", "modality") == [
        (None, "a", "MR"),
        (None, "a/1", "CT"),
    ]


def test_other_files_backups_and_indexes_are_passed_over(run: Run, folder: Path) -> None:
    file = folder / "b/ct1_0001.dcm"
    (folder / "b/notes.txt").write_text("no DICOM")
    shutil.copy(file, folder / "b/ct1_0001.dcm.bak")
    shutil.copy(file, folder / "b/DICOMDIR")
    shutil.copy(file, folder / "b/without_suffix")
    answer = run("ls", "b")
    assert answer.values("path") == ["b/ct1_0001.dcm", "b/without_suffix"]
    assert answer.err == "xnat-dicom: passed over, no DICOM instances or backups: 3\n"


def test_what_is_named_like_a_backup_of_nothing_is_a_file(run: Run, folder: Path) -> None:
    (folder / "b/ct1_0001.dcm").rename(folder / "b/ct1_0001.dcm.bak")
    assert run("ls", "b").values("path") == ["b/ct1_0001.dcm.bak"]


def test_a_damaged_file_fails_and_the_rest_comes(run: Run, folder: Path) -> None:
    (folder / "a/1/mr1_0001.dcm").write_bytes(b"garbage")
    answer = run("ls", "a")
    assert answer.status == 1
    assert answer.values("path", "outcome")[0] == ("a/1/mr1_0001.dcm", "failed")
    assert len(answer.records) == 3
    assert answer.err.startswith("xnat-dicom: a/1/mr1_0001.dcm: ")


def test_a_file_whose_damage_shows_when_a_value_is_looked_at_fails_and_the_rest_comes(
    run: Run, folder: Path
) -> None:
    path = folder / "a/1/mr1_0001.dcm"
    element = b"\x08\0\x18\0U"
    content = path.read_bytes()
    assert content.count(element) == 1
    path.write_bytes(content.replace(element + b"I", element + b"\0"))
    answer = run("ls", ".")
    assert (answer.status, len(answer.records)) == (1, 4)
    (broken,) = (record for record in answer.records if record.get("outcome") == "failed")
    assert (broken["path"], broken["error"]["type"]) == ("a/1/mr1_0001.dcm", "DicomParseError")


def test_a_path_that_is_not_there_fails(run: Run) -> None:
    answer = run("ls", "nowhere")
    assert answer.status == 1
    assert answer.err.splitlines()[0] == "xnat-dicom: nowhere: No such file or directory"


def test_files_of_real_scanners_are_read(run: Run, folder: Path) -> None:
    for path in real_files():
        shutil.copy(path, folder / "b")
    answer = run("ls", "b")
    assert answer.status == 0
    assert sorted(answer.values("modality")) == ["CT", "CT", "MR", "NM", "OT", "RTPLAN"]


def test_pixels_are_not_read(run: Run, folder: Path) -> None:
    (path,) = write_series(folder / "c", instances=1, rows=64)
    # Cut in the middle of its pixels: whoever reads them notices.
    path.write_bytes(path.read_bytes()[:-1000])
    assert run("ls", "c").status == 0


def test_the_first_record_comes_before_the_last_file_is_found(folder: Path) -> None:
    source = folder / "b/ct1_0001.dcm"
    for number in range(3000):
        place = folder / f"many/{number % 30}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number}.dcm").hardlink_to(source)
    tool = subprocess.Popen(
        [Path(sys.executable).with_name("xnat-dicom"), "ls", "many"],
        stdout=subprocess.PIPE,
    )
    assert tool.stdout
    assert tool.stdout.readline().startswith(b'{"kind":"dicom","path":"many/0/0.dcm"')
    (folder / "many/9/late.dcm").hardlink_to(source)
    out = tool.stdout.read()
    assert (tool.wait(), out.count(b"\n")) == (0, 3000)
    assert b'"many/9/late.dcm"' in out
