"""Temporary databases, which take no more memory the more is in them, and may find no room."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from typing import Any

import pytest

from support.full_disk import full_disk
from xnat_core.errors import OperationError
from xnat_core.scratch import Scratch

SCHEMA = "CREATE TABLE name (text TEXT PRIMARY KEY) WITHOUT ROWID;"
ADD = "INSERT OR IGNORE INTO name VALUES (?)"
ALL = "SELECT text FROM name ORDER BY text"
LONG = "x" * 1000
SAID = "^upload: the list of files cannot be kept: "


def filled(count: int) -> Scratch:
    scratch = Scratch(SCHEMA, "upload")
    scratch.execute_many(ADD, ((f"{number:05}",) for number in range(count)))
    return scratch


def test_what_was_put_in_is_found_from_any_thread() -> None:
    scratch, seen = filled(0), list[object]()
    assert scratch.execute(ADD, ("a",)).rowcount == 1
    assert scratch.execute(ADD, ("a",)).rowcount == 0
    thread = threading.Thread(target=lambda: seen.extend(scratch.rows(ALL)))
    thread.start()
    thread.join()
    assert seen == [("a",)]
    assert scratch.row("SELECT 1 FROM name WHERE text=?", ("b",)) is None


def test_nothing_is_made_before_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    opened, connect = list[str](), sqlite3.connect

    def counted(name: str, **options: Any) -> sqlite3.Connection:
        opened.append(name)
        made: sqlite3.Connection = connect(name, **options)
        return made

    monkeypatch.setattr("sqlite3.connect", counted)
    scratch = Scratch(SCHEMA, "upload")
    scratch.close()
    assert opened == []
    assert list(scratch.rows(ALL)) == []
    assert opened == [""]


@pytest.mark.parametrize(
    "fill",
    [
        lambda scratch: [scratch.execute(ADD, (f"{n}{LONG}",)) for n in range(20_000)],
        lambda scratch: scratch.execute_many(ADD, ((f"{n}{LONG}",) for n in range(20_000))),
    ],
)
def test_a_disk_without_room_is_told_in_one_line(fill: Callable[[Scratch], object]) -> None:
    scratch = Scratch(SCHEMA, "upload")
    with full_disk(), pytest.raises(OperationError, match=SAID):
        fill(scratch)


@pytest.mark.parametrize(
    "read",
    [
        lambda scratch: list(scratch.rows(ALL)),
        lambda scratch: scratch.row("SELECT count(*) FROM name WHERE text LIKE '%x%'"),
    ],
)
def test_a_disk_that_fails_between_two_rows_is_told(read: Callable[[Scratch], object]) -> None:
    scratch = filled(5000)
    # Ends a statement after so many of its steps: the first row comes, the last one does not.
    scratch._connection.set_progress_handler(lambda: 1, 5000)
    with pytest.raises(OperationError, match=SAID):
        read(scratch)


def test_what_could_not_be_kept_is_told_in_the_words_of_the_caller() -> None:
    scratch = Scratch("CREATE nonsense;", "list", what="the temporary list of files")
    with pytest.raises(OperationError, match=r"^list: the temporary list of files: near "):
        scratch.execute("SELECT 1")
