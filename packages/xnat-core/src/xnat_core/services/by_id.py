"""What has an accession ID, also where something else in the project has that ID for a label.

Below a project the server takes a name for a label first. Whoever has the ID means it and no other.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from xnat_core.errors import ResourceNotFoundError
from xnat_core.models import Session, Subject, children
from xnat_core.services.base import About, Row, document, fields
from xnat_core.services.lookup import (
    OnlyShared,
    find_session,
    find_subject,
    project_id,
    session_of_item,
    subject_of_item,
    with_subject_label,
)
from xnat_core.urls import path
from xnat_core.validation import validate_lookup

if TYPE_CHECKING:
    from xnat_core.client import XNATClient


def session_meant(
    client: XNATClient,
    id: object,
    label: object,
    project: str | None = None,
    subject: str | None = None,
    *,
    own: bool = False,
) -> Session:
    """The session that a record names: by its accession ID where it has that, else by `label`.

    It is seen from `project`, where that shows it. Raises as `find_session`.
    """
    if not id:
        return find_session(client, str(label or ""), project, subject, own=own)
    item = _document(client, "experiments", str(id), "session")
    seen_from = _seen_from(client, item, project)
    owner = str(fields(item).get("project") or "")
    if own and seen_from and owner and owner != seen_from:
        raise OnlyShared(str(label or id), seen_from, owner)
    session = with_subject_label(client, session_of_item(item, seen_from))
    if subject and subject not in (session.subject_label, session.subject_id):
        raise ResourceNotFoundError("session", f"{session.project}/{subject}/{id}")
    return session


def subject_meant(
    client: XNATClient, id: object, label: object, project: str | None = None
) -> Subject:
    """The subject that a record names, as `session_meant`."""
    if not id:
        return find_subject(client, str(label or ""), project)
    item = _document(client, "subjects", str(id), "subject")
    return subject_of_item(item, _seen_from(client, item, project))


def experiment_rows(
    client: XNATClient, project: str, subject: str, columns: str, about: About
) -> Iterator[dict[str, str]]:
    """The rows of the experiments that a subject, by its ID, has in a project.

    `columns` have `subject_ID`: where another subject is reached, the project's are looked through.
    """
    of_project = path("data", "projects", project)
    where = of_project + path("subjects", subject)
    params = {"columns": columns}
    rows = client.iter_rows(where + path("experiments"), params=params, about=about)
    first = next(rows, None)
    reached = _subject_in(first) if first is not None else None
    if reached is None:
        reached = fields(document(client, where, about) or {}).get("ID")
    if reached in (None, subject):
        return itertools.chain([] if first is None else [first], rows)
    everything = client.iter_rows(
        of_project + path("experiments"), params={**params, "subject_ID": subject}, about=about
    )
    return (row for row in everything if _subject_in(row) == subject)


def names_another(row: Mapping[str, Any], subject: str) -> bool:
    """Whether a row of an experiment says that it is of another subject than the one of that ID."""
    return _subject_in(row) not in (None, subject)


def _subject_in(row: Mapping[str, Any]) -> str | None:
    known = {key.lower(): value for key, value in row.items()}
    return known.get("subject_id") or known.get("xnat:subjectassessordata/subject_id") or None


def _document(client: XNATClient, level: str, id: str, kind: str) -> Row:
    validate_lookup(id, kind)
    item = document(client, path("data", level, id), (kind, id))
    # This route may answer for a label that happens to be unique as well.
    if item is None or fields(item).get("ID") != id:
        raise ResourceNotFoundError(kind, id)
    return item


def _seen_from(client: XNATClient, item: Row, project: str | None) -> str | None:
    """The ID of a project, perhaps named by an alias, that shows something; None for others."""
    if project is None:
        return None
    shown = {fields(item).get("project")}
    shown |= {share.get("project") for share in children(item, "sharing/share")}
    if project in shown:
        return project
    meant = project_id(client, project)
    return meant if meant in shown else None
