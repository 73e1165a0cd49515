"""What would go with an object when it is deleted.

Whatever keeps it from being counted is raised: nothing is deleted that could not be looked into.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xnat_core.models import Session, Subject
from xnat_core.parallel import bounded_map
from xnat_core.services.base import listing
from xnat_core.services.homes import Home
from xnat_core.services.lookup import identifier_of, subjects_in
from xnat_core.services.resource_files import files_of, files_of_resource
from xnat_core.services.resources import resources_of
from xnat_core.services.subjects import experiments_of
from xnat_core.urls import path

if TYPE_CHECKING:
    from xnat_core.client import XNATClient
    from xnat_core.models import Resource

_WORKERS = 4


@dataclass(frozen=True)
class Contents:
    """Counts of what is in an object; None is what such an object cannot have."""

    subjects: int | None = None
    sessions: int | None = None
    scans: int | None = None
    assessors: int | None = None
    files: int | None = None

    def facts(self) -> dict[str, int]:
        """The counts as keys of a record."""
        return {key: count for key, count in vars(self).items() if count is not None}

    def __str__(self) -> str:
        counts = self.facts()
        # Few sessions have assessors; of what is everywhere also a zero says something.
        shown = {key: count for key, count in counts.items() if count or key != "assessors"}
        return ", ".join(
            f"{count} {key if count != 1 else key[:-1]}" for key, count in shown.items()
        )


def of_project(client: XNATClient, project: str) -> Contents:
    """The contents of a project; what is only shared into it is counted, too."""
    subjects = subjects_in(client, project, "ID,label")
    about = ("project", project)
    columns = {"columns": "ID,label"}
    rows = client.rows(path("data", "projects", project, "experiments"), columns, about=about)
    inside = _of_sessions(client, (str(identifier_of(row)) for row in rows))
    own = of_resources(client, Home.of_project(project))
    own += sum(of_resources(client, Home.of_subject(subject)) for subject in subjects)
    return Contents(len(subjects), len(rows), inside.scans, inside.assessors, _sum(inside, own))


def of_subject(client: XNATClient, subject: Subject) -> Contents:
    """The contents of a subject, sessions of other projects that are still its own included."""
    found = experiments_of(client, subject)
    inside = _of_sessions(client, sorted(found))
    own = of_resources(client, Home.of_subject(subject))
    return Contents(None, len(found), inside.scans, inside.assessors, _sum(inside, own))


def of_session(client: XNATClient, session: Session) -> Contents:
    """The contents of a session."""
    about = ("session", session.label or session.id)
    below = ("experiments", session.id)
    scans = sum(1 for _ in listing(client, *below, "scans", about=about))
    assessors = sum(1 for _ in listing(client, *below, "assessors", about=about))
    home = Home.of_session(session)
    resources = resources_of(client, home, everything=True)
    if all(resource.file_count is not None for resource in resources):
        files = sum(resource.file_count or 0 for resource in resources)
    else:
        files = sum(1 for _ in files_of(client, home))
    return Contents(None, None, scans, assessors, files)


def of_resources(client: XNATClient, home: Home) -> int:
    """How many files the resources of a home have."""
    return sum(of_resource(client, resource) for resource in resources_of(client, home))


def of_resource(client: XNATClient, resource: Resource) -> int:
    """How many files a resource has; the server does not know the number of every one."""
    if resource.file_count is not None:
        return resource.file_count
    return sum(1 for _ in files_of_resource(client, resource))


def _of_sessions(client: XNATClient, identifiers: Iterable[str]) -> Contents:
    def look(identifier: str) -> Contents:
        return of_session(client, Session(id=identifier))

    scans = assessors = files = 0
    for outcome in bounded_map(look, identifiers, workers=_WORKERS):
        one = outcome.result()
        scans += one.scans or 0
        assessors += one.assessors or 0
        files += one.files or 0
    return Contents(None, None, scans, assessors, files)


def _sum(inside: Contents, own: int) -> int:
    return (inside.files or 0) + own
