"""Projects, subjects, experiments, scans and reconstructions, and who shares what with whom."""

from __future__ import annotations

import json
from typing import Any

from .database import Row
from .item_rows import encode, existing, now
from .model import Fields, Project
from .subject_rows import SubjectRows


class Hierarchy(SubjectRows):
    """The items of the archive: the projects, with what is below them."""

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
        return existing(self.project(id))

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


def _project(row: Row) -> Project:
    values = dict(row)
    values["aliases"] = tuple(json.loads(values["aliases"]))
    values["fields"] = json.loads(values["fields"])
    return Project(**values)
