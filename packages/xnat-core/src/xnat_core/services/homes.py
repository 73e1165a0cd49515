"""Where resources can be: below a project, a subject, a session or a scan."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from xnat_core.models import Resource, Scan, Session, Subject
from xnat_core.records import RecordError
from xnat_core.services.base import About
from xnat_core.urls import path

_OWNER_IN_URI = re.compile(r"/(scans|assessors|reconstructions)/([^/]+)(?:/out|/in)?$")


@dataclass(frozen=True)
class Home:
    """The owner of resources: its route below `/data`, its name, what is known of its parents."""

    parts: tuple[str, ...]
    about: About
    known: dict[str, str | None] = field(default_factory=dict)

    @classmethod
    def of_project(cls, project: str) -> Home:
        """A project's own resources."""
        return cls(("projects", project), ("project", project), {"project": project})

    @classmethod
    def of_subject(cls, subject: Subject) -> Home:
        """A subject's own resources."""
        known = {
            "project": subject.project,
            "subject": subject.label or None,
            "subject_id": subject.id,
        }
        return cls(("subjects", subject.id), ("subject", subject.label or subject.id), known)

    @classmethod
    def of_session(cls, session: Session) -> Home:
        """A session's own resources; `resources_of` and `files_of` look below it as well."""
        known = {
            "project": session.project,
            "subject": session.subject_label,
            "subject_id": session.subject_id,
            "session": session.label or None,
            "session_id": session.id,
        }
        about = ("session", session.label or session.id)
        return cls(("experiments", session.id), about, known)

    @classmethod
    def of_scan(cls, scan: Scan) -> Home:
        """A scan's resources."""
        session = str(scan.session_id)
        known = {
            "project": scan.project,
            "subject": scan.subject,
            "subject_id": scan.subject_id,
            "session": scan.session,
            "session_id": session,
            "scan_id": scan.id,
        }
        about = ("scan", f"{scan.session or session}/{scan.id}")
        return cls(("experiments", session, "scans", scan.id), about, known)

    @property
    def path(self) -> str:
        """The route, percent-encoded."""
        return path("data", *self.parts)

    @property
    def category(self) -> str | None:
        """What the server calls resources at this place when it lists a whole session."""
        if self.parts[0] != "experiments":
            return None
        return self.parts[2] if len(self.parts) > 2 else "resources"

    def lists(self, category: str | None, owner: str | None) -> bool:
        """Whether a row of a listing of this home, which names such an owner, belongs to it.

        It may not where the home is a scan: the server takes the ID of a scan for the type of other
        scans, too, and lists those as well.
        """
        if len(self.parts) < 4 or self.parts[2] != "scans":
            return True
        return category == "scans" and self.parts[3] in (owner, unquote(owner or ""))

    def below(self, category: str | None, owner: str | None) -> Home:
        """The home of a resource that was listed with those of its session."""
        if not owner or category not in ("scans", "assessors", "reconstructions"):
            return self
        if self.parts[-2:] == (category, owner):
            return self
        known = dict(self.known)
        if category == "scans":
            known["scan_id"] = owner
        elif category == "assessors":
            known["assessor"] = owner
        return Home((*self.parts, category, owner), (category.rstrip("s"), owner), known)


def owner_in(uri: str) -> tuple[str, str] | tuple[None, None]:
    """The category and the ID, as it is written, of what the resource or file of a URI is of; both
    are None for what is of a session, a subject or a project itself."""
    found = _OWNER_IN_URI.search(uri.partition("/resources/")[0])
    return (found[1], found[2]) if found else (None, None)


def require_whole(record: Mapping[str, Any]) -> None:
    """Raise RecordError for a record that has lost a part of where its resource is.

    Without it the resource of that name of its parent would be meant.
    """
    parts = ("project", "subject", "subject_id", "session", "session_id", "scan", "assessor")
    for part in parts:
        if part in record and record[part] in (None, ""):
            raise RecordError(f"the record has an empty {part}: leave it out where none is meant")
    for part in ("scan", "assessor"):
        if part in record and not (record.get("session") or record.get("session_id")):
            raise RecordError(f"the record has a {part} and no session")


def parents_of(resource: Resource) -> dict[str, str | None]:
    """What a file inherits from the resource that it is in."""
    keys = ("project", "subject", "subject_id", "session", "session_id", "scan_id", "assessor")
    return {key: getattr(resource, key) for key in keys}
