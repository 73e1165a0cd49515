"""Whether anything has happened to a session since some moment, by the history of the server."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from xnat_core.errors import XNATCtlError
from xnat_core.unasked import is_no_answer
from xnat_core.urls import path

if TYPE_CHECKING:
    from xnat_core.client import XNATClient

T = TypeVar("T")

_PATTERN = "yyyy-MM-dd HH:mm:ss"
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


def touched_since(client: XNATClient, session_id: str, moment: str) -> bool | None:
    """Whether anything has happened to a session since `moment`, in the server's time as its
    listings have it. None where the server tells neither a history nor that it was made since.

    Raises XNATCtlError where it cannot be asked: another time it may tell.
    """
    since = _seconds(moment)
    if since is None:
        return None
    dates = _dates(client, session_id)
    if any(date is not None and date >= since for date in dates):
        return True
    if dates and None not in dates:
        return False
    return True if _is_made_since(client, session_id, since) else None


def _dates(client: XNATClient, session_id: str) -> list[str | None]:
    """When something happened to a session, None for what cannot be read; empty without history."""
    where = path("data", "experiments", session_id, "history")
    # As text in the server's own time, like the moment: nobody knows its time zone.
    found = _told(lambda: client.get_json(where, params={"dateFormat": _PATTERN}))
    events = found.get("events") if isinstance(found, dict) else None
    if not isinstance(events, list):
        return []
    return [
        _seconds(event.get("event_date")) if isinstance(event, dict) else None for event in events
    ]


def _is_made_since(client: XNATClient, session_id: str, since: str) -> bool:
    params = {"ID": session_id, "columns": "ID,insert_date"}
    rows = _told(lambda: client.rows(path("data", "experiments"), params=params)) or []
    made = [_seconds(row.get("insert_date")) for row in rows if row.get("ID") == session_id]
    return any(moment is not None and moment >= since for moment in made)


def _told(ask: Callable[[], T]) -> T | None:
    """An answer; None for a refusal, which is one, too."""
    try:
        return ask()
    except XNATCtlError as error:
        if is_no_answer(error):
            raise
        return None


def _seconds(text: object) -> str | None:
    """A moment up to its seconds, in the form in which text sorts as time does."""
    found = _MOMENT.match(text) if isinstance(text, str) else None
    return found[0] if found else None
