"""A destination that anonymizes is compared by what it keeps."""

from __future__ import annotations

from support.transfers import Transfer, anonymize, notes, series


def test_anonymized_dicom_is_compared_by_name(transfer: Transfer) -> None:
    transfer.has_session("S1", "S1_MR1", "MR", instances=3)
    anonymize(transfer)
    ran = transfer()
    assert ran.status == 0, ran.err
    assert "rewrites DICOM (anonymization): 3 files compared by name" in ran.err
    again = transfer()
    assert (again.status, again.files) == (0, 0)


def test_anonymization_that_is_kept_secret_is_told_by_the_dicom_alone(transfer: Transfer) -> None:
    transfer.has_session("S1", "S1_MR1", "MR", instances=3, resources={"NOTES": notes(2)})
    anonymize(transfer)
    transfer.dest.fails("GET", "/xapi/anonymize", 403, times=100)
    ran = transfer()
    assert ran.status == 0, ran.err
    assert "3 files compared by name" in ran.err
    again = transfer()
    assert (again.status, again.files) == (0, 0)


def test_anonymized_dicom_that_changes_on_the_source_is_sent_again(transfer: Transfer) -> None:
    session = transfer.has_session("S1", "S1_MR1", "MR", instances=2)
    anonymize(transfer)
    transfer()
    files = series("S1", "S1_MR1", 1, "MR", 2)
    name = min(files)
    transfer.source.has_scan(session, "1", {name: files[name] + b"\0\0"})
    assert transfer().files == 2
    assert transfer().files == 0


def test_names_of_patients_do_not_come_back_by_the_metadata(transfer: Transfer) -> None:
    transfer.has_session("S1", "S1_MR1", "MR", dcmPatientName="Doe^Jane")
    anonymize(transfer)
    assert transfer().status == 0
    fields = transfer.dest.fields("/data/projects/B/experiments/S1_MR1")
    assert fields.get("dcmPatientName") != "Doe^Jane"
