"""Answers in the shapes that the two engines of XNAT give them."""

from __future__ import annotations

import html
import json
import logging
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any

from werkzeug.wrappers import Response

log = logging.getLogger(__name__)

STATUS_PAGE = """<html>
<head>
   <title>Status page</title>
</head>
<body>
<h3>{message}</h3><p>You can get technical details <a href="http://www.w3.org/Protocols/rfc2616/\
rfc2616-sec10.html#sec10.{section}">here</a>.<br>
Please continue your visit at our <a href="/">home page</a>.
</p>
</body>
</html>
"""


class StatusError(Exception):
    """Stop and answer this status; the engine that serves the path chooses the shape."""

    def __init__(self, status: int, message: str = "") -> None:
        super().__init__(message or phrase(status))
        self.status = status
        self.message = message


def phrase(status: int) -> str:
    """The generic text of a status."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def status_page(status: int, message: str = "") -> Response:
    """The HTML page that Restlet makes when a resource set a status and no entity."""
    section = f"{status // 100}.{status % 100 + 1}"
    shown = html.escape(message or phrase(status), quote=False)
    body = STATUS_PAGE.format(message=shown, section=section)
    return Response(body, status, mimetype="text/html")


def empty(status: int = 200) -> Response:
    """No body."""
    return Response(b"", status, mimetype="text/plain")


def text(body: str, status: int = 200, mimetype: str = "text/plain") -> Response:
    """A short text with its length."""
    return Response(body, status, mimetype=mimetype)


def html_page(body: str) -> Response:
    """A page for browsers."""
    return Response(f"<html><body>{body}</body></html>", mimetype="text/html")


def json_body(value: Any, status: int = 200) -> Response:
    """JSON of known length, as the Spring side sends it."""
    return Response(json.dumps(value), status, mimetype="application/json")


def streamed(chunks: Iterable[str] | Iterable[bytes], mimetype: str) -> Response:
    """A body of unknown length: chunked on the wire, never with a Content-Length.

    A failure while it is produced ends it early: a truncated body under a good status.
    """
    response = Response(_until_failure(chunks), mimetype=mimetype)
    response.automatically_set_content_length = False
    return response


def _until_failure(chunks: Iterable[str] | Iterable[bytes]) -> Iterator[bytes]:
    try:
        for chunk in chunks:
            yield chunk.encode() if isinstance(chunk, str) else chunk
    except ConnectionError:
        raise
    except Exception:
        log.exception("the body ended early")


def uri_list(uris: Iterable[str], status: int = 200) -> Response:
    """One URI per line, CRLF; nothing at all for no URI."""
    return Response("".join(f"{uri}\r\n" for uri in uris), status, mimetype="text/uri-list")
