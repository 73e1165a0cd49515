"""Destinations that rewrite the DICOM that they import, or do not say whether they do."""

from __future__ import annotations

import pytest

from support.transfers import Transfer, anonymize, everything, series, study_of
from xnat_core.user_paths import state_dir


@pytest.mark.parametrize("told", [True, False])
def test_dicom_that_is_replaced_by_as_many_other_files_is_sent_again(
    transfer: Transfer, told: bool
) -> None:
    session = transfer.has_session("S1", "S1_MR1", "MR", instances=2)
    anonymize(transfer)
    if not told:
        transfer.dest.fails("GET", "/xapi/anonymize", 403, times=100)
    transfer()
    for name, data in series("S1", "S1_MR1", 1, "MR", 2).items():
        where = f"/data/experiments/{session.id}/scans/1/resources/DICOM/files/{name}"
        assert transfer.source.call("DELETE", where).ok
        transfer.source.has_scan(session, "1", {f"corrected_{name}": data + b"\0\0"})
    assert transfer().files == 2
    assert transfer().files == 0


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("dry", [True, False])
def test_another_study_under_the_same_labels_is_a_conflict(
    transfer: Transfer, told: bool, dry: bool
) -> None:
    transfer.has_session("S1", "S1_MR1", "MR")
    theirs = transfer.dest.has_session("B", "S1", "S1_MR1", UID=study_of("S1", "THEIRS"))
    files = series("S1", "THEIRS", 1, "MR", 2)
    transfer.dest.has_scan(theirs, "1", {f"theirs_{name}": files[name] for name in files})
    anonymize(transfer)
    if not told:
        transfer.dest.fails("GET", "/xapi/anonymize", 403, times=100)
    before = everything(transfer.dest, "B")
    for _ in range(2):
        ran = transfer(*["--dry-run"] * dry)
        assert ran.status == 1
        assert "it is of another study" in ran.err
    assert everything(transfer.dest, "B") == before


def test_what_others_archived_while_ours_was_staged_is_a_conflict(transfer: Transfer) -> None:
    transfer.has_session("S1", "S1_MR1", "MR")
    anonymize(transfer)
    transfer.dest.settings.archive_fault = lambda label: "pretend conflict"
    assert transfer("--config", transfer.config()).status == 1
    transfer.dest.settings.archive_fault = None
    theirs = transfer.dest.has_session("B", "S1", "S1_MR1", UID=study_of("S1", "THEIRS"))
    files = series("S1", "THEIRS", 1, "MR", 2)
    transfer.dest.has_scan(theirs, "1", {f"theirs_{name}": files[name] for name in files})
    before = everything(transfer.dest, "B")
    for _ in range(2):
        ran = transfer()
        assert ran.status == 1
        assert "it is of another study" in ran.err
    assert everything(transfer.dest, "B") == before


@pytest.mark.parametrize("told", [True, False])
def test_what_identifies_a_patient_does_not_come_by_the_metadata(
    transfer: Transfer, told: bool
) -> None:
    transfer.has_session("S1", "S1_PT1", "PT", patientName="Doe^Jane", patientID="4711")
    subject = "/data/projects/A/subjects/S1"
    assert transfer.source.call("PUT", f"{subject}?dob=1950-05-02&yob=1950&gender=female").ok
    anonymize(transfer)
    if not told:
        transfer.dest.fails("GET", "/xapi/anonymize", 403, times=100)
    assert transfer().status == 0
    sent = b"".join(map(transfer.dest.body, transfer.dest.requests("PUT")))
    assert b"PETSession" in sent and b"female" in sent and b"1950" in sent
    for identifying in (b"Doe^Jane", b"4711", b"1950-05-02", b"xnat_imagescandata_id"):
        assert identifying not in sent


def test_a_destination_that_is_named_by_an_alias_is_asked_by_its_id(transfer: Transfer) -> None:
    """What lies below /xapi knows no aliases."""
    transfer.dest.call("PUT", "/data/projects/B?alias=OTHER")
    for verb in ("run", "check"):
        words = ("-p", "source", "-P", "A", "--dest-profile", "dest", "--dest-project", "OTHER")
        assert transfer.say(verb, *words).status == 0
    asked = transfer.dest.requests("GET", "/xapi/anonymize/projects/")
    assert {request.path.split("/")[4] for request in asked} == {"B"}


def test_what_is_no_dicom_does_not_tell_that_dicom_is_kept(transfer: Transfer) -> None:
    session = transfer.has_session("S1", "S1_MR1", "MR")
    transfer.source.has_scan(session, "1", {"sidecar.json": b"{}", "NOTES.TXT": b"odd"})
    anonymize(transfer)
    transfer.dest.fails("GET", "/xapi/anonymize", 403, times=100)
    ran = transfer()
    assert ran.status == 0, ran.err
    assert transfer().outcomes == {"skipped"}


def test_a_scan_that_is_kept_tells_that_another_is_not_rewritten(transfer: Transfer) -> None:
    session = transfer.has_session("S1", "S1_MR1", "MR", "MR")
    transfer()
    for name, data in series("S1", "S1_MR1", 2, "MR", 2).items():
        where = f"/data/experiments/{session.id}/scans/2/resources/DICOM/files/{name}"
        assert transfer.source.call("DELETE", where).ok
        transfer.source.has_scan(session, "2", {f"corrected_{name}": data + b"\0\0"})
    (state_dir() / "transfer.db").unlink()
    transfer.dest.fails("GET", "/xapi/anonymize", 403, times=100)
    assert transfer().files == 2
