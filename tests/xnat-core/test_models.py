"""What the server says becomes typed objects, and these become records."""

from __future__ import annotations

import json
from typing import Any

import pytest

from xnat_core.models import (
    DownloadSummary,
    OperationPhase,
    PrearchiveEntry,
    Project,
    Resource,
    ResourceFile,
    Scan,
    Session,
    Subject,
    UploadProgress,
    UploadSummary,
    User,
    modality_of,
)


def test_an_experiment_row_becomes_a_session_record() -> None:
    row = {
        "ID": "XNAT_E00034",
        "project": "P1",
        "date": "2024-04-30",
        "xsiType": "xnat:mrSessionData",
        "label": "SUB001_MR1",
        "insert_date": "2024-05-02 09:15:02.77",
        "subject_ID": "XNAT_S00012",
        "subject_label": "SUB001",
        "xnat:subjectassessordata/id": "XNAT_E00034",
        "URI": "/data/experiments/XNAT_E00034",
    }
    record = Session.from_row(row).to_record("https://xnat.example.org")
    assert json.dumps(record) == json.dumps(
        {
            "kind": "session",
            "server": "https://xnat.example.org",
            "uri": "/data/experiments/XNAT_E00034",
            "id": "XNAT_E00034",
            "label": "SUB001_MR1",
            "project": "P1",
            "subject": "SUB001",
            "subject_id": "XNAT_S00012",
            "xsi_type": "xnat:mrSessionData",
            "modality": "MR",
            "date": "2024-04-30",
            "insert_date": "2024-05-02 09:15:02.77",
        }
    )


def test_a_single_document_becomes_a_session() -> None:
    item = {
        "children": [
            {
                "field": "fields/field",
                "items": [{"children": [], "data_fields": {"name": "score", "field": "7"}}],
            }
        ],
        "meta": {"xsi:type": "xnat:petSessionData", "isHistory": False},
        "data_fields": {
            "ID": "XNAT_E1",
            "label": "PET1",
            "project": "P1",
            "subject_ID": "XNAT_S1",
            "date": "2024-04-30",
            "UID": "1.2.3",
            "scanner/model": "Prisma",
            "scanner/manufacturer": "SIEMENS",
            "dcmPatientName": "Doe^Jane",
        },
    }
    session = Session.from_item(item)
    assert session.xsi_type == "xnat:petSessionData"
    assert session.modality == "PET"
    assert session.scanner == "Prisma"
    assert session.uid == "1.2.3"
    assert session.fields == {"score": "7"}
    assert "Doe" not in json.dumps(session.to_record())


def test_demographics_of_a_subject_are_a_child_of_its_document() -> None:
    item = {
        "children": [
            {
                "field": "demographics",
                "items": [
                    {"children": [], "data_fields": {"gender": "female", "yob": 1980, "age": 44.5}}
                ],
            }
        ],
        "meta": {"xsi:type": "xnat:subjectData"},
        "data_fields": {"ID": "XNAT_S1", "label": "S1", "project": "P1", "group": "control"},
    }
    subject = Subject.from_item(item)
    assert (subject.gender, subject.yob, subject.age) == ("female", 1980, 44.5)
    assert subject.group == "control"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("176", 176),
        ("176.0", 176),
        (176, 176),
        ("", None),
        (None, None),
        ("n/a", None),
        ("inf", None),
    ],
)
def test_counts_may_be_text_or_blank(written: Any, read: int | None) -> None:
    assert Resource.from_row({"label": "DICOM", "file_count": written}).file_count == read


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2024-04-30", "2024-04-30"),
        ("2024-04-30 00:00:00.0", "2024-04-30"),
        ("", None),
        (None, None),
    ],
)
def test_dates_may_carry_a_time_or_be_blank(written: Any, read: str | None) -> None:
    assert Session.from_row({"ID": "E", "date": written}).session_date == read


def test_unknown_keys_are_ignored_and_missing_ones_stay_unknown() -> None:
    assert Scan.from_row({"quality": "usable", "surprise": "1"}).to_record() == {
        "kind": "scan",
        "quality": "usable",
    }


def test_the_key_case_of_the_server_does_not_matter() -> None:
    shown = {"id": "P1", "name": "One", "pi": "Curie, Marie", "project_access": "private"}
    plain = {"ID": "P1", "name": "One", "pi_firstname": "Marie", "pi_lastname": "Curie"}
    assert Project.from_row(shown).pi == "Curie, Marie"
    assert Project.from_row(shown).accessibility == "private"
    assert Project.from_row(plain).pi == "Marie Curie"


def test_labels_are_kept_as_they_are() -> None:
    assert Subject.from_row({"ID": "S", "label": "Müller (2). "}).label == "Müller (2). "


def test_zero_and_false_are_known() -> None:
    assert Resource(label="R", file_count=0).to_record() == {
        "kind": "resource",
        "label": "R",
        "file_count": 0,
    }
    assert User(username="u", enabled=False).to_record()["enabled"] is False


def test_lists_in_records_are_lists() -> None:
    assert User(username="u", groups=("P1_owner",)).to_record()["groups"] == ["P1_owner"]


def test_what_is_known_wins_over_the_row() -> None:
    assert Scan.from_row({"ID": "1", "project": "P1"}, project="P2").project == "P2"
    assert Scan.from_row({"ID": "1", "project": "P1"}, project=None).project == "P1"


def test_the_path_of_a_file_is_in_its_uri() -> None:
    file = ResourceFile.from_row(
        {
            "Name": "a b.dcm",
            "Size": "526550",
            "URI": "/data/experiments/E1/scans/1/resources/201/files/sub/files/a b.dcm",
            "collection": "DICOM",
            "file_tags": "",
            "file_format": "DICOM",
            "file_content": "RAW",
            "cat_ID": "201",
            "digest": "9B6C",
        },
        session_id="E1",
        scan_id="1",
    )
    assert file.to_record() == {
        "kind": "file",
        "uri": "/data/experiments/E1/scans/1/resources/201/files/sub/files/a%20b.dcm",
        "session_id": "E1",
        "scan": "1",
        "resource": "DICOM",
        "name": "a b.dcm",
        "path": "sub/files/a b.dcm",
        "size": 526550,
        "digest": "9b6c",
        "format": "DICOM",
        "content": "RAW",
    }


def test_a_percent_sign_in_a_file_name_survives() -> None:
    file = ResourceFile.from_row({"Name": "50%.txt", "URI": "/data/p/resources/1/files/50%.txt"})
    assert file.path == "50%.txt"
    assert file.uri == "/data/p/resources/1/files/50%25.txt"


def test_a_file_name_that_cannot_be_asked_for_has_no_uri() -> None:
    file = ResourceFile.from_row({"Name": "x", "URI": "/data/p/resources/1/files/../x"})
    assert file.path == "../x"
    assert file.uri is None


def test_fields_of_a_model_are_read_back() -> None:
    session = Session(id="E1", label="MR1", subject_label="S1", session_date="2024-04-30")
    assert Session.from_row(session.to_dict()) == session


def test_a_record_is_read_back_into_its_model() -> None:
    session = Session(
        id="E1",
        label="MR1",
        subject_label="S1",
        session_date="2024-04-30",
        fields={"score": "7"},
        uri="/data/experiments/E1",
    )
    record = {**session.to_record("https://x"), "outcome": "done", "unknown": 1}
    assert Session.from_record(record) == session


def test_a_row_shows_keys_of_records_fields_and_properties() -> None:
    session = Session(id="E1", label="MR1", subject_label="S1", session_date="2024-04-30")
    assert session.to_row() == {
        "id": "E1",
        "label": "MR1",
        "subject": "S1",
        "date": "2024-04-30",
        "modality": None,
    }
    assert session.to_row(["subject_label", "nothing"]) == {"subject_label": "S1", "nothing": None}
    assert Session.table_columns() == ["id", "label", "subject", "date", "modality"]


@pytest.mark.parametrize(
    ("xsi_type", "modality"),
    [
        ("xnat:mrSessionData", "MR"),
        ("xnat:petmrSessionData", "PET/MR"),
        ("xnat:otherDicomSessionData", "OT"),
        ("xnat:usSessionData", "US"),
        ("fs:fsData", None),
        ("", None),
        (None, None),
    ],
)
def test_the_modality_is_that_of_the_type(xsi_type: str | None, modality: str | None) -> None:
    assert modality_of(xsi_type) == modality


def test_a_stored_modality_wins_over_the_type() -> None:
    row = {"ID": "E", "modality": "PT", "xsiType": "xnat:petSessionData"}
    assert Session.from_row(row).modality == "PT"


def test_a_scan_knows_its_id_by_two_names() -> None:
    assert Scan(id="4-MR1").scan_id == "4-MR1"


@pytest.mark.parametrize(
    ("size", "shown"),
    [(None, "-"), (0, "0 B"), (1023, "1023 B"), (92672104, "88.4 MB"), (3 << 40, "3.0 TB")],
)
def test_a_size_is_shown_for_people(size: int | None, shown: str) -> None:
    assert Resource(label="R", file_size=size).file_size_display == shown


def test_a_size_in_mib_is_a_number() -> None:
    assert Resource(label="R", file_size=3 << 20).file_size_mb == 3.0
    assert Resource(label="R").file_size_mb == 0.0


def test_a_prearchive_entry_is_named_by_its_folder() -> None:
    entry = PrearchiveEntry.from_row(
        {
            "project": "P1",
            "timestamp": "20240502_101500123",
            "scan_date": "2024-04-30 00:00:00.0",
            "subject": "S1",
            "name": "MR1",
            "tag": "1.2.3",
            "status": "READY",
            "uploaded": "2024-05-02 10:15:00.123",
        },
        label="Label",
    )
    record = entry.to_record()
    assert record["id"] == "P1/20240502_101500123/MR1"
    assert (record["label"], record["date"], record["uid"]) == ("Label", "2024-04-30", "1.2.3")
    assert entry.upload_date == "2024-05-02 10:15:00.123"


def test_progress_is_a_share_of_the_total() -> None:
    progress = UploadProgress(
        OperationPhase.UPLOADING, current=1, total=4, bytes_sent=1, total_bytes=2
    )
    assert (progress.percent, progress.bytes_percent) == (25.0, 50.0)
    assert UploadProgress().percent == 0.0
    assert str(progress.phase) == "uploading"


def test_a_summary_says_how_well_and_how_fast() -> None:
    summary = UploadSummary(
        success=False, total=4, succeeded=3, failed=1, duration=2.0, total_size_mb=10.0
    )
    assert (summary.success_rate, summary.throughput_mbps) == (75.0, 5.0)
    assert DownloadSummary(success=True).success_rate == 0.0
    assert DownloadSummary(success=True).throughput_mbps == 0.0
