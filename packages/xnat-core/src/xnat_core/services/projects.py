"""Projects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from xnat_core import arguments
from xnat_core.errors import (
    OperationError,
    ResourceExistsError,
    ResourceNotFoundError,
    ValidationError,
    XNATCtlError,
)
from xnat_core.models import Project, Session
from xnat_core.services.base import BaseService, Row, Rows, delete, document, fields, first
from xnat_core.services.lookup import SESSION_COLUMNS, SUBJECT_COLUMNS, identifier_of
from xnat_core.services.once import ask_and_see
from xnat_core.urls import path
from xnat_core.validation import validate_lookup, validate_project_id

if TYPE_CHECKING:
    from xnat_core.client import XNATClient

COLUMNS = "ID,secondary_ID,name,description,pi_firstname,pi_lastname"
ACCESSIBILITY = ("private", "protected", "public")

Projects = list[Project]


class ProjectService(BaseService):
    """Lists, makes and removes projects."""

    def list(self, accessible: bool = True, limit: int | None = None) -> Projects:
        """The projects of the server; `accessible` adds those that the site only shows."""
        params = {"columns": COLUMNS, "accessible": "true" if accessible else None}
        rows = self.client.rows(path("data", "projects"), params=params)
        return first(limit, (_project(row) for row in rows))

    def get(self, project_id: str) -> Project:
        """One project. Raises ResourceNotFoundError."""
        return project_of_item(self.item(project_id), project_id)

    def item(self, project_id: str) -> Row:
        """The document of a project. Raises ResourceNotFoundError."""
        validate_lookup(project_id, "project")
        item = document(self.client, _path(project_id), ("project", project_id))
        if item is None:
            raise ResourceNotFoundError("project", project_id)
        return item

    def describe(self, project_id: str) -> Project:
        """One project with its accessibility and its counts, where these can be read."""
        return self.described(self.get(project_id))

    def described(self, project: Project) -> Project:
        """A project that was found with its accessibility and its counts."""
        try:
            level = self.client.get(_path(project.id) + "/accessibility").text.strip()
        except XNATCtlError:
            level = None
        return replace(
            project,
            accessibility=level or project.accessibility,
            subject_count=self._count(project.id, "subjects"),
            session_count=self._count(project.id, "experiments"),
        )

    def create(
        self,
        project_id: str,
        name: str | None = None,
        description: str | None = None,
        keywords: str | None = None,
        pi_firstname: str | None = None,
        pi_lastname: str | None = None,
        accessibility: str = "private",
    ) -> Project:
        """Make a project.

        Raises ResourceExistsError (the server would change the existing one) and
        InvalidIdentifierError.
        """
        project_id = validate_project_id(project_id)
        _check(accessibility)
        where, about = _path(project_id), ("project", project_id)
        if document(self.client, where, about) is not None:
            raise ResourceExistsError("project", project_id)
        given = {
            "name": name,
            "description": description,
            "keywords": keywords,
            "pi_firstname": pi_firstname,
            "pi_lastname": pi_lastname,
            "accessibility": accessibility,
        }
        params = {name: arguments.field_value(value, name) for name, value in given.items()}
        ask_and_see(
            lambda: self.client.put(where, params=params, about=about),
            lambda: document(self.client, where, about) is not None,
        )
        return replace(self.get(project_id), accessibility=accessibility)

    def delete(self, project_id: str, remove_files: bool = False) -> bool:
        """Delete a project with all that is in it; without `remove_files` files stay on its disk.

        Raises ResourceNotFoundError.
        """
        remove_files = arguments.switch(remove_files, "remove_files")
        project = self.get(project_id)
        about = ("project", project.id)
        delete(self.client, _path(project.id), about, remove_files=remove_files)
        return True

    def get_subjects(self, project_id: str, limit: int | None = None) -> Rows:
        """The rows of the project's subjects, as the server writes them."""
        return first(limit, self._rows(project_id, "subjects", SUBJECT_COLUMNS))

    def get_sessions(self, project_id: str, limit: int | None = None) -> Rows:
        """The rows of the project's sessions, as the server writes them."""
        return first(limit, self._rows(project_id, "experiments", SESSION_COLUMNS))

    def set_accessibility(self, project_id: str, accessibility: str) -> bool:
        """Make a project private, protected or public. Raises OperationError when it is not."""
        _check(accessibility)
        project = self.get(project_id)
        where = _path(project.id) + "/accessibility"
        about = ("project", project.id)
        self.client.put(where + path(accessibility), about=about, repeatable=True)
        found = self.client.get(where, about=about).text.strip()
        if found != accessibility:
            raise OperationError(
                "set accessibility", f"project {project.id!r} is {found}, not {accessibility}"
            )
        return True

    def _rows(self, project_id: str, below: str, columns: str) -> Rows:
        validate_lookup(project_id, "project")
        return self.client.rows(
            _path(project_id) + path(below),
            params={"columns": columns},
            about=("project", project_id),
        )

    def _count(self, project_id: str, below: str) -> int | None:
        try:
            return len(self._rows(project_id, below, "ID"))
        except XNATCtlError:
            return None


def project_of_item(item: Mapping[str, Any], project_id: str) -> Project:
    """The project that a document tells of, which was asked for by this name."""
    return Project.from_item(item, uri=_path(str(fields(item).get("ID") or project_id)))


def sessions_by_subject(client: XNATClient, project: str) -> dict[str, list[str]] | None:
    """The labels of a project's sessions by the accession ID of their subject, in one request.

    None where the server does not tell whose they are.
    """
    validate_lookup(project, "project")
    rows = client.rows(
        path("data", "projects", project, "experiments"),
        params={"columns": "ID,label,subject_ID"},
        about=("project", project),
    )
    sessions: dict[str, list[str]] = {}
    for row in rows:
        session = Session.from_row(row)
        if session.subject_id is None and "subject_ID" not in row:
            return None
        sessions.setdefault(session.subject_id or "", []).append(session.label or "")
    return sessions


def _project(row: Row) -> Project:
    project = Project.from_row(row, id=identifier_of(row))
    return replace(project, uri=_path(project.id) if project.id else None)


def _path(project_id: str) -> str:
    return path("data", "projects", project_id)


def _check(accessibility: str) -> None:
    if accessibility not in ACCESSIBILITY:
        raise ValidationError(
            f"accessibility {accessibility!r}: must be one of {', '.join(ACCESSIBILITY)}",
            "accessibility",
            accessibility,
        )
