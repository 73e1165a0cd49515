"""What is read from a DICOM object, and what it is named after."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest

from xnat_sandbox import samples
from xnat_sandbox.datatypes import SESSION_TYPES
from xnat_sandbox.dicom_header import Header, Unparsable, peek, read_file
from xnat_sandbox.dicom_labels import auto_archive, project_candidates, session_label, subject_label
from xnat_sandbox.dicom_names import is_legal, scan_folder, template_name
from xnat_sandbox.dicom_session import ROOTS
from xnat_sandbox.dicom_types import scan_type, session_type


def test_a_sample_series_reads_back(tmp_path: Path) -> None:
    first, second = samples.write_series(tmp_path, modality="CT", series=4, instances=2)
    header = read_file(second)
    assert header.series_number == "4"
    assert header.instance_number == "2"
    assert header.modality == "CT"
    assert header.study_uid == read_file(first).study_uid
    assert header.sop_instance_uid != read_file(first).sop_instance_uid


def test_the_same_arguments_make_the_same_bytes(tmp_path: Path) -> None:
    first = samples.write_series(tmp_path / "a", rows=8)
    second = samples.write_series(tmp_path / "b", rows=8)
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_objects_of_real_scanners_are_read() -> None:
    assert {read_file(path).modality for path in samples.real_files()} >= {"MR", "CT", "RTPLAN"}


def test_the_header_of_a_large_object_needs_only_its_beginning(tmp_path: Path) -> None:
    (path,) = samples.write_series(tmp_path, instances=1, rows=1024)
    with path.open("rb") as stream:
        header, head = peek(stream)
    assert header.modality == "MR"
    assert len(head) < path.stat().st_size


@pytest.mark.parametrize("data", [b"", b"hello", b"\0" * 400, b"\0" * 128 + b"DICM"])
def test_other_bytes_are_unparsable(data: bytes) -> None:
    with pytest.raises(Unparsable):
        peek(BytesIO(data))


def test_an_object_cut_in_its_header_is_unparsable(tmp_path: Path) -> None:
    (path,) = samples.write_series(tmp_path, instances=1)
    with pytest.raises(Unparsable):
        peek(BytesIO(path.read_bytes()[:700]))


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (Header(patient_comments="Project:P1 Subject:S1"), "P1"),
        (Header(patient_comments="x;PROJECT: P1;Subject:S1"), "P1"),
        (Header(study_comments="Project:P2", patient_comments="Project:P1"), "P1"),
        (Header(patient_history="Project:P3", study_description="D"), "P3"),
        (Header(study_description="P4", accession_number="P5"), "P4"),
        (Header(accession_number="P5"), "P5"),
        (Header(patient_comments="SubProject:P1"), None),
        (Header(patient_comments="Project:P1 Project:P2"), "P1"),
        (Header(patient_comments="x Project:P1 Project:P2"), "P2"),
        (Header(patient_comments="Project:P.1"), None),
        (Header(patient_comments="Project:P1 x\r\ny"), None),
    ],
)
def test_the_project_is_named_by_comments_then_description_then_accession_number(
    header: Header, expected: str | None
) -> None:
    assert next(filter(None, project_candidates(header)), None) == expected


def test_labels_fall_back_to_patient_name_and_id() -> None:
    header = Header(patient_name="DOE^JOHN", patient_id="X 1")
    assert (subject_label(header), session_label(header)) == ("DOE_JOHN", "X_1")


def test_an_object_without_patient_id_goes_to_dicom_upload() -> None:
    assert session_label(Header()) == "dicom_upload"


@pytest.mark.parametrize(("text", "expected"), [("AA:true", True), ("AA:FALSE", False), ("", None)])
def test_comments_may_ask_for_auto_archive(text: str, expected: bool | None) -> None:
    assert auto_archive(Header(patient_comments=text)) is expected


@pytest.mark.parametrize(
    ("modalities", "expected"),
    [
        (["MR"], "xnat:mrSessionData"),
        (["CT", "PT"], "xnat:petSessionData"),
        (["RTSTRUCT", "MR"], "xnat:mrSessionData"),
        (["PT", "MR"], "xnat:petmrSessionData"),
        (["CR"], "xnat:crSessionData"),
        (["RTPLAN"], "xnat:rtSessionData"),
        (["SEG"], "xnat:otherDicomSessionData"),
        (["ZZ"], "xnat:otherDicomSessionData"),
        ([], "xnat:otherDicomSessionData"),
    ],
)
def test_the_leading_modality_makes_the_session_type(modalities: list[str], expected: str) -> None:
    assert session_type(modalities) == expected


def test_the_archive_knows_every_type_of_session_that_dicom_can_make() -> None:
    assert set(ROOTS) <= set(SESSION_TYPES)


@pytest.mark.parametrize(
    ("modality", "sop_class", "expected"),
    [
        ("PT", "", "xnat:petScanData"),
        ("MR", "1.2.840.10008.5.1.4.1.1.7", "xnat:scScanData"),
        ("OT", "1.2.840.10008.5.1.4.1.1.7.2", "xnat:scScanData"),
        ("RTSTRUCT", "", "xnat:rtImageScanData"),
        ("", "", "xnat:otherDicomScanData"),
    ],
)
def test_modality_and_class_make_the_scan_type(
    modality: str, sop_class: str, expected: str
) -> None:
    assert scan_type(modality, sop_class) == expected


def test_a_series_without_number_is_named_after_its_uid() -> None:
    assert scan_folder(Header(series_uid="1.2.3")) == "1_2_3"


def test_template_names_differ_by_object() -> None:
    one, two = (
        Header(study_uid="1.2", series_number="3", sop_instance_uid=uid) for uid in ("7", "8")
    )
    assert template_name(one).startswith("1.2-3-")
    assert template_name(one) != template_name(two)


@pytest.mark.parametrize(
    ("name", "legal"), [("a.dcm", True), ("IM0001", True), ("..", False), ("a:b", False)]
)
def test_names_that_could_harm_are_not_kept(name: str, legal: bool) -> None:
    assert is_legal(name) is legal
