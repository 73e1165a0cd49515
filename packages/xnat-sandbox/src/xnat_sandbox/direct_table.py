"""The rows of sessions that are written straight into the archive."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from .database import Database, Row
from .disk import safe_name
from .item_rows import now
from .prearchive_table import TOUCH_SECONDS
from .staged_session import Arrival
from .store import Store

SCHEMA = """
CREATE TABLE IF NOT EXISTS direct_archive (
  id INTEGER PRIMARY KEY AUTOINCREMENT, project TEXT NOT NULL, subject TEXT NOT NULL,
  session TEXT NOT NULL, tag TEXT NOT NULL, arc TEXT NOT NULL, status TEXT NOT NULL,
  scan_date TEXT NOT NULL, scan_time TEXT NOT NULL, source TEXT NOT NULL, visit TEXT NOT NULL,
  protocol TEXT NOT NULL, uploaded TEXT NOT NULL, lastmod TEXT NOT NULL,
  UNIQUE (project, tag, session));
"""


@dataclass(frozen=True, slots=True)
class DirectSession:
    """A row; `tag` is the Study Instance UID, `session` the label."""

    id: int
    project: str
    subject: str
    session: str
    tag: str
    arc: str
    status: str
    scan_date: str
    scan_time: str
    source: str
    visit: str
    protocol: str
    uploaded: str
    lastmod: str

    @property
    def uri(self) -> str:
        return f"/xapi/direct-archive/{self.project}/{self.tag}/{self.session}"


class DirectArchive:
    """All rows, and the directories of the archive that they are filling."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._db: Database = store.database
        self._lock = threading.Lock()
        self._touched: dict[int, float] = {}
        self._db.add_schema(SCHEMA)
        # After a kill nothing is being built: such rows begin again.
        self._db.execute("UPDATE direct_archive SET status='RECEIVING'")

    def find(self, project: str, tag: str, session: str) -> DirectSession | None:
        sql = "SELECT * FROM direct_archive WHERE project=? AND tag=? AND session=?"
        found = self._db.row(sql, (project, tag, session))
        return _session(found) if found else None

    def get(self, id: int) -> DirectSession | None:
        found = self._db.row("SELECT * FROM direct_archive WHERE id=?", (id,))
        return _session(found) if found else None

    def all(self) -> list[DirectSession]:
        return [_session(row) for row in self._db.rows("SELECT * FROM direct_archive ORDER BY id")]

    def directory(self, session: DirectSession) -> Path:
        names = map(safe_name, (session.project, session.arc, session.session))
        return self._store.disk.archive.joinpath(*names)

    def join(self, arrival: Arrival) -> DirectSession | None:
        """The row that an object belongs to; None when it has to be staged instead."""
        if not self._store.settings.direct_archive:
            return None
        with self._lock:
            found = self.find(arrival.project, arrival.tag, arrival.name)
            if found:
                return found if found.status == "RECEIVING" else None
            project = self._store.items.project(arrival.project)
            arc = project.current_arc if project else "arc001"
            if (self._store.disk.archive / arrival.project / arc / arrival.name).exists():
                return None
            return self._create(arrival, arc)

    def claim(self, session: DirectSession, status: str, *, given: str) -> bool:
        """Go from status `given` to another, unless somebody else was first."""
        sql = "UPDATE direct_archive SET status=?, lastmod=? WHERE id=? AND status=?"
        return self._db.change(sql, (status, now(), session.id, given)) > 0

    def delete(self, session: DirectSession) -> None:
        """Forget a row."""
        self._db.execute("DELETE FROM direct_archive WHERE id=?", (session.id,))
        self._touched.pop(session.id, None)

    def touch(self, session: DirectSession) -> None:
        """Note that a file came."""
        moment = time.monotonic()
        if moment - self._touched.get(session.id, -TOUCH_SECONDS) >= TOUCH_SECONDS:
            sql = "UPDATE direct_archive SET lastmod=? WHERE id=?"
            self._db.execute(sql, (now(), session.id))
        self._touched[session.id] = moment

    def idle_seconds(self, session: DirectSession) -> float:
        """How long no file came."""
        if session.id in self._touched:
            return time.monotonic() - self._touched[session.id]
        return (datetime.now() - datetime.fromisoformat(session.lastmod)).total_seconds()

    def _create(self, arrival: Arrival, arc: str) -> DirectSession:
        moment = now()
        values = (
            *(arrival.project, arrival.subject, arrival.name, arrival.tag, arc, "RECEIVING"),
            *(arrival.scan_date, arrival.scan_time, arrival.source, arrival.visit),
            *(arrival.protocol, moment, moment),
        )
        marks = ",".join("?" * len(values))
        id = self._db.execute(f"INSERT INTO direct_archive VALUES (NULL,{marks})", values)
        found = self.get(id)
        assert found is not None
        return found


def _session(row: Row) -> DirectSession:
    return DirectSession(**dict(row))
