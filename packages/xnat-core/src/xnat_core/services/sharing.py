"""Where sessions and subjects are shown, and how that is changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from xnat_core.errors import (
    ClientRequestError,
    OperationError,
    ResourceExistsError,
    ResourceNotFoundError,
)
from xnat_core.models import Session, Subject, children
from xnat_core.services.base import document, fields
from xnat_core.services.lookup import holder_of
from xnat_core.services.once import LOST, ask_once, patience_with
from xnat_core.services.routes import require_own_route
from xnat_core.services.sessions import session_path
from xnat_core.services.subjects import subject_path
from xnat_core.urls import path

if TYPE_CHECKING:
    from xnat_core.client import XNATClient


@dataclass(frozen=True)
class Shared:
    """A session or a subject, with the projects that show it and its label in each."""

    client: XNATClient
    item: Session | Subject
    owner: str
    labels: dict[str, str]

    @classmethod
    def look(cls, client: XNATClient, item: Session | Subject) -> Shared:
        """An item as the server has it now.

        Raises ResourceNotFoundError, and OperationError for one whose own project cannot be told.
        """
        there, about = _flat(item), (item.kind, item.label)
        found = document(client, there, about)
        if found is None:
            raise ResourceNotFoundError(*about)
        owner = fields(found).get("project")
        if not owner:
            raise OperationError(
                "share", f"{item.kind} {item.label!r}: the server does not tell whose it is"
            )
        # The shares are read from the document: `…/projects` is a list for experiments, and what it
        # is for subjects nobody knows.
        own = str(fields(found).get("label") or "")
        labels = {str(owner): own}
        for share in children(found, "sharing/share"):
            labels[str(share.get("project"))] = str(share.get("label") or own)
        return cls(client, item, str(owner), labels)

    def where(self, *, primary: bool = False) -> str:
        """Its route: with `primary` (to move it) through its own project, else through the one in
        which it was found, for a user may have rights only there.
        """
        item = replace(self.item, project=self.owner) if primary else self.item
        return session_path(item) if isinstance(item, Session) else subject_path(item)

    def require_free(self, project: str, label: str) -> None:
        """Raise ResourceExistsError when something else has that label in a project.

        Moving an item there is refused by the server, and done all the same.
        """
        level = "experiments" if isinstance(self.item, Session) else "subjects"
        if holder_of(self.client, project, level, label) not in (None, self.item.id):
            raise ResourceExistsError(self.item.kind, f"{project}/{label}")

    def share(self, project: str, label: str | None, *, primary: bool) -> None:
        """Show it in a project, or move it there, and look that it came to be."""
        where = self.where(primary=primary)
        require_own_route(self.client, where)
        there, about = where + path("projects", project), ("project", project)
        params = {"label": label, "primary": "true" if primary else None}

        def ask() -> None:
            try:
                self.client.put(there, params=params, about=about)
            except ResourceExistsError as error:
                # The error is about the project, but what is in the way there is another item.
                name = f"{project}/{label or self.labels[self.owner]}"
                taken = ResourceExistsError(self.item.kind, name)
                taken.details.update(error.details)
                raise taken from None

        self._settle(
            ask,
            lambda now: _is_there(now, project, label, primary=primary),
            f"{self.item.kind} {self.item.label!r} did not come to project {project!r}",
        )

    def unshare(self, project: str) -> None:
        """Take it out of a project that is not its own, and look that it is still there."""
        if project.lower() == self.owner.lower():
            raise OperationError("unshare", f"{self.item.label!r} belongs to {project}")
        where = self.where()
        require_own_route(self.client, where)
        self._settle(
            lambda: self.client.delete(
                where + path("projects", project), about=("project", project)
            ),
            lambda now: project not in now.labels,
            f"{self.item.kind} {self.item.label!r} is still shared into {project!r}",
        )

    def _settle(
        self,
        send: Callable[[], object],
        is_done: Callable[[Shared], bool],
        otherwise: str,
    ) -> None:
        """Send once and look until it is done."""
        done, lost = ask_once(
            send,
            lambda: is_done(Shared.look(self.client, self.item)),
            # Some routes do what was asked, and answer 409 or 500.
            excused=(*LOST, ClientRequestError, ResourceExistsError),
        )
        if done:
            return
        if lost is not None and not patience_with(lost, 0):
            raise lost
        raise OperationError("share", f"{otherwise}: {lost}" if lost else otherwise)


def _is_there(now: Shared, project: str, label: str | None, *, primary: bool) -> bool:
    if primary and now.owner != project:
        return False
    return project in now.labels and label in (None, now.labels[project])


def _flat(item: Session | Subject) -> str:
    return path("data", "experiments" if isinstance(item, Session) else "subjects", item.id)
