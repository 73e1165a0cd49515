"""What is no answer decides nothing, however often the client asks."""

from __future__ import annotations

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from support.clients import answers, client_of
from xnat_core.errors import XNATCtlError
from xnat_core.services.anonymization import anonymizes
from xnat_core.services.touched import touched_since

PAGE = Response("<html><body>Down for maintenance</body></html>", 200, mimetype="text/html")
AWAY = [Response("", status) for status in (429, 502, 503, 504)]


@pytest.mark.parametrize("answer", [*AWAY, PAGE])
def test_a_server_that_is_away_tells_no_history(server: HTTPServer, answer: Response) -> None:
    answers(server, "/xapi/users/username", Response("alice"))
    answers(server, "/data/experiments/E1/history", answer)
    client = client_of(server, session_token="TOK", max_retries=0)
    with client, pytest.raises(XNATCtlError):
        touched_since(client, "E1", "2024-05-02 10:15:00.0")


@pytest.mark.parametrize("answer", AWAY)
def test_a_server_that_is_away_does_not_anonymize(server: HTTPServer, answer: Response) -> None:
    answers(server, "/xapi/anonymize/site/enabled", answer)
    client = client_of(server, session_token="TOK", max_retries=0)
    with client, pytest.raises(XNATCtlError):
        anonymizes(client, "P1")


@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_refusal_is_an_answer(server: HTTPServer, status: int) -> None:
    answers(server, "/data/experiments/E1/history", Response("", status))
    answers(server, "/xapi/anonymize/site/enabled", Response("", status))
    answers(server, "/xapi/anonymize/projects/P1/enabled", Response("", status))
    with client_of(server, session_token="TOK", max_retries=0) as client:
        assert touched_since(client, "E1", "2024-05-02 10:15:00.0") is None
        assert anonymizes(client, "P1") is None
