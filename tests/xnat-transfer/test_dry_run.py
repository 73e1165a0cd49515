"""A dry run says what would be sent, and changes nothing."""

from __future__ import annotations

from support.transfers import Transfer, everything, furnish, written_to


def test_nothing_is_asked_so_yes_changes_nothing(transfer: Transfer) -> None:
    transfer.has_session("S1", "S1_MR1", "MR")
    assert [transfer(word).status for word in ("-y", "--yes")] == [0, 0]


def test_a_dry_run_says_what_would_be_sent_and_changes_nothing(transfer: Transfer) -> None:
    furnish(transfer)
    plan = transfer("--dry-run")
    assert plan.status == 0, plan.err
    assert plan.outcomes == {"planned"}
    assert plan.files == len(everything(transfer.source, "A"))
    assert not written_to(transfer)
    assert not transfer.dest.store.items.subjects_of_project("B")


def test_a_dry_run_says_that_a_subject_will_be_described(transfer: Transfer) -> None:
    transfer.source.has_subject("A", "S1")
    transfer.dest.has_subject("B", "S1")
    (planned,) = transfer("--dry-run").of("subject")
    (done,) = transfer().of("subject")
    assert (planned["outcome"], done["outcome"]) == ("planned", "done")


def test_input_and_output_of_one_label_are_not_taken_for_one(transfer: Transfer) -> None:
    source = transfer.source
    session = transfer.has_session("S1", "S1_MR1")
    with source.store.database.transaction():
        assessor = source.store.items.create_experiment(
            "A", "QC1", "xnat:qcManualAssessorData", session_id=session.id
        )
    for side in ("in", "out"):
        where = f"/data/experiments/{session.id}/assessors/{assessor.id}/{side}/resources/X/files"
        assert (
            source.call(
                "PUT",
                f"{where}/a.txt?inbody=true",
                data=side.encode(),
                headers={"Content-Type": "text/plain"},
            ).status_code
            == 200
        )
    ran = transfer()
    assert ran.status == 1
    assert "assessor QC1, resource X is there twice" in ran.err


def test_a_dry_run_after_a_run_plans_nothing(transfer: Transfer) -> None:
    furnish(transfer)
    transfer()
    assert transfer("--dry-run").outcomes == {"skipped"}


def test_a_dry_run_looks_for_a_subject_once_for_all_its_sessions(transfer: Transfer) -> None:
    for number in range(6):
        transfer.has_session("S1", f"S1_MR{number}", "MR")
    assert len(transfer("--dry-run").of("session")) == 6
    assert len(transfer.dest.requests("GET", "/data/projects/B/subjects/S1")) == 1
