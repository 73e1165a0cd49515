"""Who may do what."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from .model import Project
from .store import Store

Action = Literal["read", "edit", "delete"]
RIGHTS: dict[str, frozenset[str]] = {
    "owner": frozenset({"read", "edit", "delete"}),
    "member": frozenset({"read", "edit"}),
    "collaborator": frozenset({"read"}),
}
GUEST = "guest"


@dataclass(frozen=True)
class Caller:
    """The user behind a request, with what the user may do."""

    login: str
    store: Store

    @property
    def is_guest(self) -> bool:
        """Whether nobody logged in."""
        return self.login == GUEST

    @cached_property
    def roles(self) -> frozenset[str]:
        """Site-wide roles."""
        return frozenset(self.store.accounts.roles(self.login))

    @cached_property
    def is_admin(self) -> bool:
        """Whether the user is a site administrator."""
        return "Administrator" in self.roles

    @cached_property
    def reads_all(self) -> bool:
        """Whether the user sees all data, Unassigned included."""
        return self.is_admin or "DataManager" in self.roles or "ALL_DATA_ACCESS" in self._groups

    @cached_property
    def edits_all(self) -> bool:
        """Whether the user may change all data."""
        return self.is_admin or "DataManager" in self.roles or "ALL_DATA_ADMIN" in self._groups

    def role_in(self, project: str) -> str:
        """`owner`, `member`, `collaborator` or nothing."""
        return self._roles_by_project.get(project, "")

    def may(self, action: Action, project: str) -> bool:
        """Whether the user may do this to the data of a project."""
        if self.edits_all or (action == "read" and self.reads_all):
            return True
        if action in RIGHTS.get(self.role_in(project), ()):
            return True
        return action == "read" and self._accessibility.get(project) == "public"

    def sees(self, project: Project) -> bool:
        """Whether the user knows that the project exists: protected ones are visible to all."""
        return self.may("read", project.id) or project.accessibility == "protected"

    @cached_property
    def readable(self) -> frozenset[str]:
        """The ids of all projects whose data the user may read."""
        return frozenset(id for id in self._accessibility if self.may("read", id))

    @cached_property
    def _groups(self) -> tuple[str, ...]:
        return tuple(self.store.accounts.groups(self.login))

    @cached_property
    def _roles_by_project(self) -> dict[str, str]:
        pairs = (group.rpartition("_") for group in self._groups)
        return {project: role for project, _, role in pairs}

    @cached_property
    def _accessibility(self) -> dict[str, str]:
        rows = self.store.database.rows("SELECT id, accessibility FROM project")
        return {row["id"]: row["accessibility"] for row in rows}
