"""The SQLite file behind the store: pooled connections, one writer, transactions."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Row = sqlite3.Row
Values = Sequence[Any] | Mapping[str, Any]


class Database:
    """Any number of threads may read; writers take turns.

    A statement outside a transaction is its own transaction. Inside `with database.transaction():`
    every statement of the same thread belongs to it, nested ones included.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: list[sqlite3.Connection] = []
        self._closed = False
        self._pool_lock = threading.Lock()
        self._writer = threading.RLock()
        self._thread = threading.local()

    def add_schema(self, script: str) -> None:
        """Create the tables of one module; `script` must be repeatable (IF NOT EXISTS)."""
        with self._writer, self._connection() as connection:
            connection.executescript(f"BEGIN;\n{script}\nCOMMIT;")

    def rows(self, sql: str, values: Values = ()) -> list[Row]:
        """All rows of a query."""
        with self._connection() as connection:
            return connection.execute(sql, values).fetchall()

    def row(self, sql: str, values: Values = ()) -> Row | None:
        """The first row of a query."""
        with self._connection() as connection:
            found: Row | None = connection.execute(sql, values).fetchone()
            return found

    def stream(self, sql: str, values: Values = ()) -> Iterator[Row]:
        """The rows one by one, of the state the database had at the first."""
        with self._connection() as connection:
            yield from connection.execute(sql, values)

    def execute(self, sql: str, values: Values = ()) -> int:
        """Change something; answers the rowid of an INSERT."""
        with self.transaction() as connection:
            return connection.execute(sql, values).lastrowid or 0

    def change(self, sql: str, values: Values = ()) -> int:
        """Change something; answers how many rows were touched."""
        with self.transaction() as connection:
            return connection.execute(sql, values).rowcount

    def execute_many(self, sql: str, values: Sequence[Values]) -> None:
        """Run one statement for many rows."""
        with self.transaction() as connection:
            connection.executemany(sql, values)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Commit at the end of the outermost block, undo everything on an exception."""
        held: sqlite3.Connection | None = getattr(self._thread, "connection", None)
        if held is not None:
            yield held
            return
        followups: list[Callable[[], None]] = []
        with self._writer:
            connection = self._take()
            self._thread.connection = connection
            self._thread.followups = followups
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            finally:
                self._thread.connection = None
                self._give(connection)
        for followup in followups:
            followup()

    def after_commit(self, action: Callable[[], None]) -> None:
        """Run `action` once the open transaction is committed, never if it is undone."""
        if getattr(self._thread, "connection", None) is None:
            action()
        else:
            self._thread.followups.append(action)

    def close(self) -> None:
        """Close every connection; one that another thread works with, when that gives it back.

        To close it under that thread would crash the process.
        """
        with self._pool_lock:
            self._closed = True
            for connection in self._idle:
                connection.close()
            self._idle.clear()

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        held: sqlite3.Connection | None = getattr(self._thread, "connection", None)
        if held is not None:
            yield held
            return
        connection = self._take()
        try:
            yield connection
        finally:
            self._give(connection)

    def _take(self) -> sqlite3.Connection:
        with self._pool_lock:
            if self._idle:
                return self._idle.pop()
        connection = sqlite3.connect(
            self._path, timeout=60, isolation_level=None, check_same_thread=False
        )
        connection.row_factory = sqlite3.Row
        # NORMAL survives a kill of the process; only a power cut may lose the last commits.
        for setting in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {setting}")
        return connection

    def _give(self, connection: sqlite3.Connection) -> None:
        with self._pool_lock:
            if self._closed:
                connection.close()
            else:
                self._idle.append(connection)
