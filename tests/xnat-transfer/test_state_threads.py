"""The threads of a run share one connection to the state; none gets what another has asked for."""

from __future__ import annotations

import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from xnat_transfer.state import Ends, Entity, Run, State

ENDS = Ends("https://a.example.org", "A", "https://b.example.org", "B")


def run_with(file: Path, items: int) -> Run:
    """A run that has brought so many items."""
    run = State(file).begin(ENDS)
    for number in range(items):
        run.note(Entity("experiment", f"E{number}", f"E{number}", "verified"))
        run.map(f"E{number}", f"R{number}", f"E{number}")
    return run


def test_rows_are_fetched_before_another_thread_executes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others: list[threading.Thread] = []
    waited: list[bool] = []

    class Slow(sqlite3.Cursor):
        def fetchall(self) -> list[Any]:
            if others and not waited:
                others[0].start()
                others[0].join(0.3)
                waited.append(others[0].is_alive())
            return super().fetchall()

    class Connection(sqlite3.Connection):
        def execute(self, *words: Any) -> sqlite3.Cursor:
            return self.cursor(Slow).execute(*words)

    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *a, **k: connect(*a, factory=Connection, **k))
    run = run_with(tmp_path / "transfer.db", 2)
    others.append(threading.Thread(target=run.mapped, args=("E1",), daemon=True))
    assert run.mapped("E0") == "R0"
    assert waited == [True]


def test_each_thread_gets_its_own_rows(tmp_path: Path) -> None:
    run = run_with(tmp_path / "transfer.db", 8)
    until = time.monotonic() + 1
    wrong: list[object] = []

    def look(number: int) -> None:
        while time.monotonic() < until and not wrong:
            try:
                seen = run.mapped(f"E{number}"), run.latest("experiment", f"E{number}")
            except Exception as error:
                wrong.append(error)
                return
            if seen[0] != f"R{number}" or seen[1] is None or seen[1].local_id != f"E{number}":
                wrong.append(seen)

    threads = [threading.Thread(target=look, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
