"""Whether anything has happened to a session since some moment, by the history of the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xnat_core.errors import XNATCtlError
from xnat_core.unasked import is_no_answer
from xnat_core.urls import path

if TYPE_CHECKING:
    from xnat_core.client import XNATClient

_PATTERN = "yyyy-MM-dd HH:mm:ss"
_LENGTH = len(_PATTERN)


def is_untouched_since(client: XNATClient, session_id: str, moment: str) -> bool:
    """Whether nothing has happened to a session since `moment`, in the server's time as its
    listings have it. False also where the server tells no history: then nothing is known.

    Raises XNATCtlError where it cannot be asked: another time it may tell.
    """
    where = path("data", "experiments", session_id, "history")
    try:
        # As text in the server's own time, like the moment: nobody knows its time zone.
        found = client.get_json(where, params={"dateFormat": _PATTERN})
    except XNATCtlError as error:
        if is_no_answer(error):
            raise
        return False
    events = found.get("events") if isinstance(found, dict) else None
    if not isinstance(events, list) or not events:
        return False
    dates = [event.get("event_date") if isinstance(event, dict) else None for event in events]
    return all(
        isinstance(date, str) and len(date) == _LENGTH and date < moment[:_LENGTH] for date in dates
    )
