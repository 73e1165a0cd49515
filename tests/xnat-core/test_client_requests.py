"""What goes out on the wire, and what is logged of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from requests.adapters import HTTPAdapter
from werkzeug import Request, Response

from support.clients import answers, client_of
from support.scripted import answer, scripted
from xnat_core import __version__
from xnat_core.client import XNATClient
from xnat_core.errors import AuthenticationError, ServerUnreachableError, ValidationError

pytestmark = pytest.mark.usefixtures("impatient")


def test_a_connection_is_given_up_long_before_an_answer(
    server: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[float, float]] = []
    send = HTTPAdapter.send

    def spy(adapter: HTTPAdapter, *args: Any, **how: Any) -> Any:
        given.append(how["timeout"])
        return send(adapter, *args, **how)

    monkeypatch.setattr(HTTPAdapter, "send", spy)
    answers(server, "/data/x", Response("yes"))
    for timeout in (21600, 3):
        with client_of(server, timeout=timeout, username="u", password="p") as client:
            client.request("PUT", "/data/x", anonymous=True)
    assert [reading for _, reading in given] == [21600, 3]
    assert all(connecting <= 60 for connecting, _ in given)


def test_the_headers_are_those_of_a_scripted_client() -> None:
    with scripted(answer()) as server, XNATClient(server.url) as client:
        client.get("/data/x")
    lines = server.heads[0].lower().split("\r\n")
    assert f"user-agent: xnatctl/{__version__}" in lines
    assert "accept: */*" in lines
    assert not [line for line in lines if line.startswith(("authorization", "cookie"))]


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/data/prearchive/S%2E1", "/data/prearchive/S%2E1"),
        ("/data/a%2Fb", "/data/a%2Fb"),
        ("/data/a b", "/data/a%20b"),
        ("/data/x?columns=xnat:a/b[c=d]/e", "/data/x?columns=xnat:a/b%5Bc=d%5D/e"),
        ("/data/%c3%bc;x", "/data/%C3%BC;x"),
    ],
)
def test_an_encoded_path_goes_out_as_it_is(path: str, target: str) -> None:
    with scripted(answer()) as server, XNATClient(server.url) as client:
        client.get(path)
    assert server.requests == [f"GET {target}"]


def test_parameters_are_added_to_the_path(server: HTTPServer) -> None:
    with scripted(answer()) as server_, XNATClient(server_.url + "/xnat") as client:
        client.get("/data/x?a=1", params={"xnat:y/z[n=m]": "1/2&", "n": None})
    assert server_.requests == ["GET /xnat/data/x?a=1&xnat:y/z%5Bn%3Dm%5D=1/2%26"]


def test_a_url_of_the_server_is_as_good_as_a_path() -> None:
    with scripted(answer()) as server, XNATClient(server.url + "/xnat") as client:
        client.get(server.url + "/xnat/data/x?a=1")
        with pytest.raises(AuthenticationError, match="another server"):
            client.get("https://evil.example.org/data/x")
    assert server.requests == ["GET /xnat/data/x?a=1"]


@pytest.mark.parametrize("path", ["/data/projects/P/subjects//experiments", "/data/../x"])
def test_a_path_that_would_reach_something_else_is_not_sent(path: str) -> None:
    with (
        scripted(answer()) as server,
        XNATClient(server.url) as client,
        pytest.raises(ValidationError),
    ):
        client.get(path)
    assert server.requests == []


def test_a_delete_never_ends_in_an_empty_part() -> None:
    with (
        scripted(answer()) as server,
        XNATClient(server.url) as client,
        pytest.raises(ValidationError, match="last part is empty"),
    ):
        client.delete("/data/experiments/E1/scans/")
    assert server.requests == []


def test_a_netrc_file_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hostile = tmp_path / "netrc"
    hostile.write_text("default login mallory password secret\n")
    monkeypatch.setenv("NETRC", str(hostile))
    with scripted(answer()) as server, XNATClient(server.url, session_token="TOK") as client:
        client.get("/data/x")
    assert "authorization" not in server.heads[0].lower()
    assert "Cookie: JSESSIONID=TOK" in server.heads[0]


def test_requests_of_a_client_share_a_connection() -> None:
    with scripted(answer(b"1")) as server, XNATClient(server.url) as client:
        for _ in range(3):
            client.get("/data/x")
        with client.stream("/data/x") as stream:
            assert b"".join(stream) == b"1"
        client.get("/data/x")
    assert server.connections == 1


def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with scripted(answer(b"by proxy")) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        with XNATClient("http://xnat.example.org") as client:
            assert client.get("/data/x").text == "by proxy"
    assert proxy.requests == ["GET http://xnat.example.org/data/x"]


def test_no_proxy_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    with scripted(answer()) as proxy, scripted(answer(b"direct")) as server:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        with XNATClient(server.url) as client:
            assert client.get("/data/x").text == "direct"


def test_a_proxy_that_cannot_be_reached_is_named_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with (
        XNATClient("http://xnat.example.org", max_retries=0) as client,
        pytest.raises(ServerUnreachableError, match="proxy"),
    ):
        client.get("/data/x")


def test_the_request_object_is_not_needed(server: HTTPServer) -> None:
    def handler(request: Request) -> Response:
        return Response(request.method)

    server.expect_request("/data/x").respond_with_handler(handler)
    with client_of(server) as client:
        assert client.request("patch", "/data/x").text == "PATCH"


def test_requests_are_told_when_debugging_without_their_secrets(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG", "xnatctl.http")
    with scripted(answer()) as server, XNATClient(server.url, session_token="TOK") as client:
        client.get("/data/x", params={"a": 1, "password": "geheim"})
    messages = [record.getMessage() for record in caplog.records if record.name == "xnatctl.http"]
    (message,) = [message for message in messages if "/data/x" in message]
    assert message.startswith(f"GET {server.url}/data/x?a=1&password=***: 200, ")


def test_attempts_without_an_answer_are_told_when_debugging(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG", "xnatctl.http")
    with (
        XNATClient("http://127.0.0.1:9", max_retries=0) as client,
        pytest.raises(ServerUnreachableError),
    ):
        client.get("/data/x")
    assert "connection refused" in caplog.text
