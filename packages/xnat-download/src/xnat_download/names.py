"""The names that files get in one run, where a template decides them."""

from __future__ import annotations

import sqlite3
import threading

from xnat_download.scratch import database, disk_errors

_SCHEMA = "CREATE TABLE name (name TEXT PRIMARY KEY, owner) WITHOUT ROWID;"


class Names:
    """Who has which name."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._db: sqlite3.Connection | None = None

    def take(self, name: str, uri: str, path: str) -> str | None:
        """Give a name to a file; the file that has it already, if it is another one."""
        owner = f"{uri}/files/{path}"
        with self._lock, disk_errors():
            if self._db is None:
                self._db = database(_SCHEMA)
            added = self._db.execute("INSERT OR IGNORE INTO name VALUES (?, ?)", (name, owner))
            if added.rowcount:
                return None
            (holder,) = self._db.execute("SELECT owner FROM name WHERE name=?", (name,)).fetchone()
        return None if holder == owner else str(holder)
