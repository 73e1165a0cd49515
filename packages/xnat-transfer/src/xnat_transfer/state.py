"""What earlier runs did, in SQLite: for status and history, and to recognise what we made.

It never decides what is missing; the listings of the servers do. Every line is written when it
happens, so that a run that is killed has told all it did.
"""

from __future__ import annotations

import os
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from xnat_core.errors import OperationError
from xnat_core.parallel import rest
from xnat_core.private_files import make_private_dir
from xnat_core.user_paths import state_dir

_TABLES = """
CREATE TABLE IF NOT EXISTS sync_history (
    id INTEGER PRIMARY KEY,
    source_url TEXT NOT NULL, source_project TEXT NOT NULL,
    dest_url TEXT NOT NULL, dest_project TEXT NOT NULL,
    started TEXT NOT NULL, ended TEXT,
    status TEXT NOT NULL,
    subjects_synced INTEGER NOT NULL DEFAULT 0,
    subjects_failed INTEGER NOT NULL DEFAULT 0,
    subjects_skipped INTEGER NOT NULL DEFAULT 0,
    experiments_synced INTEGER NOT NULL DEFAULT 0,
    host TEXT NOT NULL, process TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS entity_manifest (
    sync_id INTEGER NOT NULL REFERENCES sync_history (id),
    entity_type TEXT NOT NULL,
    local_id TEXT NOT NULL, local_label TEXT NOT NULL,
    remote_id TEXT NOT NULL DEFAULT '', remote_label TEXT NOT NULL DEFAULT '',
    xsi_type TEXT NOT NULL DEFAULT '', parent TEXT NOT NULL DEFAULT '',
    status TEXT NOT NULL, message TEXT NOT NULL DEFAULT '',
    file_count INTEGER NOT NULL DEFAULT 0, file_size INTEGER NOT NULL DEFAULT 0,
    fingerprint TEXT NOT NULL DEFAULT '',
    updated TEXT NOT NULL,
    PRIMARY KEY (sync_id, entity_type, local_id)
);
CREATE INDEX IF NOT EXISTS entity_by_local_id ON entity_manifest (local_id, entity_type, sync_id);
CREATE TABLE IF NOT EXISTS id_mapping (
    source_url TEXT NOT NULL, dest_url TEXT NOT NULL, dest_project TEXT NOT NULL,
    local_id TEXT NOT NULL, remote_id TEXT NOT NULL, remote_label TEXT NOT NULL,
    PRIMARY KEY (source_url, dest_url, dest_project, local_id)
);
"""
_BUSY_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Ends:
    """From where to where."""

    source_url: str
    source_project: str
    dest_url: str
    dest_project: str


@dataclass(frozen=True, slots=True)
class Entity:
    """A line of the manifest: something of the source, and what it became on the destination."""

    entity_type: str
    local_id: str
    local_label: str
    status: str
    remote_id: str = ""
    remote_label: str = ""
    xsi_type: str = ""
    parent: str = ""
    message: str = ""
    file_count: int = 0
    file_size: int = 0
    fingerprint: str = ""


class State:
    """The database; safe from any thread and for several processes of one machine."""

    def __init__(self, file: Path | None = None) -> None:
        self.file = file or state_dir() / "transfer.db"
        self._lock = threading.Lock()
        try:
            make_private_dir(self.file.parent)
            # Made by us, so that nobody else may read it from the first moment on.
            os.close(os.open(self.file, os.O_RDWR | os.O_CREAT, 0o600))
            self._connection = sqlite3.connect(
                self.file, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            self._connection.row_factory = sqlite3.Row
            self._log_ahead()
            self._connection.execute("PRAGMA synchronous=NORMAL")
            self._connection.executescript(_TABLES)
        except (OSError, sqlite3.Error) as error:
            # What is merely locked or full is an error of a kind of its own.
            hint = "; it can be removed: runs compare the servers, and only the history is lost"
            damaged = type(error) is sqlite3.DatabaseError
            said = getattr(error, "strerror", None) or error  # without a number and the path again
            raise OperationError("state", f"{self.file}: {said}{hint * damaged}") from error

    def _log_ahead(self) -> None:
        """Choose the kind of journal; for that SQLite does not wait for who is writing."""
        deadline = time.monotonic() + _BUSY_SECONDS
        while True:
            try:
                self._connection.execute("PRAGMA journal_mode=WAL")
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() >= deadline:
                    raise
            rest(0.05)

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._connection.close()

    def begin(self, ends: Ends) -> Run:
        """Note that a run begins."""
        number = self.write(
            "INSERT INTO sync_history (source_url, source_project, dest_url, dest_project, started,"
            " status, host, process) VALUES (?,?,?,?,?,'running',?,?)",
            (
                *(ends.source_url, ends.source_project, ends.dest_url, ends.dest_project),
                *(_now(), socket.gethostname(), _this_process()),
            ),
        )
        return Run(self, ends, number or 0)

    def rehearse(self, ends: Ends) -> Run:
        """A run that knows what earlier ones did, and writes nothing."""
        return Run(self, ends, None)

    def runs(self, project: str | None = None) -> Iterator[dict[str, Any]]:
        """The runs, the latest first; one whose process is gone has been interrupted."""
        condition = "WHERE source_project=?" if project else ""
        rows = self.read(
            f"SELECT * FROM sync_history {condition} ORDER BY id DESC", (project,) * bool(project)
        )
        for row in rows:
            facts = dict(row)
            if facts["status"] == "running" and _is_gone(facts["host"], facts["process"]):
                facts["status"] = "interrupted"
            yield facts

    def read(self, query: str, values: Sequence[object] = ()) -> list[sqlite3.Row]:
        """Rows of a query."""
        # Python keeps statements for another use: whoever executes the same one before these rows
        # are fetched gets rows of this, or this the rows of that.
        with self._connected() as connection:
            return connection.execute(query, values).fetchall()

    def write(self, statement: str, values: Sequence[object] = ()) -> int | None:
        """Execute a statement; it is on disk when this returns the number of the row it wrote."""
        with self._connected() as connection:
            return connection.execute(statement, values).lastrowid

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        """The connection for one thread alone. Raises OperationError."""
        try:
            with self._lock:
                yield self._connection
        except sqlite3.Error as error:
            raise OperationError("state", f"{self.file}: {error}") from error


class Run:
    """One run in the state; without an `id` it writes nothing."""

    def __init__(self, state: State, ends: Ends, id: int | None) -> None:
        self.id = id
        self._state = state
        self._ends = ends

    def note(self, entity: Entity) -> None:
        """Write what became of something; a later line of this run replaces an earlier one.

        So does one that says the same as the last run did: the state grows with what happens, not
        with each run that has nothing to do.
        """
        found = self._last(entity.entity_type, entity.local_id)
        if found is not None and found[1] == entity and found[0] < (self.id or 0):
            self._write(
                "UPDATE entity_manifest SET sync_id=?, updated=?"
                " WHERE sync_id=? AND entity_type=? AND local_id=?",
                (self.id, _now(), found[0], entity.entity_type, entity.local_id),
            )
            return
        names = Entity.__slots__
        self._write(
            f"INSERT OR REPLACE INTO entity_manifest (sync_id, updated, {', '.join(names)})"
            f" VALUES ({', '.join('?' * (len(names) + 2))})",
            (self.id, _now(), *(getattr(entity, name) for name in names)),
        )

    def latest(self, entity_type: str, local_id: str) -> Entity | None:
        """What the last run between these two ends wrote of something."""
        found = self._last(entity_type, local_id)
        return found[1] if found else None

    def below(self, entity_type: str, local_id: str) -> list[str]:
        """The IDs below one (with a slash between) that runs between these two ends wrote of."""
        rows = self._state.read(
            "SELECT DISTINCT m.local_id FROM entity_manifest m"
            " JOIN sync_history h ON h.id = m.sync_id"
            " WHERE m.entity_type=? AND m.local_id>=? AND m.local_id<?"
            " AND h.source_url=? AND h.dest_url=? AND h.dest_project=?",
            # What follows the slash is the digit nought.
            (entity_type, f"{local_id}/", f"{local_id}0", *self._pair),
        )
        return [str(row["local_id"]).removeprefix(f"{local_id}/") for row in rows]

    def _last(self, entity_type: str, local_id: str) -> tuple[int, Entity] | None:
        names = ", ".join(f"m.{name}" for name in Entity.__slots__)
        rows = self._state.read(
            f"SELECT m.sync_id, {names} FROM entity_manifest m"
            " JOIN sync_history h ON h.id = m.sync_id"
            " WHERE m.entity_type=? AND m.local_id=? AND h.source_url=? AND h.dest_url=?"
            " AND h.dest_project=? ORDER BY m.sync_id DESC LIMIT 1",
            (entity_type, local_id, *self._pair),
        )
        if not rows:
            return None
        facts = dict(rows[0])
        return int(facts.pop("sync_id")), Entity(**facts)

    def mapped(self, local_id: str) -> str | None:
        """The accession ID that something of the source got on the destination."""
        rows = self._state.read(
            "SELECT remote_id FROM id_mapping"
            " WHERE source_url=? AND dest_url=? AND dest_project=? AND local_id=?",
            (*self._pair, local_id),
        )
        return str(rows[0]["remote_id"]) if rows else None

    def mapped_to(self, remote_id: str, but: str) -> str | None:
        """What else of the source became this on the destination."""
        rows = self._state.read(
            "SELECT local_id FROM id_mapping"
            " WHERE source_url=? AND dest_url=? AND dest_project=? AND remote_id=? AND local_id!=?",
            (*self._pair, remote_id, but),
        )
        return str(rows[0]["local_id"]) if rows else None

    def map(self, local_id: str, remote_id: str, remote_label: str) -> None:
        """Remember what something became."""
        self._write(
            "INSERT OR REPLACE INTO id_mapping VALUES (?,?,?,?,?,?)",
            (*self._pair, local_id, remote_id, remote_label),
        )

    def forget(self, local_id: str) -> None:
        """What it became has been deleted."""
        self._write(
            "DELETE FROM id_mapping"
            " WHERE source_url=? AND dest_url=? AND dest_project=? AND local_id=?",
            (*self._pair, local_id),
        )

    def count(self, **counts: int) -> None:
        """Write the counts of subjects and experiments so far."""
        names = ", ".join(f"{name}=?" for name in counts)
        self._write(f"UPDATE sync_history SET {names} WHERE id=?", (*counts.values(), self.id))

    def end(self, status: str) -> None:
        """Note how the run ended: `completed`, `failed` or `interrupted`."""
        self._write(
            "UPDATE sync_history SET status=?, ended=? WHERE id=?", (status, _now(), self.id)
        )

    def _write(self, statement: str, values: Sequence[object]) -> None:
        if self.id is not None:
            self._state.write(statement, values)

    @property
    def _pair(self) -> tuple[str, str, str]:
        return self._ends.source_url, self._ends.dest_url, self._ends.dest_project


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def _this_process() -> str:
    return f"{os.getpid()} {_started(os.getpid())}".strip()


def _started(pid: int) -> str:
    """When a process began, where the system tells: numbers of processes are used again."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    return ""


def _is_gone(host: str, process: str) -> bool:
    if host != socket.gethostname():
        return False
    pid, _, started = process.partition(" ")
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except (OSError, ValueError):
        return False
    return bool(started) and _started(int(pid)) != started
