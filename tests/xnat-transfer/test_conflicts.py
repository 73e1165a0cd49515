"""What stands in the way on the destination is a conflict, told before anything is sent."""

from __future__ import annotations

import pytest

from support.transfers import Transfer, everything, series, study_of, written_to


def test_another_session_under_the_same_label_is_a_conflict(transfer: Transfer) -> None:
    transfer.has_session("S1", "S1_MR1", "MR")
    transfer.has_session("S2", "S2_MR1", "MR")
    transfer()
    transfer.dest.call("DELETE", "/data/projects/B/experiments/S1_MR1?removeFiles=true")
    transfer.dest.has_session("B", "S1", "S1_MR1")
    again = transfer()
    assert again.status == 1
    (conflict,) = [one for one in again.of("session") if one["outcome"] == "failed"]
    assert conflict["error"]["type"] == "TransferConflictError"
    assert [one["outcome"] for one in again.of("session") if one != conflict] == ["skipped"]


@pytest.mark.parametrize("shared", [("S1", "S1_MR1"), ("S1_MR1",)])
@pytest.mark.parametrize("metadata", [True, False])
def test_what_another_project_shares_with_the_destination_is_a_conflict(
    transfer: Transfer, shared: tuple[str, ...], metadata: bool
) -> None:
    transfer.has_session("S1", "S1_MR1", "MR", "MR")
    dest = transfer.dest
    study = study_of("S1", "S1_MR1")
    scans = {"1": series("S1", "S1_MR1", 1, "MR", 2)}
    dest.has_session("X", "S1", "S1_MR1", UID=study, scans=scans)
    dest.store.accounts.join("keeper", "X_owner")
    owned = "/data/projects/X/subjects/S1"
    for name in shared:
        where = owned if name == "S1" else f"{owned}/experiments/{name}"
        assert dest.call("PUT", f"{where}/projects/B").status_code == 200
    before = everything(dest, "X")
    ran = transfer("--config", transfer.config(transfer_xml_metadata=metadata))
    assert ran.status == 1
    assert "it belongs to project X, which shares it" in ran.err
    assert everything(dest, "X") == before
    assert not dest.requests("POST", "/data/services/import")


def test_a_session_that_was_renamed_on_the_destination_is_a_conflict(transfer: Transfer) -> None:
    transfer.has_session("S1", "S1_MR1", "MR")
    (there,) = transfer().of("session")
    transfer.dest.call("PUT", f"/data/experiments/{there['id']}?label=OTHER")
    again = transfer()
    (conflict,) = again.of("session")
    assert (again.status, conflict["outcome"]) == (1, "failed")
    assert "B/OTHER on the destination now" in again.err


def test_a_session_of_another_subject_is_a_conflict(transfer: Transfer) -> None:
    transfer.has_session("S1", "S1_MR1", "MR")
    transfer.dest.has_session("B", "S9", "S1_MR1")
    ran = transfer()
    assert ran.status == 1
    assert "it is of subject S9" in ran.err


def test_two_labels_that_become_one_are_a_conflict(transfer: Transfer) -> None:
    transfer.has_session("S1", "S1 MR1", "MR", instances=3)
    transfer.has_session("S1", "S1.MR1", "MR", instances=3)
    ran = transfer()
    assert sorted(one["outcome"] for one in ran.of("session")) == ["done", "failed"]
    assert ran.status == 1
    assert len(everything(transfer.dest, "B")) == 3
    assert transfer("--dry-run").outcomes == {"skipped", "failed"}


def test_two_subjects_that_become_one_are_a_conflict(transfer: Transfer) -> None:
    transfer.has_session("S 1", "S1_MR1", "MR")
    transfer.has_session("S.1", "S2_MR1", "MR")
    ran = transfer()
    assert sorted(one["outcome"] for one in ran.of("session")) == ["done", "failed"]
    assert len(everything(transfer.dest, "B")) == 2


def test_subjects_that_differ_only_in_case_are_a_conflict(transfer: Transfer) -> None:
    transfer.has_session("S1", "S1_MR1", "MR")
    transfer.has_session("s1", "S2_MR1", "MR")
    ran = transfer()
    assert sorted(one["outcome"] for one in ran.of("session")) == ["done", "failed"]
    assert len(everything(transfer.dest, "B")) == 2


def test_a_subject_in_other_letters_is_a_conflict_before_anything_is_sent(
    transfer: Transfer,
) -> None:
    transfer.dest.has_session("B", "s1", "OTHER")
    transfer.has_session("S1", "S1_MR1", "MR")
    for word in ("--dry-run", "--yes"):
        ran = transfer(word)
        assert ran.status == 1
        assert "the import takes it for s1" in ran.err
    assert not written_to(transfer)


def test_a_session_label_that_is_an_accession_id_of_the_destination_is_a_conflict(
    transfer: Transfer,
) -> None:
    other = transfer.dest.has_session("B", "OTHER", "OTHER_MR1")
    transfer.source.has_session("A", "S1", other.id)
    before = transfer.dest.fields(f"/data/experiments/{other.id}")
    ran = transfer()
    assert ran.status == 1
    assert "that is the accession ID of OTHER_MR1" in ran.err
    assert transfer.dest.fields(f"/data/experiments/{other.id}") == before


def test_a_subject_label_that_is_an_accession_id_of_the_destination_is_a_conflict(
    transfer: Transfer,
) -> None:
    other = transfer.dest.has_subject("B", "OTHER")
    transfer.has_session(other.id, "S1_MR1", "MR")
    ran = transfer()
    assert ran.status == 1
    assert "the destination takes that label for OTHER's" in ran.err
    assert not written_to(transfer)


def test_two_assessors_that_become_one_are_a_conflict(transfer: Transfer) -> None:
    source = transfer.source
    session = transfer.has_session("S1", "S1_MR1", "MR")
    for label in ("QC 1", "QC.1"):
        with source.store.database.transaction():
            assessor = source.store.items.create_experiment(
                "A", label, "xnat:qcManualAssessorData", session_id=session.id
            )
        source.has_resource(assessor, "REPORT", {f"{label}.html": b"<html>"})
    ran = transfer()
    assert ran.status == 1
    assert "is brought to that label" in ran.err
    assert not everything(transfer.dest, "B")
