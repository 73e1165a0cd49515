"""The names that files get in one run, where a template decides them."""

from __future__ import annotations

import sqlite3
import threading


class Names:
    """Who has which name; in a temporary database, as the inventory of an object."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._db: sqlite3.Connection | None = None

    def take(self, name: str, uri: str, path: str) -> str | None:
        """Give a name to a file; the file that has it already, if it is another one."""
        owner = f"{uri}/files/{path}"
        with self._lock:
            if self._db is None:
                self._db = sqlite3.connect("", check_same_thread=False, isolation_level=None)
                self._db.execute("PRAGMA cache_size=-2000")
                self._db.execute("CREATE TABLE name (name TEXT PRIMARY KEY, owner) WITHOUT ROWID")
                self._db.execute("BEGIN")
            added = self._db.execute("INSERT OR IGNORE INTO name VALUES (?, ?)", (name, owner))
            if added.rowcount:
                return None
            (holder,) = self._db.execute("SELECT owner FROM name WHERE name=?", (name,)).fetchone()
        return None if holder == owner else str(holder)
