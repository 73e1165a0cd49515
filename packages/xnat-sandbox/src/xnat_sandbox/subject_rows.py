"""Subjects."""

from __future__ import annotations

import json

from .database import Row
from .experiment_rows import ExperimentRows
from .item_rows import encode, existing, now
from .model import Fields, Subject


class SubjectRows(ExperimentRows):
    """The subjects, with what is below them."""

    def subject(self, id: str) -> Subject | None:
        """A subject by accession id."""
        found = self._db.row("SELECT * FROM subject WHERE id=?", (id,))
        return _subject(found) if found else None

    def subject_in(self, project: str, key: str) -> Subject | None:
        """A subject owned by or shared into a project, by its label there or its accession id."""
        found = self._db.row(
            "SELECT * FROM subject WHERE project=:project AND (label=:key OR id=:key)"
            " UNION ALL SELECT s.* FROM subject s JOIN share h ON h.item=s.id"
            " WHERE h.project=:project AND (coalesce(h.label, s.label)=:key OR s.id=:key)",
            {"project": project, "key": key},
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
        sql = "SELECT * FROM subject WHERE project=:project"
        if shared:
            sql += " OR id IN (SELECT item FROM share WHERE project=:project)"
        rows = self._db.rows(sql + " ORDER BY rowid", {"project": project})
        return [_subject(row) for row in rows]

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
        return existing(self.subject(id))

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


def _subject(row: Row) -> Subject:
    return Subject(**{**dict(row), "fields": json.loads(row["fields"])})
