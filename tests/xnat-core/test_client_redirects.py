"""Cookies stay with the server; redirects are followed where they are harmless."""

from __future__ import annotations

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from support.clients import answers, client_of, error_of
from support.scripted import answer, head, scripted
from xnat_core.client import XNATClient
from xnat_core.errors import AuthenticationError, NetworkError

pytestmark = pytest.mark.usefixtures("impatient")


def test_the_cookie_of_a_load_balancer_is_kept_and_the_session_stays_ours() -> None:
    cookies = head(200, 0, Set_Cookie="ROUTE=n1; Path=/").replace(
        b"\r\n\r\n", b"\r\nSet-Cookie: JSESSIONID=THEIRS; Path=/\r\n\r\n"
    )
    alive = answer(b"alice")
    with (
        scripted(cookies, alive, answer()) as server,
        XNATClient(server.url, session_token="OURS") as client,
    ):
        client.get("/data/x")
        client.get("/data/x")
    cookie = next(line for line in server.heads[-1].split("\r\n") if line.startswith("Cookie"))
    assert cookie == "Cookie: ROUTE=n1; JSESSIONID=OURS"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_host_gets_neither_cookie_nor_password(status: int) -> None:
    with scripted(answer(b"stolen")) as thief:
        there = thief.url.replace("127.0.0.1", "localhost")
        with (
            scripted(head(status, 0, Location=there + "/data/x?t=geheim")) as server,
            XNATClient(server.url, "alice", "pw", session_token="TOK") as client,
            pytest.raises(AuthenticationError) as caught,
        ):
            client.get("/data/x")
    assert thief.heads == []
    assert there in str(caught.value)
    assert "geheim" not in str(caught.value)


def test_a_redirect_to_another_port_is_another_server() -> None:
    with (
        scripted(answer(b"stolen")) as thief,
        scripted(head(302, 0, Location=thief.url + "/data/x")) as server,
        XNATClient(server.url, session_token="TOK") as client,
        pytest.raises(AuthenticationError),
    ):
        client.get("/data/x")
    assert thief.heads == []


@pytest.mark.parametrize("place", ["http://x:port/y", "http://x:99999/y", "http://[x/y"])
def test_a_redirect_to_what_is_no_address_is_refused(place: str) -> None:
    with (
        scripted(head(302, 0, Location=place)) as server,
        XNATClient(server.url, session_token="TOK") as client,
        pytest.raises(AuthenticationError, match="not followed"),
    ):
        client.request("GET", "/data/x", anonymous=True)


def test_a_redirect_within_the_server_is_followed_by_reads(server: HTTPServer) -> None:
    answers(server, "/data/x", Response("", 302, {"Location": "/data/y?a=%2E"}))
    answers(server, "/data/y", Response("there"))
    with client_of(server) as client:
        assert client.get("/data/x").text == "there"


def test_a_redirect_to_a_page_for_people_is_no_success(server: HTTPServer) -> None:
    page = "/app/template/XDATScreen_UpdateUser.vm"
    error = error_of(server, Response("", 302, {"Location": page}))
    assert isinstance(error, AuthenticationError)
    assert page in error.message


def test_redirects_in_a_circle_end(server: HTTPServer) -> None:
    answers(server, "/data/x", Response("", 302, {"Location": "/data/x"}))
    with client_of(server) as client, pytest.raises(NetworkError, match="circle"):
        client.get("/data/x")


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
def test_a_redirect_of_a_write_is_never_a_success(server: HTTPServer, method: str) -> None:
    error = error_of(server, Response("", 302, {"Location": "/data/y"}), method)
    assert isinstance(error, AuthenticationError)
    assert f"{method} /data/x was redirected" in str(error)


@pytest.mark.parametrize("status", [307, 308])
@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
def test_a_write_follows_to_the_same_path_with_a_slash(
    server: HTTPServer, method: str, status: int
) -> None:
    answers(server, "/data/x", Response("", status, {"Location": "/data/x/?a=1"}))
    answers(server, "/data/x/", Response("done"))
    with client_of(server) as client:
        assert client.request(method, "/data/x?a=1", data=b"body").text == "done"
    (request,) = (request for request, _ in server.log if request.path == "/data/x/")
    assert (request.method, request.get_data()) == (method, b"body")


def test_a_write_follows_to_no_other_path(server: HTTPServer) -> None:
    error = error_of(server, Response("", 308, {"Location": "/data/y"}), "PUT")
    assert "PUT /data/x was redirected" in str(error)


def test_a_redirect_can_be_accepted_with_its_body(server: HTTPServer) -> None:
    answers(server, "/data/x", Response("/archive/E1", 301, {"Location": "/data/y"}))
    with client_of(server) as client:
        response = client.post("/data/x", accept={301})
    assert (response.status_code, response.text) == (301, "/archive/E1")
