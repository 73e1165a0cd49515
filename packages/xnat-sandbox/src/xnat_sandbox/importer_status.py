"""Asking how an import goes: /data/status/{key} and /xapi/event_tracking/{key}."""

from __future__ import annotations

from werkzeug.wrappers import Request, Response

from .context import Context
from .importer_progress import Listener
from .intake import intake_of
from .responses import StatusError, json_body
from .routing import Routes

routes = Routes()


@routes.data("/status/{key}", variants=("text/plain", "text/html"))
def status(request: Request, context: Context, key: str) -> Response:
    """Every message so far."""
    found = _listener(context, key)
    messages = [
        {"status": message.status, "msg": message.text, "terminal": message.terminal}
        for message in found.messages
    ]
    return json_body({"msgs": [messages]})


@routes.xapi("/event_tracking/{key}")
def tracking(request: Request, context: Context, key: str) -> Response:
    """The outcome, null while it is open."""
    found = _listener(context, key)
    end = found.end
    return json_body(
        {
            "key": key,
            "payload": "\n".join(message.text for message in found.messages),
            "succeeded": end and end.status == "COMPLETED",
            "finalMessage": end and end.text,
        }
    )


def _listener(context: Context, key: str) -> Listener:
    found = intake_of(context).progress.find(context.login, key)
    if found is None:
        raise StatusError(404)
    return found
