"""Experiments and assessors."""

from __future__ import annotations

import json

from .database import Row
from .item_rows import encode, existing, now
from .model import Experiment, Fields
from .scan_rows import ScanRows


class ExperimentRows(ScanRows):
    """The experiments and assessors, with what is below them."""

    def experiment(self, id: str) -> Experiment | None:
        """An experiment or assessor by accession id."""
        found = self._db.row("SELECT * FROM experiment WHERE id=?", (id,))
        return _experiment(found) if found else None

    def experiment_in(self, project: str, key: str) -> Experiment | None:
        """An experiment owned by or shared into a project, by its label there or its id."""
        found = self._db.row(
            "SELECT * FROM experiment WHERE project=:project AND (label=:key OR id=:key)"
            " UNION ALL SELECT e.* FROM experiment e JOIN share h ON h.item=e.id"
            " WHERE h.project=:project AND (coalesce(h.label, e.label)=:key OR e.id=:key)",
            {"project": project, "key": key},
        )
        return _experiment(found) if found else None

    def experiments_of_project(self, project: str, *, shared: bool = True) -> list[Experiment]:
        """The experiments and assessors of a project."""
        sql = "SELECT * FROM experiment WHERE project=:project"
        if shared:
            sql += " OR id IN (SELECT item FROM share WHERE project=:project)"
        rows = self._db.rows(sql + " ORDER BY rowid", {"project": project})
        return [_experiment(row) for row in rows]

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
            arc = self._db.row("SELECT current_arc FROM project WHERE id=?", (project,))
            self._db.execute(
                "INSERT INTO experiment VALUES (?,?,?,?,?,?,?,'active',?,?,?,?)",
                (
                    id,
                    project,
                    label,
                    xsi_type,
                    subject_id,
                    session_id,
                    arc["current_arc"] if arc else "arc001",
                    encode(fields or {}),
                    now(),
                    user,
                    now(),
                ),
            )
        return existing(self.experiment(id))

    def update_experiment(
        self,
        id: str,
        *,
        label: str | None = None,
        project: str | None = None,
        arc: str | None = None,
        subject_id: str | None = None,
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


def _experiment(row: Row) -> Experiment:
    return Experiment(**{**dict(row), "fields": json.loads(row["fields"])})
