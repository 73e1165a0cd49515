"""Temporary databases of SQLite: a little in memory, the rest in a file without a name.

A list of 200,000 files costs no more memory than one of ten.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from xnat_core.errors import OperationError


class Scratch:
    """A database that is made when it is first used, by any thread that holds the caller's lock.

    What it finds no room for, mostly because the folder for temporary files is full, is raised as
    OperationError: `what` has failed in an `operation`.
    """

    def __init__(
        self,
        schema: str,
        operation: str,
        *,
        what: str = "the list of files cannot be kept",
        cache_kb: int = 2000,
    ) -> None:
        self._schema = schema
        self._operation = operation
        self._what = what
        self._cache_kb = cache_kb
        self._opened: sqlite3.Connection | None = None

    def execute(self, sql: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        """Run a statement that gives no rows; the cursor tells how many it has changed."""
        with self._disk_errors():
            return self._connection.execute(sql, values)

    def execute_many(self, sql: str, values: Iterable[Sequence[object]]) -> None:
        """Run a statement with each of these values."""
        with self._disk_errors():
            self._connection.executemany(sql, values)

    def row(self, sql: str, values: Sequence[object] = ()) -> tuple[Any, ...] | None:
        """The first row of a query."""
        return next(self.rows(sql, values), None)

    def rows(self, sql: str, values: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        """The rows of a query, read as they are asked for: each may be the one that fails."""
        with self._disk_errors():
            yield from self._connection.execute(sql, values)

    def close(self) -> None:
        """Forget everything."""
        if self._opened is not None:
            self._opened.close()

    @property
    def _connection(self) -> sqlite3.Connection:
        if self._opened is None:
            opened = sqlite3.connect("", check_same_thread=False, isolation_level=None)
            # One transaction without an end: ending one after each statement takes longer and
            # longer, and there is nothing to be kept, and so nothing to be synced.
            opened.executescript(
                f"PRAGMA cache_size=-{self._cache_kb}; PRAGMA journal_mode=OFF;"
                f" {self._schema} BEGIN;"
            )
            self._opened = opened
        return self._opened

    @contextlib.contextmanager
    def _disk_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise OperationError(self._operation, f"{self._what}: {error}") from error
