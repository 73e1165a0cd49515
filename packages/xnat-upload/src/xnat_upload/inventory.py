"""The instances of one upload: what is wanted, what the server has, what is left to send.

Kept in a private SQLite database without a name: small ones live in memory, large ones spill to an
unnamed file, so that memory does not grow with the number of files.
"""

from __future__ import annotations

import os
import re
import threading
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from xnat_core.scratch import Scratch
from xnat_upload.headers import Header
from xnat_upload.labels import session_of, subject_of

_PAGE_CACHE_KB = 16_000
_AT_ONCE = 500

NOT_TAKEN, TAKEN, CHANGED = 0, 1, 2
"""`taken`: whether the journal says that the server has taken an instance. CHANGED: it has, and the
local file is another one since then."""
BY_NAME, BY_DIGEST, BY_COUNT = 1, 2, 3
"""`held`: how an instance was recognised in the listing of the server; 0 when it was not."""

# `digest` is the MD5 of the local file, `held_as`, `held_digest` and `held_size` what the server
# lists; an empty text, or NULL, is not known. `archived`: the session in the archive
# holds it, not only a row. `left_out` says why an instance is not sent.
# `doubted` is the `held_digest` for which it is sent a second time, `sent` counts how often it was.
# `mends` is not NULL for what has arrived damaged: the MD5 with which it was sent since, or ''.
# `other` has what the server lists under names that no instance has.
_SCHEMA = """
CREATE TABLE folder (id INTEGER PRIMARY KEY, path BLOB NOT NULL);
CREATE TABLE instance (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, study INTEGER NOT NULL,
  series INTEGER NOT NULL, folder INTEGER NOT NULL, file BLOB NOT NULL, member INTEGER,
  size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, device INTEGER NOT NULL,
  inode INTEGER NOT NULL, digest TEXT NOT NULL DEFAULT '', left_out TEXT,
  taken INTEGER NOT NULL DEFAULT 0, held INTEGER NOT NULL DEFAULT 0,
  held_as TEXT NOT NULL DEFAULT '', held_digest TEXT NOT NULL DEFAULT '',
  held_size INTEGER, archived INTEGER NOT NULL DEFAULT 0,
  doubted TEXT NOT NULL DEFAULT '', sent INTEGER NOT NULL DEFAULT 0, mends TEXT);
CREATE INDEX by_series ON instance (series, id);
CREATE TABLE other (
  id INTEGER PRIMARY KEY, session INTEGER NOT NULL, scan TEXT NOT NULL, name TEXT NOT NULL,
  size INTEGER, digest TEXT NOT NULL);
CREATE INDEX other_digest ON other (digest);
"""
_COLUMNS = (
    "instance.id, name, study, series, folder.path, file, member, size, mtime_ns, digest, held_as"
)
_FROM = "FROM instance JOIN folder ON folder.id = instance.folder"


@dataclass(frozen=True, slots=True)
class Amount:
    """So many files, so many bytes."""

    files: int
    bytes: int


NOTHING = Amount(0, 0)


@dataclass(frozen=True, slots=True)
class Instance:
    """A local DICOM object; `member` is its position in the archive `path`, if it is in one.

    `name` is the file name under which it travels, `held_as` another one that the server has for
    it, `digest` its MD5 where that is known already.
    """

    id: int
    name: str
    study: int
    series: int
    path: Path
    member: int | None
    size: int
    mtime_ns: int
    digest: str
    held_as: str

    @property
    def where(self) -> str:
        """How a message names it."""
        return str(self.path) if self.member is None else f"{self.path} (member {self.member + 1})"


@dataclass(slots=True)
class Series:
    """The instances of one series of one study, as found so far."""

    id: int
    uid: str
    number: str
    study: int
    modality: str = ""
    files: int = 0
    bytes: int = 0


@dataclass(slots=True)
class Study:
    """A study as found so far; `header` is that of its first instance."""

    id: int
    uid: str
    header: Header
    first: Path
    files: int = 0
    bytes: int = 0
    series: dict[str, Series] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """A file that was read: where it is, and which instance it holds."""

    path: Path
    size: int
    mtime_ns: int
    identity: tuple[int, int]
    header: Header
    member: int | None = None


class Inventory:
    """All instances below some paths. Safe to use from several threads."""

    def __init__(self) -> None:
        self._db = Scratch(_SCHEMA, "upload", cache_kb=_PAGE_CACHE_KB)
        self._lock = threading.RLock()
        self._folder: tuple[Path, int] | None = None
        self.studies: dict[str, Study] = {}

    def close(self) -> None:
        """Let go of everything."""
        with self._lock:
            self._db.close()

    # --- filling ------------------------------------------------------------------------------

    def add(self, found: Found) -> Instance | None:
        """Add an instance; None when one of that UID is there already, see `namesake`."""
        header = found.header
        with self._lock:
            # Without a UID they are told apart as the server does it: by whose they are.
            key = header.study or f"{subject_of(header)} {session_of(header)}"
            study = self.studies.get(key)
            if study is None:
                study = Study(len(self.studies) + 1, header.study, header, found.path)
                self.studies[key] = study
            series = study.series.get(header.series)
            if series is None:
                number = sum(len(one.series) for one in self.studies.values()) + 1
                series = Series(number, header.series, header.number, study.id, header.modality)
                study.series[header.series] = series
            cursor = self._db.execute(
                "INSERT OR IGNORE INTO instance (name, study, series, folder, file, member, size,"
                " mtime_ns, device, inode) VALUES (?,?,?,?,?,?,?,?,?,?)",
                (
                    name_of(header.uid),
                    study.id,
                    series.id,
                    self._folder_id(found.path.parent),
                    _bytes(found.path.name),
                    found.member,
                    found.size,
                    found.mtime_ns,
                    *map(_signed, found.identity),
                ),
            )
            if not cursor.rowcount:
                # What was met only in this one is not there.
                if not series.files:
                    del study.series[header.series]
                if not study.files:
                    del self.studies[key]
                return None
            for group in (study, series):
                group.files += 1
                group.bytes += found.size
            return Instance(
                id=int(cursor.lastrowid or 0),
                name=name_of(header.uid),
                study=study.id,
                series=series.id,
                path=found.path,
                member=found.member,
                size=found.size,
                mtime_ns=found.mtime_ns,
                digest="",
                held_as="",
            )

    def namesake(self, found: Found) -> tuple[Instance, bool]:
        """The instance with the same UID, and whether it is the very same file."""
        name = name_of(found.header.uid)
        same = "device=? AND inode=? AND member IS ?"
        with self._lock:
            (row,) = self._db.rows(
                f"SELECT {_COLUMNS}, {same} {_FROM} WHERE name=?",
                (*map(_signed, found.identity), found.member, name),
            )
        return _instance(row[:-1]), bool(row[-1])

    def leave_out(self, instance: Instance, reason: str) -> None:
        """Do not send an instance (any more)."""
        self.change("UPDATE instance SET left_out=? WHERE id=?", (reason, instance.id))

    def _folder_id(self, path: Path) -> int:
        if self._folder is None or self._folder[0] != path:
            cursor = self._db.execute("INSERT INTO folder (path) VALUES (?)", (_bytes(str(path)),))
            self._folder = path, int(cursor.lastrowid or 0)
        return self._folder[1]

    # --- reading ------------------------------------------------------------------------------

    def get(self, id: int) -> Instance:
        """An instance by its number."""
        with self._lock:
            (row,) = self._db.rows(f"SELECT {_COLUMNS} {_FROM} WHERE instance.id=?", (id,))
        return _instance(row)

    def load(self, ids: Sequence[int]) -> list[Instance]:
        """Instances by their numbers, in that order."""
        found: dict[int, Instance] = {}
        for start in range(0, len(ids), _AT_ONCE):
            part = list(ids[start : start + _AT_ONCE])
            marks = ",".join("?" * len(part))
            rows = self.rows(f"SELECT {_COLUMNS} {_FROM} WHERE instance.id IN ({marks})", part)
            found.update((row[0], _instance(row)) for row in rows)
        return [found[id] for id in ids]

    def series_of(self, study: Study) -> list[Series]:
        """The series of a study that have been found so far."""
        with self._lock:
            return list(study.series.values())

    def by_name(self, name: str) -> Instance | None:
        """An instance by the name under which it travels."""
        with self._lock:
            row = self._db.row(f"SELECT {_COLUMNS} {_FROM} WHERE name=?", (name,))
        return _instance(row) if row else None

    def change(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Run a statement and return how many rows it changed."""
        with self._lock:
            return self._db.execute(sql, parameters).rowcount

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query; of one that may give many, only numbers are asked for."""
        with self._lock:
            return list(self._db.rows(sql, parameters))

    def numbers(self, sql: str) -> array[int]:
        """The numbers that a query gives, which may be many."""
        with self._lock:
            return array("q", (row[0] for row in self._db.rows(sql)))

    def amount(self, condition: str) -> Amount:
        """How many instances a condition is true of, and their size."""
        ((files, size),) = self.rows(
            f"SELECT COUNT(*), COALESCE(SUM(size), 0) FROM instance WHERE {condition}"
        )
        return Amount(files, size)

    def instances(self, condition: str) -> Iterator[Instance]:
        """The instances of a condition in the order of their numbers, some at a time."""
        last = 0
        while True:
            rows = self.rows(
                f"SELECT {_COLUMNS} {_FROM} WHERE instance.id>? AND ({condition})"
                f" ORDER BY instance.id LIMIT {_AT_ONCE}",
                (last,),
            )
            if not rows:
                return
            yield from map(_instance, rows)
            last = rows[-1][0]


def name_of(uid: str) -> str:
    """The file name under which an instance travels, and by which a listing shows it later.

    Made of its UID alone: unique in parallel requests, whatever the local files are called.
    """
    if re.fullmatch(r"[0-9.]{1,64}", uid):
        return f"{uid}.dcm"
    return f"uid-{sha256(uid.encode('utf-8', 'replace')).hexdigest()[:40]}.dcm"


def _instance(row: Sequence[Any]) -> Instance:
    id, name, study, series, folder, file, member, size, mtime_ns, digest, held_as = row
    path = Path(os.fsdecode(folder)) / os.fsdecode(file)
    return Instance(id, name, study, series, path, member, size, mtime_ns, digest, held_as)


def _bytes(name: str) -> bytes:
    # A name of a local file need not be Unicode.
    return os.fsencode(name)


def _signed(number: int) -> int:
    """A device or inode number as the 64 bits that the database stores."""
    return number - (1 << 64) if number >= 1 << 63 else number
