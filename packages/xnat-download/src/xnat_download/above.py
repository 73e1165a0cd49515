"""Whom an object is below of: looked up unless its record says all that is needed."""

from __future__ import annotations

from xnat_core.errors import ResourceNotFoundError
from xnat_core.models import Session
from xnat_core.services.by_id import session_meant
from xnat_download.download import Download
from xnat_download.places import Place


def session_of(download: Download) -> Session:
    """The session that is to be downloaded."""
    record = download.record
    if record.get("id") and record.get("label") and _names_parents(download):
        return Session.from_record(record)
    parents = record.get("project"), record.get("subject")
    return session_meant(download.client, record.get("id"), record.get("label"), *parents)


def session_above(download: Download) -> Session:
    """The session that a scan, resource or file is of."""
    record = download.record
    id, label = record.get("session_id"), record.get("session")
    if not (id or label):
        raise ResourceNotFoundError(f"session of {record['kind']}", str(record.get("id") or "?"))
    if not (id and label and _names_parents(download)):
        return session_meant(download.client, id, label, record.get("project"))
    return Session(
        id=str(id),
        label=str(label),
        project=record.get("project"),
        subject_id=record.get("subject_id"),
        subject_label=record.get("subject"),
    )


def place_of(download: Download, session: Session) -> Place:
    return Place(
        "session",
        session.project,
        session.subject_label,
        session.subject_id,
        session.label or None,
        session.id,
        folder=download.engine.options.folder,
    )


def place_above(download: Download) -> Place:
    """The session, subject or project that a resource or file is below of."""
    record = download.record
    if record.get("session") or record.get("session_id"):
        return place_of(download, session_above(download))
    level = "subject" if record.get("subject") or record.get("subject_id") else "project"
    return Place(level, record.get("project"), record.get("subject"), record.get("subject_id"))


def session_in(place: Place) -> Session | None:
    if place.session_id is None:
        return None
    return Session(id=place.session_id, label=place.session or "", project=place.project)


def _names_parents(download: Download) -> bool:
    """Whether the record has the parents that the template puts into names."""
    template = download.engine.options.template
    needed = {"project", "subject"} & template.fields if template else set()
    return all(download.record.get(key) for key in needed)


def known_of(place: Place) -> dict[str, str]:
    return {key: value for key, value in place.facts().items() if value}


def name_of(place: Place) -> str:
    return f"{place.session}/{place.owner}"
