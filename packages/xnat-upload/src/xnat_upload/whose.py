"""Whose a session is that data of another subject, or of another study, would come to."""

from __future__ import annotations

from collections.abc import Iterable

from xnat_core.client import XNATClient
from xnat_core.errors import PermissionDeniedError, ResourceNotFoundError, ValidationError
from xnat_core.imports import Landing
from xnat_core.models import PrearchiveEntry, Session
from xnat_core.prearchive_rows import StagingError
from xnat_core.services.lookup import find_subject
from xnat_core.services.unshown import not_shown
from xnat_core.urls import path


def require_subject(session: Session, wanted: str) -> None:
    """Raise ValidationError for a session of another subject than the one named (label or ID).

    The server would refuse the data of one for the other, or leave them with the wrong one.
    """
    found = session.subject_label
    if found and found.lower() != wanted.lower() and session.subject_id != wanted:
        raise ValidationError(
            f"session {session.label!r} of project {session.project} is one of subject "
            f"{found!r}, not of {wanted!r}: name that subject, or choose another label",
            "subject",
        )


def require_shown_subject(client: XNATClient, session: Session, wanted: str) -> None:
    """Raise ValidationError for a session that was moved to a project which does not show its
    subject: the server would make that subject anew there, and refuse to give it the session."""
    if session.subject_label or not session.subject_id or session.subject_id == wanted:
        return
    try:
        subject = find_subject(client, session.subject_id)
    except (ResourceNotFoundError, PermissionDeniedError):
        return
    # One of this project has just been made, and its listing lags behind.
    if subject.project != session.project:
        raise not_shown(session, subject, "the server would refuse the data")


class NotOurs(StagingError):
    """A row that waits for another subject holds what is not of this upload, and would bring it."""

    def __init__(self, entry: PrearchiveEntry, wanted: str) -> None:
        words = f"{entry.project} {entry.timestamp} {entry.name}"
        super().__init__(
            "archive",
            f"{entry.id} holds files that are not of this upload for subject {entry.subject!r}, "
            f"not for {wanted!r}, and what is sent joins them: 'xnat-prearchive delete {words}' "
            "first, or archive it under another --label, or choose another label here",
            entry,
        )


def is_of_another_subject(entry: PrearchiveEntry, wanted: str) -> bool:
    """Whether a row waits for another subject than the one named."""
    return bool(entry.subject) and str(entry.subject).lower() != wanted.lower()


def require_subject_of_row(entry: PrearchiveEntry, wanted: str) -> None:
    """The same for a row that is to stay in the prearchive: what is sent to it joins its subject.

    One that is archived gets the subject that is wanted, when all that it holds is ours.
    """
    if is_of_another_subject(entry, wanted):
        raise ValidationError(
            f"{entry.id} waits in the prearchive for subject {entry.subject!r}, not for {wanted!r}:"
            " name that subject, or archive it as it should be ('xnat-prearchive archive"
            f" --subject {wanted}')",
            "subject",
        )


def require_subject_of_direct(landing: Landing, subject: str, wanted: str) -> None:
    """The same for a row of the direct archive of `subject`, which files join as well."""
    if subject and subject.lower() != wanted.lower():
        raise ValidationError(
            f"session {landing.name!r} of project {landing.project} is being archived for "
            f"subject {subject!r}, not for {wanted!r}: name that subject, or choose another label",
            "subject",
        )


def subject_labels(client: XNATClient, project: str) -> list[str]:
    """How the subjects of a project are called."""
    rows = client.rows(
        path("data", "projects", project, "subjects"),
        params={"columns": "ID,label"},
        about=("project", project),
    )
    return [row.get("label", "") for row in rows]


def require_one_subject(labels: Iterable[str], wanted: str) -> None:
    """Raise ValidationError for a new session of one of several subjects that the server takes for
    the same, as it looks for them without regard to case."""
    alike = sorted(label for label in labels if label.lower() == wanted.lower())
    if len(alike) > 1:
        raise ValidationError(
            f"the project has the subjects {' and '.join(map(repr, alike))}, which the server does "
            "not tell apart when it archives: 'xnat-edit rename subject' one of them",
            "subject",
        )


def another_study(session: Session) -> ValidationError:
    """The refusal to add a study to the session of another one."""
    return ValidationError(
        f"session {session.label!r} of project {session.project} is of another study "
        f"({session.uid}), or the server has changed its UID: choose another label (-E); "
        "--merge-studies adds the study to it",
        "session",
    )
