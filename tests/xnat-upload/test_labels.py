"""Labels from headers, several studies, and what is refused before anything is sent."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pytest

from support.imports import rows
from support.uploads import Uploader
from xnat_core.bodies import FileBody
from xnat_core.client import XNATClient
from xnat_sandbox.samples import write_series


def test_subject_and_session_come_from_the_headers_as_the_server_reads_them(
    upload: Uploader,
) -> None:
    upload.series(patient="Doe^John", session="MR 17")
    ran = upload(upload.folder, "-P", "P1")
    assert ran.status == 0, ran.err
    assert (ran.record["subject"], ran.record["label"]) == ("Doe_John", "MR_17")


def test_comments_of_the_header_win(upload: Uploader) -> None:
    upload.series(comments="Project:P1 Subject:SUB7 Session:SUB7_MR2")
    ran = upload(upload.folder, "-P", "P1")
    assert (ran.record["subject"], ran.record["label"]) == ("SUB7", "SUB7_MR2")


@pytest.mark.parametrize(
    "comments",
    [
        "",
        "x Subject:S1 Subject:S2 Session:E1 Session:E2",
        "Subject:S1 Subject:S2",
        "Subject:S1 Session:E1\r\nsecond line",
        "Subject:S1.a Session:J\u00fcrgen",
        "subject : S1;SESSION:E1,x",
    ],
)
def test_the_server_would_have_read_the_same_labels(upload: Uploader, comments: str) -> None:
    files = upload.series(patient="Doe^Jane", session="17/B", comments=comments)
    ran = upload(upload.folder, "-P", "P1", "--dry-run")
    params = {"import-handler": "gradual-DICOM", "PROJECT_ID": "P1", "inbody": "true"}
    with XNATClient(upload.xnat.url, *upload.xnat.admin) as client:
        client.post(
            "/data/services/import", params=params, body=FileBody(files[0], "application/dicom")
        )
    (row,) = rows(upload.xnat)
    assert (row["name"], row["subject"]) == (ran.record["session"], ran.record["subject"])


def test_each_study_becomes_a_session(upload: Uploader) -> None:
    write_series(upload.folder / "a", patient="S1", session="S1_MR1")
    write_series(upload.folder / "b", patient="S2", session="S2_MR1")
    ran = upload(upload.folder, "-P", "P1")
    assert ran.status == 0, ran.err
    labels = sorted((record["subject"], record["label"]) for record in ran.records)
    assert labels == [("S1", "S1_MR1"), ("S2", "S2_MR1")]


@pytest.mark.parametrize("mode", ["tar", "gradual"])
def test_patients_without_a_study_uid_are_told_apart(upload: Uploader, mode: str) -> None:
    for patient in ("S1", "S2"):
        for path in write_series(upload.folder / patient, patient=patient, instances=2):
            dataset = pydicom.dcmread(path)
            del dataset.StudyInstanceUID
            dataset.save_as(path)
    ran = upload(upload.folder, "-P", "P1", "--mode", mode)
    assert ran.status == 0, ran.err
    labels = sorted((record["subject"], record["label"]) for record in ran.records)
    assert labels == [("S1", "S1_MR1"), ("S2", "S2_MR1")]
    assert [upload.count(label=label) for _, label in labels] == [2, 2]


def test_a_study_of_nothing_but_a_doubtful_copy_is_no_session(upload: Uploader) -> None:
    first, *_ = write_series(upload.folder / "a", patient="S1")
    dataset = pydicom.dcmread(first)
    dataset.StudyInstanceUID, dataset.PatientID, dataset.PatientName = "1.2.3", "S2_MR1", "S2"
    (upload.folder / "b").mkdir()
    dataset.save_as(upload.folder / "b" / "copy.dcm")
    ran = upload(upload.folder, "-P", "P1", "--dry-run")
    assert ran.status == 1
    assert "have the same SOP Instance UID" in ran.err
    planned = [record for record in ran.records if record["outcome"] == "planned"]
    assert [(record["session"], record["files"]) for record in planned] == [("S1_MR1", 3)]


def test_several_studies_for_one_label_are_listed_and_refused(upload: Uploader) -> None:
    write_series(upload.folder / "a", patient="S1", session="S1_MR1")
    write_series(upload.folder / "b", patient="S2", session="S2_MR1")
    ran = upload(upload.folder, "-P", "P1", "-E", "E1")
    assert (ran.status, upload.imports()) == (2, [])
    assert "holds 2 studies" in ran.err
    assert str(upload.folder / "a") in ran.err
    assert "--merge-studies" in ran.err


@pytest.mark.parametrize("way", ["--direct-archive", "--prearchive"])
def test_several_studies_become_one_session_when_asked_to(upload: Uploader, way: str) -> None:
    write_series(upload.folder / "a", patient="S1", session="S1_MR1", series=1)
    write_series(upload.folder / "b", patient="S2", session="S2_MR1", series=2)
    ran = upload(upload.folder, "-P", "P1", "-S", "S1", "-E", "E1", "--merge-studies", way)
    assert ran.status == 0, ran.err
    if way == "--direct-archive":
        assert upload.count() == 6
        assert upload.staged() == []
    else:
        staged = {f"P1/{row.timestamp}/{row.name}" for row in upload.staged()}
        assert len(staged) == 2
        assert {record["id"] for record in ran.records} == staged
        assert [record.get("files") for record in ran.records] == [None, 6]


def test_two_studies_of_one_patient_do_not_become_one_session_by_accident(
    upload: Uploader,
) -> None:
    write_series(upload.folder / "a", session="P17", study_uid="1.2.3")
    write_series(upload.folder / "b", session="P17", study_uid="1.2.4")
    write_series(upload.folder / "c", session="P18")
    ran = upload(upload.folder, "-P", "P1")
    assert ran.status == 1
    assert "2 studies would become session 'P17'" in ran.err
    assert upload.count(label="P18") == 3
    assert upload.count(label="P17") == 0


@pytest.mark.parametrize(
    ("option", "value"), [("-E", "MR 1"), ("-S", "Ä"), ("-E", "x" * 65), ("-E", "a/b")]
)
def test_labels_that_the_server_would_change_are_refused(
    upload: Uploader, option: str, value: str
) -> None:
    upload.series()
    ran = upload(upload.folder, "-P", "P1", option, value)
    assert (ran.status, upload.imports()) == (2, [])
    assert repr(value) in ran.err


def test_a_file_without_a_patient_needs_a_subject(upload: Uploader) -> None:
    upload.series(patient="")
    ran = upload(upload.folder, "-P", "P1", "-E", "E1")
    assert (ran.status, upload.imports()) == (1, [])
    assert "-S" in ran.err


def test_a_dry_run_shows_what_would_be_sent_and_sends_nothing(upload: Uploader) -> None:
    files = upload.series(series=1) + upload.series(series=2)
    ran = upload(upload.folder, "-P", "P1", "--dry-run", "--overwrite", "append")
    assert (ran.status, upload.xnat.requests("POST")) == (0, [])
    assert ran.record == {
        "kind": "upload",
        "server": upload.xnat.url,
        "label": "SUB001_MR1",
        "project": "P1",
        "subject": "SUB001",
        "session": "SUB001_MR1",
        "path": str(upload.folder),
        "mode": "tar",
        "workers": 4,
        "overwrite": "append",
        "direct_archive": True,
        "studies": 1,
        "scans": 2,
        "files": 6,
        "bytes": sum(path.stat().st_size for path in files),
        "outcome": "planned",
    }


def test_a_folder_without_dicom_is_an_error(upload: Uploader, tmp_path: Path) -> None:
    upload.folder.mkdir()
    (upload.folder / "notes.txt").write_text("nothing here")
    ran = upload(upload.folder, "-P", "P1")
    assert ran.status == 1
    assert ran.err == f"xnat-upload: upload: {upload.folder}: no DICOM found\n"
