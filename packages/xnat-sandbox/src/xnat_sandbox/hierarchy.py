"""Projects, subjects, experiments, scans and reconstructions, and who shares what with whom."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, TypeVar

from .database import Database, Row
from .model import (
    Experiment,
    Fields,
    OwnerKind,
    Project,
    Reconstruction,
    Scan,
    Share,
    Subject,
    Value,
)

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


class Hierarchy:
    """The items of the archive; knows nothing of files, users or permissions."""

    def __init__(self, database: Database, site_id: str) -> None:
        self._db = database
        self._site_id = site_id
        database.add_schema(SCHEMA)

    # Projects

    def project(self, key: str) -> Project | None:
        """A project by id or, when no id matches, by alias."""
        found = self._db.row("SELECT * FROM project WHERE id=?", (key,))
        if found is None:
            alias = "EXISTS (SELECT 1 FROM json_each(aliases) WHERE value=?)"
            found = self._db.row(f"SELECT * FROM project WHERE {alias}", (key,))
        return _project(found) if found else None

    def projects(self) -> list[Project]:
        """Every project in the order of creation."""
        return [_project(row) for row in self._db.rows("SELECT * FROM project ORDER BY rowid")]

    def create_project(
        self,
        id: str,
        *,
        fields: Fields | None = None,
        aliases: tuple[str, ...] = (),
        accessibility: str = "private",
        prearchive_code: int = 4,
        user: str = "admin",
    ) -> Project:
        """Add a project; the caller has checked the id with `project_name_taken`."""
        self._db.execute(
            "INSERT INTO project VALUES (?,?,?,0,'arc001',?,?,?,?)",
            (
                id,
                accessibility,
                prearchive_code,
                json.dumps(aliases),
                encode({"name": id, "secondary_ID": id, **(fields or {})}),
                now(),
                user,
            ),
        )
        return _existing(self.project(id))

    def project_name_taken(self, *names: str, by_other_than: str = "") -> bool:
        """Whether another project has one of these as id, name, secondary id or alias."""
        wanted = {name.casefold() for name in names}
        for project in self.projects():
            own = {project.id, project.name, project.secondary_id, *project.aliases}
            if project.id != by_other_than and wanted & {name.casefold() for name in own}:
                return True
        return False

    def project_was_deleted(self, id: str) -> bool:
        """Whether a project of this id existed before."""
        return self._db.row("SELECT 1 FROM deleted_project WHERE id=?", (id,)) is not None

    def update_project(
        self,
        id: str,
        *,
        fields: Fields | None = None,
        aliases: tuple[str, ...] | None = None,
        accessibility: str | None = None,
        prearchive_code: int | None = None,
        quarantine_code: int | None = None,
        current_arc: str | None = None,
        user: str = "admin",
    ) -> None:
        """Change what is given; `fields` are merged into the present ones."""
        changes: dict[str, Any] = {
            "aliases": None if aliases is None else json.dumps(aliases),
            "accessibility": accessibility,
            "prearchive_code": prearchive_code,
            "quarantine_code": quarantine_code,
            "current_arc": current_arc,
        }
        self._update("project", id, changes, fields, user)

    def delete_project(self, id: str) -> None:
        """Remove a project with its subjects, experiments and shares; its id stays taken."""
        with self._db.transaction():
            for experiment in self.experiments_of_project(id, shared=False):
                self.delete_experiment(experiment.id)
            for subject in self.subjects_of_project(id, shared=False):
                self.delete_subject(subject.id)
            self._db.execute("DELETE FROM share WHERE project=?", (id,))
            self._db.execute("DELETE FROM project WHERE id=?", (id,))
            self._db.execute("INSERT OR IGNORE INTO deleted_project VALUES (?)", (id,))

    # Subjects

    def subject(self, id: str) -> Subject | None:
        """A subject by accession id."""
        found = self._db.row("SELECT * FROM subject WHERE id=?", (id,))
        return _subject(found) if found else None

    def subject_in(self, project: str, key: str) -> Subject | None:
        """A subject owned by or shared into a project, by its label there or its accession id."""
        found = self._db.row(
            "SELECT * FROM subject WHERE project=?1 AND (label=?2 OR id=?2)"
            " UNION ALL SELECT s.* FROM subject s JOIN share h ON h.item=s.id"
            " WHERE h.project=?1 AND (coalesce(h.label, s.label)=?2 OR s.id=?2)",
            (project, key),
        )
        return _subject(found) if found else None

    def subject_by_label_ignoring_case(self, project: str, label: str) -> Subject | None:
        """As `subject_in`, the way the importers look subjects up."""
        exact = self.subject_in(project, label)
        if exact:
            return exact
        sql = "SELECT * FROM subject WHERE project=? AND label=? COLLATE NOCASE"
        found = self._db.row(sql, (project, label))
        return _subject(found) if found else None

    def subjects_of_project(self, project: str, *, shared: bool = True) -> list[Subject]:
        """The subjects of a project, with their own labels also where they are shared."""
        sql = "SELECT * FROM subject WHERE project=?1"
        if shared:
            sql += " OR id IN (SELECT item FROM share WHERE project=?1)"
        return [_subject(row) for row in self._db.rows(sql + " ORDER BY rowid", (project,))]

    def create_subject(
        self, project: str, label: str, *, fields: Fields | None = None, user: str = "admin"
    ) -> Subject:
        """Add a subject under a new accession id."""
        with self._db.transaction():
            id = self.new_accession("S")
            self._db.execute(
                "INSERT INTO subject VALUES (?,?,?,?,?,?,?)",
                (id, project, label, encode(fields or {}), now(), user, now()),
            )
        return _existing(self.subject(id))

    def update_subject(
        self,
        id: str,
        *,
        label: str | None = None,
        project: str | None = None,
        fields: Fields | None = None,
        user: str = "admin",
    ) -> None:
        """Change the row only: `Store.rename_subject` moves the files as well."""
        self._update("subject", id, {"label": label, "project": project}, fields, user)

    def delete_subject(self, id: str) -> None:
        """Remove a subject and its experiments."""
        with self._db.transaction():
            for experiment in self.experiments_of_subject(id):
                self.delete_experiment(experiment.id)
            self._db.execute("DELETE FROM share WHERE item=?", (id,))
            self._db.execute("DELETE FROM subject WHERE id=?", (id,))
            self._forget_resources("subject", id)

    # Experiments

    def experiment(self, id: str) -> Experiment | None:
        """An experiment or assessor by accession id."""
        found = self._db.row("SELECT * FROM experiment WHERE id=?", (id,))
        return _experiment(found) if found else None

    def experiment_in(self, project: str, key: str) -> Experiment | None:
        """An experiment owned by or shared into a project, by its label there or its id."""
        found = self._db.row(
            "SELECT * FROM experiment WHERE project=?1 AND (label=?2 OR id=?2)"
            " UNION ALL SELECT e.* FROM experiment e JOIN share h ON h.item=e.id"
            " WHERE h.project=?1 AND (coalesce(h.label, e.label)=?2 OR e.id=?2)",
            (project, key),
        )
        return _experiment(found) if found else None

    def experiments_of_project(self, project: str, *, shared: bool = True) -> list[Experiment]:
        """The experiments and assessors of a project."""
        sql = "SELECT * FROM experiment WHERE project=?1"
        if shared:
            sql += " OR id IN (SELECT item FROM share WHERE project=?1)"
        return [_experiment(row) for row in self._db.rows(sql + " ORDER BY rowid", (project,))]

    def experiments_of_subject(self, subject_id: str) -> list[Experiment]:
        """The experiments of a subject without their assessors."""
        sql = "SELECT * FROM experiment WHERE subject_id=? AND session_id IS NULL ORDER BY rowid"
        return [_experiment(row) for row in self._db.rows(sql, (subject_id,))]

    def assessors(self, session_id: str) -> list[Experiment]:
        """The assessors of a session."""
        sql = "SELECT * FROM experiment WHERE session_id=? ORDER BY rowid"
        return [_experiment(row) for row in self._db.rows(sql, (session_id,))]

    def create_experiment(
        self,
        project: str,
        label: str,
        xsi_type: str,
        *,
        subject_id: str | None = None,
        session_id: str | None = None,
        fields: Fields | None = None,
        user: str = "admin",
    ) -> Experiment:
        """Add an experiment, or with `session_id` an assessor, under a new accession id."""
        with self._db.transaction():
            id = self.new_accession("E")
            owner = self.project(project)
            arc = owner.current_arc if owner else "arc001"
            self._db.execute(
                "INSERT INTO experiment VALUES (?,?,?,?,?,?,?,'active',?,?,?,?)",
                (
                    id,
                    project,
                    label,
                    xsi_type,
                    subject_id,
                    session_id,
                    arc,
                    encode(fields or {}),
                    now(),
                    user,
                    now(),
                ),
            )
        return _existing(self.experiment(id))

    def update_experiment(
        self,
        id: str,
        *,
        label: str | None = None,
        project: str | None = None,
        arc: str | None = None,
        subject_id: str | None = None,
        xsi_type: str | None = None,
        status: str | None = None,
        fields: Fields | None = None,
        user: str = "admin",
    ) -> None:
        """Change the row only: `Store.rename_experiment` and `move_experiment` move the files."""
        changes = {
            "label": label,
            "project": project,
            "arc": arc,
            "subject_id": subject_id,
            "xsi_type": xsi_type,
            "status": status,
        }
        self._update("experiment", id, changes, fields, user)

    def delete_experiment(self, id: str) -> None:
        """Remove an experiment with scans, reconstructions and assessors."""
        with self._db.transaction():
            for assessor in self.assessors(id):
                self.delete_experiment(assessor.id)
            for scan in self.scans(id):
                self.delete_scan(scan.number)
            for image in self.reconstructions(id):
                self.delete_reconstruction(image.number)
            self._db.execute("DELETE FROM share WHERE item=?", (id,))
            self._db.execute("DELETE FROM experiment WHERE id=?", (id,))
            self._forget_resources("experiment", id)

    # Scans and reconstructions

    def scan(self, session_id: str, id: str) -> Scan | None:
        """A scan by its id in the session."""
        sql = "SELECT * FROM scan WHERE session_id=? AND id=?"
        found = self._db.row(sql, (session_id, id))
        return _scan(found) if found else None

    def scan_number(self, number: int | str) -> Scan | None:
        """A scan by its site-wide number."""
        found = self._db.row("SELECT * FROM scan WHERE number=?", (int(number),))
        return _scan(found) if found else None

    def scans(self, session_id: str) -> list[Scan]:
        """The scans of a session in the order of creation."""
        sql = "SELECT * FROM scan WHERE session_id=? ORDER BY number"
        return [_scan(row) for row in self._db.rows(sql, (session_id,))]

    def create_scan(
        self,
        session_id: str,
        id: str,
        xsi_type: str,
        *,
        fields: Fields | None = None,
        user: str = "admin",
    ) -> Scan:
        """Add a scan to a session."""
        sql = (
            "INSERT INTO scan (session_id, id, xsi_type, fields, inserted, insert_user)"
            " VALUES (?,?,?,?,?,?)"
        )
        self._db.execute(sql, (session_id, id, xsi_type, encode(fields or {}), now(), user))
        return _existing(self.scan(session_id, id))

    def update_scan(
        self,
        number: int,
        *,
        id: str | None = None,
        xsi_type: str | None = None,
        fields: Fields | None = None,
        user: str = "admin",
    ) -> None:
        """Change a scan; a new `id` needs `Store.rename_scan` to move the files."""
        self._update("scan", number, {"id": id, "xsi_type": xsi_type}, fields, user)

    def delete_scan(self, number: int) -> None:
        """Remove a scan."""
        with self._db.transaction():
            self._db.execute("DELETE FROM scan WHERE number=?", (number,))
            self._forget_resources("scan", str(number))

    def reconstruction(self, session_id: str, id: str) -> Reconstruction | None:
        """A reconstruction by its id in the session."""
        sql = "SELECT * FROM reconstruction WHERE session_id=? AND id=?"
        found = self._db.row(sql, (session_id, id))
        return _reconstruction(found) if found else None

    def reconstruction_number(self, number: int | str) -> Reconstruction | None:
        """A reconstruction by its site-wide number."""
        found = self._db.row("SELECT * FROM reconstruction WHERE number=?", (int(number),))
        return _reconstruction(found) if found else None

    def reconstructions(self, session_id: str) -> list[Reconstruction]:
        """The reconstructions of a session."""
        sql = "SELECT * FROM reconstruction WHERE session_id=? ORDER BY number"
        return [_reconstruction(row) for row in self._db.rows(sql, (session_id,))]

    def create_reconstruction(
        self, session_id: str, id: str, *, fields: Fields | None = None, user: str = "admin"
    ) -> Reconstruction:
        """Add a reconstruction to a session."""
        sql = (
            "INSERT INTO reconstruction (session_id, id, fields, inserted, insert_user)"
            " VALUES (?,?,?,?,?)"
        )
        self._db.execute(sql, (session_id, id, encode(fields or {}), now(), user))
        return _existing(self.reconstruction(session_id, id))

    def update_reconstruction(self, number: int, fields: Fields, user: str = "admin") -> None:
        """Change a reconstruction."""
        self._update("reconstruction", number, {}, fields, user)

    def delete_reconstruction(self, number: int) -> None:
        """Remove a reconstruction."""
        with self._db.transaction():
            self._db.execute("DELETE FROM reconstruction WHERE number=?", (number,))
            self._forget_resources("reconstruction", str(number))

    # Sharing

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

    # Others

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


def _existing(item: Item | None) -> Item:
    if item is None:
        raise LookupError("the item just written is gone")
    return item


def _project(row: Row) -> Project:
    values = dict(row)
    values["aliases"] = tuple(json.loads(values["aliases"]))
    values["fields"] = json.loads(values["fields"])
    return Project(**values)


def _subject(row: Row) -> Subject:
    return Subject(**{**dict(row), "fields": json.loads(row["fields"])})


def _experiment(row: Row) -> Experiment:
    return Experiment(**{**dict(row), "fields": json.loads(row["fields"])})


def _scan(row: Row) -> Scan:
    return Scan(**{**dict(row), "fields": json.loads(row["fields"])})


def _reconstruction(row: Row) -> Reconstruction:
    return Reconstruction(**{**dict(row), "fields": json.loads(row["fields"])})


def _share(row: Row) -> Share:
    return Share(**dict(row))
