"""A transfer that ends at a bound."""

from __future__ import annotations

from typing import Any

import pytest

from support.clock import time_is_over_at
from support.transfers import Transfer, everything


def left_of(records: list[dict[str, Any]], reason: str) -> list[dict[str, Any]]:
    return [record for record in records if record.get("reason") == reason]


@pytest.mark.parametrize("bound", ["--max-items=3", "--max-bytes=1", "--max-duration=0"])
def test_what_is_left_is_skipped_with_the_reason_and_taken_up_by_the_next_run(
    transfer: Transfer, bound: str
) -> None:
    for number in range(1, 7):
        transfer.has_session(f"S{number}", f"S{number}_MR1", "MR")
    ran = transfer(bound, "-w", 1)
    left = left_of(ran.records, bound[2:].partition("=")[0])
    assert ran.status == 0, ran.err
    assert left and {record["outcome"] for record in left} == {"skipped"}
    (summary,) = ran.of("transfer")
    assert (summary["left"], summary["subjects_failed"]) == (len(left), 0)
    assert len(left) + len([r for r in ran.records if r.get("outcome") == "done"]) >= 12
    last = transfer()
    assert (last.status, left_of(last.records, "left")) == (0, [])
    assert "left" not in last.of("transfer")[0]
    assert everything(transfer.source, "A") == everything(transfer.dest, "B")


def test_sessions_on_standard_input_are_bounded(
    transfer: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = []
    for number in (1, 2, 3):
        session = transfer.has_session(f"S{number}", f"S{number}_MR1", "MR")
        records.append({"kind": "session", "server": transfer.source.url, "id": session.id})
    ran = transfer.fed(records, monkeypatch, "--max-items", 1)
    assert (ran.status, sorted(r["outcome"] for r in ran.records)) == (
        0,
        ["done", "skipped", "skipped"],
    )
    assert len(left_of(ran.records, "max-items")) == 2


def test_the_same_command_goes_on_behind_what_is_there(transfer: Transfer) -> None:
    for number in (1, 2):
        transfer.has_session(f"S{number}", f"S{number}_MR1", "MR")
    planned = transfer("--max-items=1", "--dry-run")
    assert [one.get("outcome") for one in planned.records].count("planned") == 1
    runs = [transfer("--max-items=1")]
    # What is left is not made either.
    assert len(transfer.dest.store.items.subjects_of_project("B")) == 1
    runs += [transfer("--max-items=1") for _ in range(4)]
    for ran in runs:
        brought = [one for one in ran.of("subject") + ran.of("session") if one["outcome"] == "done"]
        assert ran.status == 0
        # Whoever brings a session may have made its subject with it.
        assert len(brought) == 1 or (not brought and not left_of(ran.records, "max-items"))
    assert left_of(runs[-1].records, "max-items") == []
    assert everything(transfer.source, "A") == everything(transfer.dest, "B")


def test_a_session_stops_between_two_scans_and_is_completed_by_the_next_run(
    transfer: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    transfer.has_session("S1", "S1_MR1", "MR", "MR", "MR", "MR")
    config = transfer.config(scan_workers=1)
    with monkeypatch.context() as patched:
        time_is_over_at(patched, transfer.dest, "POST", "/data/services/import")
        ran = transfer("--max-duration", "1h", "--config", config)
    (session,) = left_of(ran.of("session"), "max-duration")
    assert (ran.status, session["outcome"], session["label"]) == (0, "skipped", "S1_MR1")
    assert "verified" not in session
    assert len(transfer.dest.requests("POST", "/data/services/import")) == 1
    # No half of it is in the archive.
    assert transfer.dest.rows("/data/projects/B/experiments?format=json") == []
    (shown,) = transfer.say("status").records
    assert shown["status"] == "interrupted"
    assert transfer("--config", config).status == 0
    assert len(transfer.dest.requests("POST", "/data/services/import")) == 4
    assert everything(transfer.source, "A") == everything(transfer.dest, "B")
    assert not transfer.dest.rows("/data/prearchive?format=json")


def test_a_session_stops_between_two_resources(
    transfer: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = transfer.has_session("S1", "S1_MR1", "MR")
    for number in (1, 2, 3):
        transfer.source.has_resource(session, f"R{number}", {"a": b"a", "b": b"b"})
    config = transfer.config(scan_workers=1)
    with monkeypatch.context() as patched:
        time_is_over_at(patched, transfer.dest, "PUT", "/resources/R", nth=2)
        ran = transfer("--max-duration", "1h", "--config", config)
    assert ran.status == 0
    assert [r["label"] for r in left_of(ran.of("session"), "max-duration")] == ["S1_MR1"]
    found = everything(transfer.dest, "B")
    assert 0 < len([name for name in found if "/R" in name]) < 6
    assert transfer("--config", config).status == 0
    assert everything(transfer.source, "A") == everything(transfer.dest, "B")


def test_what_went_wrong_before_the_time_was_over_is_a_failure(
    transfer: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    transfer.has_session("S1", "S1_MR1", "MR", "MR")
    config = transfer.config(scan_workers=1, scan_retry_count=1)
    time_is_over_at(monkeypatch, transfer.dest, "POST", "/data/services/import")
    transfer.dest.fails("POST", "/data/services/import", 403, times=9)
    ran = transfer("--max-duration", "1h", "--config", config)
    assert ran.status == 6
    assert [record["outcome"] for record in ran.of("session")] == ["failed"]
