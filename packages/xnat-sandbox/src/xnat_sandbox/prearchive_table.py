"""The rows of the prearchive: which sessions are staged, and what is happening to each.

While an operation runs, the status carries an underscore (`_BUILDING`) and the row is locked for
others. A file that arrives meanwhile changes the status all the same, as on the real server: the
operation then leaves the row in RECEIVING instead of the state it aimed at.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from .database import Database, Row
from .disk import safe_name
from .item_rows import now
from .staged_session import RECEIVING, UNASSIGNED, Arrival, StagedSession

TOUCH_SECONDS = 1.0

SCHEMA = """
CREATE TABLE IF NOT EXISTS prearchive (
  number INTEGER PRIMARY KEY AUTOINCREMENT, project TEXT NOT NULL, timestamp TEXT NOT NULL,
  folder TEXT NOT NULL, name TEXT NOT NULL, subject TEXT NOT NULL, tag TEXT NOT NULL,
  status TEXT NOT NULL, lastmod TEXT NOT NULL, uploaded TEXT NOT NULL, scan_date TEXT NOT NULL,
  scan_time TEXT NOT NULL, auto_archive TEXT NOT NULL, prevent_anon INTEGER NOT NULL,
  prevent_auto_commit INTEGER NOT NULL, source TEXT NOT NULL, visit TEXT NOT NULL,
  protocol TEXT NOT NULL, UNIQUE (project, timestamp, folder));
CREATE INDEX IF NOT EXISTS prearchive_study ON prearchive (tag, name, project);
CREATE TABLE IF NOT EXISTS prearchive_log (
  session INTEGER NOT NULL REFERENCES prearchive ON DELETE CASCADE, id INTEGER NOT NULL,
  date TEXT NOT NULL, entry TEXT NOT NULL, PRIMARY KEY (session, id)) WITHOUT ROWID;
"""


class Locked(Exception):
    """Another operation holds the session."""


class Taken(Exception):
    """The place is occupied by another session."""


class Prearchive:
    """All rows, and the directories they stand for."""

    def __init__(self, database: Database, root: Path) -> None:
        self._db = database
        self.root = root
        self._lock = threading.RLock()
        self._busy: set[int] = set()
        self._touched: dict[int, float] = {}
        database.add_schema(SCHEMA)
        self._recover()

    # Finding

    def get(self, number: int) -> StagedSession | None:
        found = self._db.row("SELECT * FROM prearchive WHERE number=?", (number,))
        return _session(found) if found else None

    def find(self, project: str, timestamp: str, folder: str) -> StagedSession | None:
        sql = "SELECT * FROM prearchive WHERE project=? AND timestamp=? AND folder=?"
        found = self._db.row(sql, (project, timestamp, folder))
        return _session(found) if found else None

    def all(self) -> list[StagedSession]:
        """Every session in the order of arrival."""
        return [_session(row) for row in self._db.rows("SELECT * FROM prearchive ORDER BY number")]

    def of_study(self, tag: str) -> list[StagedSession]:
        sql = "SELECT * FROM prearchive WHERE tag=? ORDER BY number"
        return [_session(row) for row in self._db.rows(sql, (tag,))]

    def with_status(self, status: str) -> list[StagedSession]:
        sql = "SELECT * FROM prearchive WHERE status=? ORDER BY number"
        return [_session(row) for row in self._db.rows(sql, (status,))]

    def directory(self, session: StagedSession) -> Path:
        """Where the files are: `SCANS/{scan}/DICOM/{file}` below this."""
        names = map(safe_name, (session.project, session.timestamp, session.folder))
        return self.root.joinpath(*names)

    def document(self, session: StagedSession) -> Path:
        """The session XML, present once the session is built."""
        return self.directory(session).with_name(session.folder + ".xml")

    # Receiving

    def join(self, arrival: Arrival) -> StagedSession:
        """The session that an object belongs to, ready to receive; made when there is none.

        Objects of one study, project and session name share a row however many requests bring
        them. A forced place that another study occupies raises Taken.
        """
        found = self._row_of(arrival)
        if found and found.status in RECEIVING:
            return found
        with self._lock, self._db.transaction():
            found = self._row_of(arrival)
            if found is None:
                return self.create(arrival)
            if found.status not in RECEIVING:
                building = found.status.lstrip("_") == "BUILDING"
                self.set_status(found, "RECEIVING_INTERRUPT" if building else "RECEIVING")
            return self._present(found.number)

    def create(self, arrival: Arrival) -> StagedSession:
        """A new row, whatever others there are; Taken when a forced place is occupied."""
        folder = arrival.folder or arrival.name
        timestamp = arrival.timestamp or self._free_timestamp(arrival.project, folder)
        if self.find(arrival.project, timestamp, folder):
            folder = self._other_folder(arrival.project, timestamp, folder)
        moment = now()
        return self.insert(
            StagedSession(
                number=0,
                project=arrival.project,
                timestamp=timestamp,
                folder=folder,
                name=arrival.name,
                subject=arrival.subject,
                tag=arrival.tag,
                status="RECEIVING",
                lastmod=moment,
                uploaded=moment,
                scan_date=arrival.scan_date,
                scan_time=arrival.scan_time,
                auto_archive=arrival.auto_archive,
                prevent_anon=arrival.prevent_anon,
                prevent_auto_commit=arrival.prevent_auto_commit,
                source=arrival.source,
                visit=arrival.visit,
                protocol=arrival.protocol,
            )
        )

    def touch(self, session: StagedSession) -> None:
        """Note that a file came; the row says so within a second."""
        moment = time.monotonic()
        if moment - self._touched.get(session.number, -TOUCH_SECONDS) >= TOUCH_SECONDS:
            sql = "UPDATE prearchive SET lastmod=? WHERE number=?"
            self._db.execute(sql, (now(), session.number))
        self._touched[session.number] = moment

    def idle_seconds(self, session: StagedSession) -> float:
        """How long no file came."""
        if session.number in self._touched:
            return time.monotonic() - self._touched[session.number]
        return (datetime.now() - datetime.fromisoformat(session.lastmod)).total_seconds()

    # Changing

    def set_status(self, session: StagedSession, status: str) -> None:
        sql = "UPDATE prearchive SET status=?, lastmod=? WHERE number=?"
        self._db.execute(sql, (status, now(), session.number))

    def exchange(self, session: StagedSession, status: str) -> bool:
        """Set the status if the row still is as `session` says."""
        sql = "UPDATE prearchive SET status=?, lastmod=? WHERE number=? AND status=?"
        return self._db.change(sql, (status, now(), session.number, session.status)) > 0

    @contextmanager
    def operation(self, session: StagedSession, status: str) -> Iterator[Operation]:
        """Hold the session while something is done to it; Locked when somebody else does.

        The outcome is READY unless the block names another; ERROR when it raises.
        """
        with self._lock:
            present = self.get(session.number)
            if present is None or present.is_locked or session.number in self._busy:
                raise Locked(f"{session.url} is in use")
            self._busy.add(session.number)
            self.set_status(session, "_" + status)
        running = Operation(present.status)
        try:
            yield running
        except BaseException:
            running.outcome = running.outcome or "ERROR"
            raise
        finally:
            with self._lock:
                self._busy.discard(session.number)
                after = self.get(session.number)
                if after is not None:
                    interrupted = after.status != "_" + status
                    self.set_status(
                        after, "RECEIVING" if interrupted else running.outcome or "READY"
                    )

    def update(self, session: StagedSession, **changes: str) -> StagedSession:
        """Change columns of a row."""
        sets = ",".join(f"{name}=?" for name in changes)
        sql = f"UPDATE prearchive SET {sets}, lastmod=? WHERE number=?"
        self._db.execute(sql, (*changes.values(), now(), session.number))
        return self._present(session.number)

    def delete(self, session: StagedSession) -> None:
        """Forget a row; the files are the caller's business."""
        self._db.execute("DELETE FROM prearchive WHERE number=?", (session.number,))
        self._touched.pop(session.number, None)

    def insert(self, session: StagedSession) -> StagedSession:
        """Add a row as it is, under a new number."""
        columns = StagedSession.__dataclass_fields__.keys() - {"number"}
        names = [name for name in StagedSession.__dataclass_fields__ if name in columns]
        marks = ",".join("?" * len(names))
        sql = f"INSERT INTO prearchive ({','.join(names)}) VALUES ({marks})"
        return self._present(self._db.execute(sql, [getattr(session, name) for name in names]))

    def rescan(self) -> None:
        """Drop rows without a directory, and add rows for directories without one."""
        for session in self.all():
            if not self.directory(session).is_dir():
                self.delete(session)
        for directory in sorted(path for path in self.root.glob("*/*/*") if path.is_dir()):
            project, timestamp, folder = directory.parts[-3:]
            if self.find(project, timestamp, folder) is None:
                found = self.create(Arrival(project, "", folder, timestamp=timestamp))
                if self.document(found).is_file():
                    self.set_status(found, "READY")

    # Logs

    def log(self, session: StagedSession, entry: str) -> None:
        """Add a line to the session's log."""
        self._db.execute(
            "INSERT INTO prearchive_log SELECT :session, coalesce(max(id)+1, 0), :date, :entry"
            " FROM prearchive_log WHERE session=:session",
            {"session": session.number, "date": now(), "entry": entry},
        )

    def logs(self, session: StagedSession) -> list[tuple[int, str, str]]:
        """Id, date and text of every entry, oldest first."""
        sql = "SELECT id, date, entry FROM prearchive_log WHERE session=? ORDER BY id"
        return [
            (row["id"], row["date"], row["entry"]) for row in self._db.rows(sql, (session.number,))
        ]

    def _row_of(self, arrival: Arrival) -> StagedSession | None:
        sql = "SELECT * FROM prearchive WHERE tag=? AND name=? AND project=? ORDER BY number"
        found = self._db.row(sql, (arrival.tag, arrival.name, arrival.project))
        return _session(found) if found else None

    def _free_timestamp(self, project: str, folder: str) -> str:
        moment = datetime.now()
        while True:
            name = moment.strftime("%Y%m%d_%H%M%S") + f"{moment.microsecond // 1000:03d}"
            if not self.find(project, name, folder) and not (self.root / project / name).exists():
                return name
            moment += timedelta(milliseconds=1)

    def _other_folder(self, project: str, timestamp: str, folder: str) -> str:
        suffixes: Iterable[int] = (1, 2, 3) if project == UNASSIGNED else ()
        for suffix in suffixes:
            if not self.find(project, timestamp, f"{folder}_{suffix}"):
                return f"{folder}_{suffix}"
        raise Taken(f"/prearchive/projects/{project}/{timestamp}/{folder} holds another session")

    def _present(self, number: int) -> StagedSession:
        found = self.get(number)
        if found is None:
            raise LookupError(f"prearchive row {number} is gone")
        return found

    def _recover(self) -> None:
        """After a kill nothing runs: unfinished builds start again, the rest is as it was."""
        self._db.execute(
            "UPDATE prearchive SET status='RECEIVING' WHERE status IN"
            " ('_BUILDING', 'BUILDING', 'QUEUED_BUILDING', 'RECEIVING_INTERRUPT', '_RECEIVING')"
        )
        self._db.execute(
            "UPDATE prearchive SET status='READY'"
            " WHERE status GLOB '_[A-Z]*' AND substr(status, 1, 1)='_' OR status GLOB 'QUEUED*'"
        )


@dataclass(slots=True)
class Operation:
    """What the holder of a session found, and leaves: READY or ERROR unless it says so."""

    before: str
    outcome: str = ""


def _session(row: Row) -> StagedSession:
    values = dict(row)
    for name in ("prevent_anon", "prevent_auto_commit"):
        values[name] = bool(values[name])
    return StagedSession(**values)
