"""Catalogs: what the server believes about the files of a session."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import TYPE_CHECKING

from xnat_core.arguments import text
from xnat_core.errors import OperationError, ValidationError
from xnat_core.services.once import GAVE_UP
from xnat_core.services.sessions import iter_sessions
from xnat_core.urls import path

if TYPE_CHECKING:
    from xnat_core.client import XNATClient
    from xnat_core.models import Session

OPTIONS = ("checksum", "delete", "append", "populateStats")


def options_of(names: Iterable[str]) -> list[str]:
    """The names as the server spells them; several may stand in one, between commas.

    Raises ValidationError.
    """
    spelled = {option.lower(): option for option in OPTIONS}
    given = [name.strip() for words in names for name in text(words, "option").split(",")]
    if unknown := [name for name in given if name.lower() not in spelled]:
        raise ValidationError(
            f"option {unknown[0]!r}: must be one of {', '.join(OPTIONS)}", "option", unknown[0]
        )
    return list(dict.fromkeys(spelled[name.lower()] for name in given))


def sessions_of(client: XNATClient, project: str, limit: int | None = None) -> list[Session]:
    """The sessions of a project, the first `limit` of them."""
    return list(itertools.islice(iter_sessions(client, project), limit))


def refresh(client: XNATClient, session: Session, options: Iterable[str] = ()) -> None:
    """Refresh the catalogs of a session and its scans. Without options the server does all.

    The URI of a project would refresh only the project's own resources. What outlives the patience
    of a proxy is not asked for again: the server would do all of it twice, at the same time.
    """
    from xnat_core.http.answers import error_of

    where = path("data", "services", "refresh", "catalog")
    about = ("session", session.label or session.id)
    answer = client.post(
        where,
        params={
            "resource": f"/archive/experiments/{session.id}",
            "options": ",".join(options) or None,
        },
        about=about,
        accept={GAVE_UP},
        repeatable=True,
    )
    if answer.status_code == GAVE_UP:
        error = error_of(answer, "POST", where, about)
        error.message += "; the server may still be at it"
        raise error
    if answer.content.lstrip().startswith(b"<"):
        raise OperationError("refresh", f"{about[1]}: a web page came instead of an empty answer")
