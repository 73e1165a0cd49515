"""What `run` brings to the destination, and what it leaves alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.transfers import Transfer, everything, furnish, notes, state_file, written_to


def test_a_session_arrives_with_its_files(transfer: Transfer) -> None:
    transfer.has_session("S1", "S1_MR1", "MR", "MR")
    ran = transfer()
    assert ran.status == 0, ran.err
    (session,) = ran.of("session")
    assert (session["outcome"], session["files"], session["verified"]) == ("done", 4, True)
    assert everything(transfer.source, "A") == everything(transfer.dest, "B") != {}


def test_a_destination_that_wants_reasons_is_given_one(transfer: Transfer) -> None:
    transfer.has_session("S1", "S1_MR1", "MR", "MR")
    transfer.dest.store.preferences.set("requireChangeJustification", True)
    ran = transfer("--reason", "move to B")
    assert (ran.status, ran.err) == (0, ""), ran.err
    assert everything(transfer.source, "A") == everything(transfer.dest, "B") != {}
    assert {r.args.get("event_reason") for r in transfer.dest.requests("PUT")} == {"move to B"}


def test_everything_that_a_project_has_arrives(transfer: Transfer) -> None:
    furnish(transfer)
    ran = transfer()
    assert ran.status == 0, ran.err
    assert everything(transfer.source, "A") == everything(transfer.dest, "B")
    (summary,) = ran.of("transfer")
    assert summary["success"]
    assert (summary["subjects_synced"], summary["experiments_synced"]) == (3, 4)


def test_a_second_run_transfers_nothing(transfer: Transfer) -> None:
    furnish(transfer)
    transfer()
    writes = len(written_to(transfer))
    again = transfer()
    assert (again.status, again.files) == (0, 0)
    assert again.outcomes == {"skipped"}
    assert len(written_to(transfer)) == writes


def test_a_second_run_without_the_state_transfers_no_file(
    transfer: Transfer, tmp_path: Path
) -> None:
    furnish(transfer)
    transfer()
    state_file(tmp_path).unlink()
    again = transfer()
    assert (again.status, again.files) == (0, 0)
    assert everything(transfer.source, "A") == everything(transfer.dest, "B")


def test_a_damaged_state_is_told_with_what_can_be_done(transfer: Transfer, tmp_path: Path) -> None:
    assert transfer().status == 0
    state_file(tmp_path).write_bytes(b"no database at all, but garbage")
    ran = transfer()
    assert ran.status == 1
    assert "file is not a database; it can be removed" in ran.err


def test_only_a_new_file_of_a_resource_is_sent(transfer: Transfer) -> None:
    session = transfer.has_session("S1", "S1_MR1", "MR", resources={"NOTES": notes(20)})
    transfer()
    transfer.source.has_resource(session, "NOTES", {"new.txt": b"new"})
    again = transfer()
    assert (again.status, again.files) == (0, 1)
    assert everything(transfer.source, "A") == everything(transfer.dest, "B")


def test_only_a_new_instance_of_a_scan_is_sent(transfer: Transfer) -> None:
    session = transfer.has_session("S1", "S1_MR1", "MR", instances=5)
    transfer()
    transfer.has_series(session, "S1", 1, "MR", 6)
    again = transfer()
    assert (again.status, again.files) == (0, 1)
    assert everything(transfer.source, "A") == everything(transfer.dest, "B")


def test_a_changed_file_is_sent_again(transfer: Transfer) -> None:
    session = transfer.has_session("S1", "S1_MR1", "MR", resources={"NOTES": {"a.txt": b"one"}})
    transfer()
    transfer.source.has_resource(session, "NOTES", {"a.txt": b"two"})
    assert transfer().files == 1
    assert everything(transfer.source, "A") == everything(transfer.dest, "B")


def test_a_new_session_of_a_known_subject_is_sent(transfer: Transfer) -> None:
    transfer.has_session("S1", "S1_MR1", "MR")
    transfer()
    transfer.has_session("S1", "S1_PET1", "PT")
    again = transfer()
    assert (again.status, again.files) == (0, 2)
    assert everything(transfer.source, "A") == everything(transfer.dest, "B")


def test_a_session_of_two_modalities_arrives_whole(transfer: Transfer) -> None:
    transfer.has_session("S1", "S1_PET1", "PT", "CT", instances=3)
    assert transfer().status == 0
    (session,) = transfer.dest.store.items.experiments_of_project("B")
    assert session.xsi_type == "xnat:petSessionData"
    assert everything(transfer.source, "A") == everything(transfer.dest, "B")


def test_what_was_deleted_on_the_destination_is_sent_again(transfer: Transfer) -> None:
    transfer.has_session("S1", "S1_MR1", "MR")
    (before,) = transfer().of("session")
    transfer.dest.call("DELETE", f"/data/experiments/{before['id']}?removeFiles=true")
    again = transfer()
    assert again.status == 0, again.err
    (after,) = again.of("session")
    assert after["id"] != before["id"]
    assert everything(transfer.source, "A") == everything(transfer.dest, "B")


def test_a_session_that_is_named_twice_is_sent_once(
    transfer: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    transfer.has_session("S1", "S1_MR1", "MR", "MR", instances=4)
    record = {"kind": "session", "server": transfer.source.url, "label": "S1_MR1", "project": "A"}
    ran = transfer.fed([record] * 3, monkeypatch)
    assert (ran.status, ran.files) == (0, 8), ran.err
    assert sorted(one["outcome"] for one in ran.records) == ["done", "skipped", "skipped"]


def test_sessions_of_records_are_transferred_and_no_others(
    transfer: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    transfer.has_session("S1", "S1_MR1", "MR")
    transfer.has_session("S2", "S2_MR1", "MR")
    record = {"kind": "session", "server": transfer.source.url, "label": "S2_MR1", "project": "A"}
    ran = transfer.fed([{**record, "mine": 7}], monkeypatch)
    assert ran.status == 0, ran.err
    (session,) = ran.records
    assert (session["label"], session["project"], session["mine"]) == ("S2_MR1", "B", 7)
    there = transfer.dest.store.items.experiments_of_project("B")
    assert [one.label for one in there] == ["S2_MR1"]


def test_nothing_is_staged_on_disk(transfer: Transfer, tmp_path: Path) -> None:
    furnish(transfer)
    own = tmp_path / "home"
    transfer()
    left = [file for file in own.rglob("*") if file.is_file()]
    # And what SQLite may have beside it.
    state, config = own / "state/xnatctl", own / "config/xnatctl"
    assert state / "transfer.db" in left
    assert {file.parent for file in left if not file.name.startswith("transfer.db")} <= {
        config,
        config / ".session.lease",
    }
    assert sum(file.stat().st_size for file in left) < 500_000


def test_dicom_that_the_destination_rejects_is_a_failure(transfer: Transfer) -> None:
    transfer.has_session("S1", "S1_MR1", "MR", instances=3)
    rejected = iter([True])
    transfer.dest.settings.anonymize = lambda path: not next(rejected, True)
    ran = transfer()
    assert ran.status != 0
    assert ran.of("session")[0]["outcome"] == "failed"


def test_a_bound_leaves_the_rest_for_the_next_run(transfer: Transfer) -> None:
    for number in (1, 2, 3):
        transfer.has_session(f"S{number}", f"S{number}_MR1", "MR")
    ran = transfer("--max-items", 3)
    assert ran.status == 0, ran.err
    left = [one for one in ran.records if one.get("reason") == "max-items"]
    # The project has nothing of its own, and does not count.
    assert len(left) == 3
    assert {one["outcome"] for one in left} == {"skipped"}
    assert transfer().status == 0
    assert everything(transfer.source, "A") == everything(transfer.dest, "B")
