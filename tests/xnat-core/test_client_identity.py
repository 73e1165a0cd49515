"""Who we are, and which version the server has."""

from __future__ import annotations

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from support.clients import answers, client_of
from xnat_core.errors import AuthenticationError, NetworkError, ResourceNotFoundError

pytestmark = pytest.mark.usefixtures("impatient")


def test_ping_needs_no_login(server: HTTPServer) -> None:
    answers(server, "/xapi/siteConfig/buildInfo/version", Response("1.8.10-SNAPSHOT"))
    with client_of(server, username="alice", password="pw") as client:
        found = client.ping()
    assert found["latency_ms"] > 0
    assert {key: found[key] for key in ("url", "status", "version")} == {
        "url": client.base_url,
        "status": "ok",
        "version": "1.8.10-SNAPSHOT",
    }


def test_a_server_that_hides_its_version_still_answers_a_ping(server: HTTPServer) -> None:
    answers(server, "/xapi/siteConfig/buildInfo/version", Response("", 404))
    with client_of(server) as client:
        assert client.ping()["version"] == "unknown"


def test_a_web_site_that_is_no_xnat_does_not_answer_a_ping(server: HTTPServer) -> None:
    page = Response("<html>Welcome</html>", mimetype="text/html")
    answers(server, "/xapi/siteConfig/buildInfo/version", page)
    with client_of(server) as client, pytest.raises(NetworkError, match="the URL of an XNAT"):
        client.ping()


def test_the_log_in_of_something_else_does_not_answer_a_ping(server: HTTPServer) -> None:
    gateway = Response("", 302, {"Location": "/login?next=x"})
    answers(server, "/xapi/siteConfig/buildInfo/version", gateway)
    with client_of(server) as client, pytest.raises(NetworkError, match="the URL of an XNAT"):
        client.ping()


def test_a_site_without_the_services_of_xnat_is_doubted(server: HTTPServer) -> None:
    answers(server, "/xapi/users/username", Response("", 404))
    answers(server, "/data/auth", Response("", 404))
    doubt = f"^path '{server.url_for('/data/auth')}' not found: is this the URL of an XNAT"
    with client_of(server) as client, pytest.raises(ResourceNotFoundError, match=doubt):
        client.whoami()


def test_a_broken_server_does_not_answer_a_ping(server: HTTPServer) -> None:
    answers(server, "/xapi/siteConfig/buildInfo/version", Response("", 500))
    with client_of(server) as client, pytest.raises(NetworkError):
        client.ping()


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("1.8.10", (1, 8, 10)),
        ('"1.9.2.1"', (1, 9, 2, 1)),
        ("1.8.11-SNAPSHOT", (1, 8, 11)),
        ("Unknown", ()),
        ("<html>Log in</html>", ()),
    ],
)
def test_the_version_is_read_leniently(
    server: HTTPServer, text: str, version: tuple[int, ...]
) -> None:
    answers(server, "/xapi/siteConfig/buildInfo/version", Response(text))
    with client_of(server) as client:
        assert client.server_version() == client.server_version() == version
    assert len(server.log) == 1


def test_whoami_tells_the_details(server: HTTPServer) -> None:
    answers(server, "/xapi/users/username", Response("alice"))
    answers(
        server,
        "/xapi/users/alice",
        Response('{"firstName": "A", "lastName": "L", "email": "a@x", "enabled": true}'),
    )
    with client_of(server, session_token="TOK") as client:
        assert client.whoami() == {
            "username": "alice",
            "firstname": "A",
            "lastname": "L",
            "email": "a@x",
            "enabled": True,
        }


def test_whoami_keeps_the_spelling_of_the_user(server: HTTPServer) -> None:
    answers(server, "/data/JSESSION", Response("TOKEN-TOKEN"))
    answers(server, "/xapi/users/username", Response("alice"))
    answers(server, "/xapi/users/Alice", Response("", 403))
    with client_of(server, username="Alice", password="pw") as client:
        assert client.whoami()["username"] == "Alice"


@pytest.mark.parametrize("status", [404, 500])
def test_whoami_asks_an_old_server_otherwise(server: HTTPServer, status: int) -> None:
    answers(server, "/xapi/users/username", Response("", status))
    answers(server, "/data/auth", Response("User 'bob' is logged in"))
    answers(server, "/xapi/users/bob", Response("", 404))
    with client_of(server, session_token="TOK") as client:
        assert client.whoami()["username"] == "bob"


def test_whoami_of_a_guest_is_an_error(server: HTTPServer) -> None:
    answers(server, "/xapi/users/username", Response("guest"))
    with client_of(server, session_token="TOK") as client, pytest.raises(AuthenticationError):
        client.whoami()
