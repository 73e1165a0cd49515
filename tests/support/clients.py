"""A client of a server that answers as a test wants it."""

from __future__ import annotations

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from xnat_core.client import XNATClient
from xnat_core.errors import XNATCtlError

PAGE = (
    "<html>\n<head>\n   <title>Status page</title>\n</head>\n<body>\n"
    "<h3>{}</h3><p>You can get technical details <a href='x'>here</a>.<br></p></body></html>"
)
LOGIN_PAGE = "<html><form action='/login'><input type='password' name='password'></form></html>"


def client_of(server: HTTPServer, **how: object) -> XNATClient:
    """A client of that server, with these options."""
    return XNATClient(server.url_for(""), **how)  # type: ignore[arg-type]


def answers(server: HTTPServer, path: str, *responses: Response) -> None:
    """Answer a path with these in turn, with the last one from then on."""
    for response in responses[:-1]:
        server.expect_oneshot_request(path).respond_with_response(response)
    server.expect_request(path).respond_with_response(responses[-1])


def error_of(
    server: HTTPServer, response: Response, method: str = "GET", **how: object
) -> XNATCtlError:
    """The error that such an answer becomes."""
    answers(server, "/data/x", response)
    with client_of(server, max_retries=0) as client, pytest.raises(XNATCtlError) as caught:
        client.request(method, "/data/x", **how)  # type: ignore[arg-type]
    return caught.value
