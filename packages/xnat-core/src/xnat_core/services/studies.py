"""The sessions of a study, by the UID that its files tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xnat_core.models import Session
from xnat_core.services.lookup import SESSION_COLUMNS, session_of_row
from xnat_core.urls import path

if TYPE_CHECKING:
    from xnat_core.client import XNATClient


def sessions_of_study(client: XNATClient, uid: str) -> list[Session]:
    """The archived sessions of a study, in whatever projects and under whatever labels."""
    rows = client.rows(
        path("data", "experiments"),
        params={
            "xsiType": "xnat:imageSessionData",
            "UID": uid,
            "columns": f"{SESSION_COLUMNS},UID",
        },
    )
    # A filter that the server does not understand is one that lets everything through.
    return [session for session in map(session_of_row, rows) if session.uid == uid]
