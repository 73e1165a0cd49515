"""From what people call a subject or a session to what the server calls it.

Routes match labels as they travel, undecoded: a label with a space or an umlaut is never found by
its path. Then the listing of the project is searched.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from xnat_core.errors import (
    OperationError,
    PermissionDeniedError,
    ResourceNotFoundError,
    ValidationError,
)
from xnat_core.models import Record, Session, Subject, children
from xnat_core.redaction import one_line
from xnat_core.services.base import Row, document, fields
from xnat_core.urls import path
from xnat_core.validation import validate_lookup

if TYPE_CHECKING:
    from xnat_core.client import XNATClient
    from xnat_core.models.row_records import RowRecords

SESSION_COLUMNS = "ID,label,project,subject_ID,subject_label,xsiType,date,insert_date"
SUBJECT_COLUMNS = "ID,label,project,group,gender,handedness,yob,src,insert_date"

# With the ID of the site in front, as most servers make them; others cannot be told from labels.
_ACCESSION_OF_SUBJECT = re.compile(r"\w[\w-]*_S\d+")
_ACCESSION = re.compile(r"\w[\w-]*_E\d+")

_EXPERIMENTS = path("data", "experiments")
_FOUND_BY_PATH = re.compile(r"[A-Za-z0-9_-]+")


class LabelTaken(ValidationError):
    """Nothing can be put under a label; `reason` says why."""

    def __init__(self, kind: str, label: str, said: str, reason: str) -> None:
        super().__init__(f"{kind} {label!r} {said}", kind, label)
        self.reason = reason


class OnlyShared(LabelTaken):
    """Something is of project `owner`; where it is shared into, nothing can be added to it."""

    def __init__(self, label: str, project: str, owner: str, kind: str = "session") -> None:
        super().__init__(
            kind,
            label,
            f"belongs to project {owner} and is only shared into {project}: "
            f"name project {owner}, or another label",
            f"it belongs to project {owner}, which shares it",
        )


def find_session(
    client: XNATClient,
    value: str,
    project: str | None = None,
    subject: str | None = None,
    *,
    own: bool = False,
) -> Session:
    """The session that `value`, an accession ID or a label, names.

    A label needs a `project`, unless only one project has it. What looks like an accession ID is
    found wherever it is: a default project must not hide it. What does not is looked for in that
    project only, for it may be a label there, and the ID of somebody else's session elsewhere.
    `subject` (ID or label) must be the session's.

    Raises ResourceNotFoundError; with `own` OnlyShared; ValidationError for a label in several
    projects; and InvalidIdentifierError for what could change the path of a request.
    """
    validate_lookup(value, "session")
    session = None if project is None else _session_in(client, value, project, own=own)
    if session is None and (project is None or _ACCESSION.fullmatch(value)):
        session = _session_by_id(client, value)
    if session is None and project is None:
        session = _session_by_label(client, value)
    if session is None:
        raise ResourceNotFoundError("session", f"{project}/{value}" if project else value)
    session = with_subject_label(client, session)
    if subject and subject not in (session.subject_label, session.subject_id):
        raise ResourceNotFoundError("session", f"{session.project}/{subject}/{value}")
    return session


def find_session_of_uri(client: XNATClient, uri: str) -> Session:
    """The archived session that a URI made of labels names. Raises OperationError."""
    parts = unquote(urlsplit(uri.strip()).path).strip("/").split("/")
    named = dict(zip(parts[-6::2], parts[-5::2], strict=True)) if len(parts) >= 6 else {}
    if not {"projects", "experiments"} <= named.keys():
        raise OperationError("archive", f"{one_line(uri)!r} is no address of a session")
    return find_session(client, named["experiments"], named["projects"])


def find_subject(client: XNATClient, value: str, project: str | None = None) -> Subject:
    """The subject that `value`, an accession ID or (with `project`) a label, names.

    Raises ResourceNotFoundError and InvalidIdentifierError.
    """
    validate_lookup(value, "subject")
    if project is None:
        return _subject_by_id(client, value)
    validate_lookup(project, "project")
    item = document(
        client, path("data", "projects", project, "subjects", value), ("subject", value)
    )
    if item is not None and fields(item).get("ID"):
        return subject_of_item(item, _meant(client, item, project))
    for subject in subjects_in(client, project, **_only(item, value)):
        if value in (subject.label, subject.id):
            return replace(subject, project=project_id(client, project))
    raise ResourceNotFoundError("subject", f"{project}/{value}")


def subjects_in(
    client: XNATClient, project: str, columns: str = SUBJECT_COLUMNS, **only: str
) -> list[Subject]:
    """The subjects of a project as listed, shared ones under their label there.

    `only` are columns and what they must be; a server may list others all the same.
    """
    validate_lookup(project, "project")
    rows = client.rows(
        path("data", "projects", project, "subjects"),
        params={"columns": columns, **only},
        about=("project", project),
    )
    owners = {owner for row in rows if (owner := row.get("project"))}
    # `project` may be an alias, unless some row names it as its own project.
    meant = project if project in owners or not owners else project_id(client, project)
    return [
        replace(subject, primary_project=None) if subject.primary_project == meant else subject
        for subject in (subject_of_row(row, project) for row in rows)
    ]


def subject_of_row(row: Mapping[str, Any], project: str | None = None) -> Subject:
    """A subject of a listing; the row of a shared one names the project that owns it."""
    owner, id = row.get("project"), identifier_of(row)
    return Subject.from_row(
        row,
        id=id,
        project=project,
        primary_project=owner if project and owner != project else None,
        uri=path("data", "subjects", id) if id else None,
    )


def subject_of_item(item: Mapping[str, Any], project: str | None = None) -> Subject:
    """A subject of a document, as seen from `project`."""
    own = fields(item)
    seen_from, label = _seen(item, project)
    owner = own.get("project")
    return Subject.from_item(
        item,
        project=seen_from,
        label=label,
        primary_project=owner if owner != seen_from else None,
        uri=path("data", "subjects", str(own["ID"])),
    )


def session_of_row(row: Mapping[str, Any], project: str | None = None) -> Session:
    """A session of a listing, as seen from the project that was listed."""
    id = identifier_of(row)
    uri = _EXPERIMENTS + path(id) if id else None
    session = Session.from_row(row, id=id, project=project, uri=uri)
    if id or not session.id:
        return session
    return replace(session, uri=_EXPERIMENTS + path(session.id))


def session_record(records: RowRecords, row: Mapping[str, str], project: str | None) -> Record:
    """The record of what `session_of_row` makes, by the `records` of sessions."""
    id = identifier_of(row)
    if not id:
        return session_of_row(row, project).to_record(records.server)
    known = {"id": id, "uri": _EXPERIMENTS + path(id)}
    if project:
        known["project"] = project
    return records.record(row, known)


def session_of_item(item: Mapping[str, Any], project: str | None = None) -> Session:
    """A session of a document, as seen from `project`."""
    seen_from, label = _seen(item, project)
    uri = path("data", "experiments", str(fields(item)["ID"]))
    return Session.from_item(item, project=seen_from, label=label, uri=uri)


def is_found_by_path(label: str) -> bool:
    """Whether a request by path finds what has this label; else the project must be listed."""
    return _FOUND_BY_PATH.fullmatch(label) is not None


def holder_of(client: XNATClient, project: str, level: str, label: str) -> str | None:
    """The ID of what has a label among the `subjects` or the `experiments` of a project."""
    where = path("data", "projects", project, level)
    item = document(client, where + path(label), (level.removesuffix("s"), label))
    found = fields(item or {}).get("ID")
    if found or is_found_by_path(label):
        return found
    rows = client.rows(where, params={"columns": "ID,label"}, about=("project", project))
    return next((identifier_of(row) for row in rows if row.get("label") == label), None)


def project_id(client: XNATClient, name: str) -> str:
    """The ID of a project that may be named by an alias; of one that cannot be read, the name."""
    found = document(client, path("data", "projects", name), ("project", name))
    return str(fields(found or {}).get("ID") or name)


def has_subject(row: Mapping[str, Any]) -> bool:
    """Whether a row of all experiments is of a session; the others are assessors of sessions.

    A filter by `xsiType` would leave that to the server, and hide types that it does not foresee.
    """
    known = {key.lower(): value for key, value in row.items()}
    owner = known.get("subject_id", known.get("xnat:subjectassessordata/subject_id"))
    return owner is None or bool(owner) or str(known.get("xsitype", "")).endswith("SessionData")


def identifier_of(row: Mapping[str, Any]) -> str | None:
    """The accession ID of a row; some listings have it only in the `URI`."""
    found = row.get("ID") or row.get("id")
    return str(found) if found else str(row.get("URI") or "").rpartition("/")[2] or None


def _session_in(client: XNATClient, value: str, project: str, *, own: bool) -> Session | None:
    validate_lookup(project, "project")
    where = path("data", "projects", project, "experiments")
    item = document(client, where + path(value), ("session", value))
    if item is not None and fields(item).get("ID"):
        meant = _meant(client, item, project)
        if own:
            _require_own(item, value, meant)
        return session_of_item(item, meant)
    params = {"columns": SESSION_COLUMNS, **_only(item, value)}
    rows = client.rows(where, params=params, about=("project", project))
    for row in rows:
        if value in (row.get("label"), identifier_of(row)):
            # A row names the project that was listed, also where it is only shared into that.
            meant = project if row.get("project") == project else project_id(client, project)
            session = session_of_row(row, meant)
            if own:
                whole = client.item(_EXPERIMENTS + path(session.id), about=("session", value))
                _require_own(whole, value, meant)
            return session
    return None


def _only(item: Row | None, label: str) -> dict[str, str]:
    """What to list a project for, when nothing was found by path under a label.

    Where it would have been found, the listing only tells whether there is the project. All of it,
    again for each of thousands that are not there, would take the square of their number.
    """
    return {"label": label} if item is None and is_found_by_path(label) else {}


def _require_own(item: Row, label: str, project: str) -> None:
    owner = str(fields(item).get("project") or "")
    if owner and owner != project:
        raise OnlyShared(label, project, owner)


def _session_by_id(client: XNATClient, value: str) -> Session | None:
    item = document(client, path("data", "experiments", value), ("session", value))
    # This route also answers for a label that happens to be unique. Labels are not our business
    # here.
    if item is None or fields(item).get("ID") != value:
        return None
    return session_of_item(item)


def _session_by_label(client: XNATClient, label: str) -> Session | None:
    # Commas, stars and per cents mean more than themselves in a filter.
    search = {} if set(label) & set("*%,") else {"label": label}
    params = {"columns": SESSION_COLUMNS, **search}
    rows = client.rows(path("data", "experiments"), params=params)
    found = [session_of_row(row) for row in rows if row.get("label") == label and has_subject(row)]
    if len(found) > 1:
        projects = ", ".join(sorted({session.project or "?" for session in found}))
        raise ValidationError(
            f"session {label!r} is in several projects ({projects}): name the project", "session"
        )
    return found[0] if found else None


def _subject_by_id(client: XNATClient, value: str) -> Subject:
    item = document(client, path("data", "subjects", value), ("subject", value))
    if item is None or fields(item).get("ID") != value:
        error = ResourceNotFoundError("subject", value)
        if not _ACCESSION_OF_SUBJECT.fullmatch(value):
            error.message += "; a label needs its project (-P)"
        raise error
    return subject_of_item(item)


def with_subject_label(
    client: XNATClient, session: Session, owner: Subject | None = None
) -> Session:
    """The document of a session has only the ID of its subject; that may be `owner`, whose label is
    known."""
    if session.subject_label or not (session.subject_id and session.project):
        return session
    if owner and owner.label and owner.id == session.subject_id:
        return replace(session, subject_label=owner.label)
    try:
        rows = client.rows(
            path("data", "projects", session.project, "subjects"),
            params={"columns": "ID,label", "ID": session.subject_id},
        )
    except (ResourceNotFoundError, PermissionDeniedError):
        return session
    labels = [row.get("label") for row in rows if row.get("ID") == session.subject_id]
    return replace(session, subject_label=labels[0]) if labels and labels[0] else session


def _meant(client: XNATClient, item: Row, project: str) -> str:
    """The ID of the project that a document was found in; `project` may be an alias of it.

    That may be the project that owns it or one that only shares it: what may be done depends on
    which it is.
    """
    if project == fields(item).get("project") or project in _labels_in_shares(item):
        return project
    return project_id(client, project)


def _seen(item: Row | Mapping[str, Any], project: str | None) -> tuple[str | None, str | None]:
    """The ID of the project through which a document was found, and the label it has there."""
    own = fields(item)
    if project is None or project == own.get("project"):
        return own.get("project"), own.get("label")
    return project, _labels_in_shares(item).get(project) or own.get("label")


def _labels_in_shares(item: Mapping[str, Any]) -> dict[str, str | None]:
    """By project; None for the same label as at home."""
    return {str(s.get("project")): s.get("label") for s in children(item, "sharing/share")}
