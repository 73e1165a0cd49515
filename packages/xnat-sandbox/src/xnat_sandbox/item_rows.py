"""What the rows of all items have in common: schema, accession ids, changes and old versions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, TypeVar

from .database import Database, Row
from .model import Fields, OwnerKind, Share, Value

Item = TypeVar("Item")

SCHEMA = """
CREATE TABLE IF NOT EXISTS project (
  id TEXT PRIMARY KEY, accessibility TEXT NOT NULL, prearchive_code INTEGER NOT NULL,
  quarantine_code INTEGER NOT NULL, current_arc TEXT NOT NULL, aliases TEXT NOT NULL,
  fields TEXT NOT NULL, inserted TEXT NOT NULL, insert_user TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS deleted_project (id TEXT PRIMARY KEY COLLATE NOCASE);
CREATE TABLE IF NOT EXISTS subject (
  id TEXT PRIMARY KEY, project TEXT NOT NULL, label TEXT NOT NULL, fields TEXT NOT NULL,
  inserted TEXT NOT NULL, insert_user TEXT NOT NULL, modified TEXT NOT NULL,
  UNIQUE (label, project));
CREATE TABLE IF NOT EXISTS experiment (
  id TEXT PRIMARY KEY, project TEXT NOT NULL, label TEXT NOT NULL, xsi_type TEXT NOT NULL,
  subject_id TEXT, session_id TEXT, arc TEXT NOT NULL, status TEXT NOT NULL,
  fields TEXT NOT NULL, inserted TEXT NOT NULL, insert_user TEXT NOT NULL, modified TEXT NOT NULL,
  UNIQUE (label, project));
CREATE INDEX IF NOT EXISTS subject_project ON subject (project);
CREATE INDEX IF NOT EXISTS experiment_project ON experiment (project);
CREATE INDEX IF NOT EXISTS experiment_subject ON experiment (subject_id);
CREATE INDEX IF NOT EXISTS experiment_session ON experiment (session_id);
CREATE TABLE IF NOT EXISTS share (
  number INTEGER PRIMARY KEY, item TEXT NOT NULL, project TEXT NOT NULL, label TEXT,
  UNIQUE (item, project));
CREATE INDEX IF NOT EXISTS share_project ON share (project);
CREATE TABLE IF NOT EXISTS scan (
  number INTEGER PRIMARY KEY AUTOINCREMENT, session_id TEXT NOT NULL, id TEXT NOT NULL,
  xsi_type TEXT NOT NULL, fields TEXT NOT NULL, inserted TEXT NOT NULL, insert_user TEXT NOT NULL,
  UNIQUE (session_id, id));
CREATE TABLE IF NOT EXISTS reconstruction (
  number INTEGER PRIMARY KEY AUTOINCREMENT, session_id TEXT NOT NULL, id TEXT NOT NULL,
  fields TEXT NOT NULL, inserted TEXT NOT NULL, insert_user TEXT NOT NULL,
  UNIQUE (session_id, id));
CREATE TABLE IF NOT EXISTS accession (kind TEXT PRIMARY KEY, last INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS version (
  number INTEGER PRIMARY KEY, kind TEXT NOT NULL, item TEXT NOT NULL, replaced TEXT NOT NULL,
  user TEXT NOT NULL, content TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS version_item ON version (kind, item);
"""


def now() -> str:
    """The present as XNAT prints timestamps."""
    return datetime.now().isoformat(sep=" ", timespec="milliseconds")


def encode(fields: Mapping[str, Value]) -> str:
    """Fields as they are stored."""
    return json.dumps(dict(fields), ensure_ascii=False, separators=(",", ":"))


def existing(item: Item | None) -> Item:
    """What was just written and read again."""
    if item is None:
        raise LookupError("the item just written is gone")
    return item


class ItemRows:
    """The tables of the archive; knows nothing of files, users or permissions."""

    def __init__(self, database: Database, site_id: str) -> None:
        self._db = database
        self._site_id = site_id
        database.add_schema(SCHEMA)

    def new_accession(self, letter: str) -> str:
        """The next free accession id, `S` for subjects, `E` for experiments."""
        with self._db.transaction():
            self._db.execute("INSERT OR IGNORE INTO accession VALUES (?,0)", (letter,))
            self._db.execute("UPDATE accession SET last=last+1 WHERE kind=?", (letter,))
            row = self._db.row("SELECT last FROM accession WHERE kind=?", (letter,))
        return f"{self._site_id}_{letter}{row['last'] if row else 0:05d}"

    def versions(self, kind: str, item: str) -> Iterator[Row]:
        """What an item was before its changes, oldest first: `replaced`, `user`, `content`."""
        sql = "SELECT * FROM version WHERE kind=? AND item=? ORDER BY number"
        yield from self._db.stream(sql, (kind, item))

    def shares(self, item: str) -> list[Share]:
        """Where a subject or experiment is shared, its own project not included."""
        sql = "SELECT * FROM share WHERE item=? ORDER BY number"
        return [_share(row) for row in self._db.rows(sql, (item,))]

    def share(self, item: str, project: str, label: str | None = None) -> None:
        """Show an item in another project."""
        sql = "INSERT INTO share (item, project, label) VALUES (?,?,?)"
        self._db.execute(sql, (item, project, label))

    def unshare(self, item: str, project: str) -> bool:
        """Take an item out of a project it was shared into; False when it was not."""
        sql = "DELETE FROM share WHERE item=? AND project=?"
        return self._db.change(sql, (item, project)) > 0

    def _update(
        self,
        table: str,
        key: str | int,
        changes: Mapping[str, Any],
        fields: Fields | None,
        user: str,
    ) -> None:
        key_column = "number" if table in ("scan", "reconstruction") else "id"
        with self._db.transaction():
            old = self._db.row(f"SELECT * FROM {table} WHERE {key_column}=?", (key,))
            if old is None:
                raise KeyError(f"no {table} {key}")
            new = {name: value for name, value in changes.items() if value is not None}
            if fields is not None:
                new["fields"] = encode({**json.loads(old["fields"]), **fields})
            if table in ("subject", "experiment"):
                new["modified"] = now()
            if not new:
                return
            sets = ",".join(f"{name}=?" for name in new)
            sql = f"UPDATE {table} SET {sets} WHERE {key_column}=?"
            self._db.execute(sql, (*new.values(), key))
            self._db.execute(
                "INSERT INTO version (kind, item, replaced, user, content) VALUES (?,?,?,?,?)",
                (table, str(key), now(), user, json.dumps(dict(old))),
            )

    def _forget_resources(self, kind: OwnerKind, key: str) -> None:
        sql = "DELETE FROM resource WHERE owner_kind=? AND owner_key=?"
        self._db.execute(sql, (kind, key))


def _share(row: Row) -> Share:
    return Share(**dict(row))
