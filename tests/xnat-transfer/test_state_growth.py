"""The state grows with what happens, not with the runs that have nothing to do."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

from xnat_transfer.state import Ends, Entity, State

ENDS = Ends("http://a", "P1", "http://b", "P2")
ONE = Entity("experiment", "XNAT_E1", "MR1", "verified", remote_id="XNAT_E7", file_count=3)


def lines(file: Path) -> list[tuple[int, str]]:
    """The run and the status of each line, the oldest first."""
    with sqlite3.connect(file) as state:
        return state.execute(
            "SELECT sync_id, status FROM entity_manifest ORDER BY sync_id"
        ).fetchall()


def test_a_run_that_says_the_same_adds_no_line(tmp_path: Path) -> None:
    file = tmp_path / "transfer.db"
    state = State(file)
    for _ in range(5):
        run = state.begin(ENDS)
        run.note(ONE)
        assert run.latest("experiment", "XNAT_E1") == ONE
    assert lines(file) == [(5, "verified")]
    assert len(list(state.runs())) == 5
    state.close()


def test_what_differs_is_kept_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "transfer.db"
    state = State(file)
    failed = replace(ONE, status="failed", message="connection reset")
    for entity in (ONE, failed, ONE, ONE):
        state.begin(ENDS).note(entity)
    elsewhere = state.begin(replace(ENDS, dest_project="P3"))
    elsewhere.note(ONE)
    assert lines(file) == [(1, "verified"), (2, "failed"), (4, "verified"), (5, "verified")]
    state.close()


def test_a_run_that_began_before_does_not_take_the_line_of_a_later_one(tmp_path: Path) -> None:
    file = tmp_path / "transfer.db"
    state = State(file)
    early, late = state.begin(ENDS), state.begin(ENDS)
    late.note(ONE)
    early.note(ONE)
    early.note(replace(ONE, file_count=4))
    assert lines(file) == [(1, "verified"), (2, "verified")]
    latest = late.latest("experiment", "XNAT_E1")
    assert latest == ONE
    state.close()


def test_a_rehearsal_writes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "transfer.db"
    state = State(file)
    state.begin(ENDS).note(ONE)
    state.rehearse(ENDS).note(ONE)
    assert lines(file) == [(1, "verified")]
    state.close()
