"""Sessions that were moved to a project which does not show their subject."""

from __future__ import annotations

from xnat_core.errors import ValidationError
from xnat_core.models import Session, Subject


def not_shown(session: Session, subject: Subject, otherwise: str) -> ValidationError:
    """The error that advises to share the subject; `otherwise` is what cannot be done before.

    The routes below a project know a session by a subject that it shows: they would make another
    one of that label, or not find the session.
    """
    return ValidationError(
        f"session {session.label!r}: project {session.project} does not show its subject "
        f"{subject.label!r}, and {otherwise}: xnat-edit share -P {subject.project} "
        f"-S {subject.id} {session.project}",
        "subject",
    )
