"""What the server lists of one object, and what has become of each file; kept in a database."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from xnat_download.places import Place
from xnat_download.scratch import scratch

MISSING, THERE, FETCHED, FAILED = range(4)
_PAGE = 500
_SCHEMA = """
CREATE TABLE file (
  id INTEGER PRIMARY KEY, grp INTEGER NOT NULL, path TEXT NOT NULL, size INTEGER, digest TEXT,
  dest TEXT, key TEXT UNIQUE, state INTEGER NOT NULL DEFAULT 0, part INTEGER NOT NULL DEFAULT 0,
  md5 TEXT, member TEXT, UNIQUE (grp, path));
"""
_COLUMNS = "id, grp, path, size, digest, dest, state, part, md5, member"


@dataclass(frozen=True, slots=True)
class Group:
    """One resource at one place: its `uri` (for archives and files), its `folder` below OUT."""

    number: int
    place: Place
    label: str
    uri: str
    archive_uri: str
    folder: str
    format: str | None = None


@dataclass(frozen=True, slots=True)
class File:
    """A listed file: `path` within its resource, `dest` below OUT where that is another one: by a
    template, or for doubled slashes in it.

    `part`: a partial file may lie beside the place of the file. `md5` is what was computed here.
    `member` is its name in the archive that is kept.
    """

    id: int
    group: int
    path: str
    size: int | None
    digest: str | None
    dest: str | None
    state: int
    part: bool
    md5: str | None
    member: str | None


class Inventory:
    """The files of one object. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.groups: list[Group] = []
        self._db = scratch(_SCHEMA)

    def add(
        self,
        group: int,
        path: str,
        size: int | None,
        digest: str | None,
        dest: str | None = None,
        key: str | None = None,
    ) -> bool:
        """Take a file in; False when its path, or its `key` on disk, is taken already."""
        sql = "INSERT OR IGNORE INTO file (grp, path, size, digest, dest, key) VALUES (?,?,?,?,?,?)"
        with self._lock:
            added = self._db.execute(sql, (group, path, size, digest, dest, key))
        return added.rowcount == 1

    def find(self, group: int, path: str) -> File | None:
        """The file of that path within the resource."""
        try:
            return self._one("grp=? AND path=?", (group, path))
        except UnicodeEncodeError:
            # Bytes that are no text, in the name of a member: nothing was listed under them.
            return None

    def holder(self, key: str) -> File | None:
        """The file that a key on disk belongs to."""
        return self._one("key=?", (key,))

    def files(self, group: int | None = None, state: int | None = None) -> Iterator[File]:
        """The files in the order of group and path, read a page at a time: marking them meanwhile
        is safe."""
        after: tuple[int, str] = (-1, "") if group is None else (group, "")
        chosen = "" if state is None else " AND state=?"
        alone = "" if group is None else " AND grp=?"
        while True:
            sql = (
                f"SELECT {_COLUMNS} FROM file WHERE (grp, path) > (?, ?){alone}{chosen}"
                " ORDER BY grp, path LIMIT ?"
            )
            values: list[object] = [*after]
            values += [] if group is None else [group]
            values += [] if state is None else [state]
            with self._lock:
                page = [_file(row) for row in self._db.rows(sql, (*values, _PAGE))]
            yield from page
            if len(page) < _PAGE:
                return
            after = page[-1].group, page[-1].path

    def get(self, id: int) -> File:
        """A file by its number in this inventory."""
        found = self._one("id=?", (id,))
        assert found is not None
        return found

    def mark(self, id: int, state: int, md5: str | None = None) -> None:
        """Note what has become of a file."""
        self._execute("UPDATE file SET state=?, md5=coalesce(?, md5) WHERE id=?", (state, md5, id))

    def mark_member(self, id: int, member: str | None) -> None:
        """Note under which name it is in the archive that is kept."""
        self._execute("UPDATE file SET member=? WHERE id=?", (member, id))

    def forget(self, group: int) -> None:
        """All files of a resource are missing again."""
        self._execute("UPDATE file SET state=0, md5=NULL, member=NULL WHERE grp=?", (group,))

    def mark_part(self, id: int) -> None:
        """Note that a partial file of it may be on disk."""
        self._execute("UPDATE file SET part=1 WHERE id=?", (id,))

    def total(self, group: int | None = None, state: int | None = None) -> tuple[int, int]:
        """How many files there are, and their bytes as far as the server knows them."""
        conditions = ["1"]
        values = []
        for column, value in (("grp", group), ("state", state)):
            if value is not None:
                conditions.append(f"{column}=?")
                values.append(value)
        sql = f"SELECT count(*), coalesce(sum(size), 0) FROM file WHERE {' AND '.join(conditions)}"
        with self._lock:
            ((count, size),) = self._db.rows(sql, values)
        return count, size

    def has_digests(self, group: int) -> bool:
        """Whether the server lists the MD5 of each file of a resource that is missing."""
        return self._one("grp=? AND state=? AND digest IS NULL", (group, MISSING)) is None

    def close(self) -> None:
        """Forget everything."""
        with self._lock:
            self._db.close()

    def _one(self, condition: str, values: tuple[object, ...]) -> File | None:
        with self._lock:
            row = self._db.row(f"SELECT {_COLUMNS} FROM file WHERE {condition}", values)
        return _file(row) if row else None

    def _execute(self, sql: str, values: tuple[object, ...]) -> None:
        with self._lock:
            self._db.execute(sql, values)


def _file(row: tuple[Any, ...]) -> File:
    id, group, path, size, digest, dest, state, part, md5, member = row
    return File(id, group, path, size, digest, dest, state, bool(part), md5, member)
