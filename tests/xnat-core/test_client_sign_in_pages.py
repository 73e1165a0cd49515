"""A page that asks to log in is no answer, whatever its status."""

from __future__ import annotations

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from support.clients import LOGIN_PAGE, answers, client_of
from xnat_core.errors import AuthenticationError

pytestmark = pytest.mark.usefixtures("impatient")


def test_a_sign_in_page_under_200_is_no_success(server: HTTPServer) -> None:
    answers(server, "/data/x", Response(LOGIN_PAGE, mimetype="text/html"))
    answers(server, "/xapi/users/username", Response("", 401))
    with client_of(server, session_token="TOK") as client, pytest.raises(AuthenticationError):
        client.get("/data/x")


def test_a_redirect_to_the_sign_in_page_is_an_ended_session(server: HTTPServer) -> None:
    there = Response("", 302, {"Location": "/app/template/Login.vm"})
    answers(server, "/data/x", there, Response("done"))
    answers(server, "/data/JSESSION", Response("NEW-TOKEN"))
    answers(server, "/xapi/users/username", Response("", 401), Response("alice"))
    with client_of(
        server, username="alice", password="pw", session_token="OLD", auto_reauth=True
    ) as client:
        assert client.put("/data/x", data=b"1").text == "done"


def test_a_file_that_looks_like_a_sign_in_page_is_a_file(server: HTTPServer) -> None:
    path = "/data/experiments/E1/resources/R/files/x.html"
    answers(server, path, Response(LOGIN_PAGE, mimetype="text/html"))
    answers(server, "/xapi/users/username", Response("alice"))
    with client_of(server, session_token="TOK") as client:
        assert client.get(path).text == LOGIN_PAGE


def test_a_sign_in_page_in_spite_of_a_valid_session_is_asked_past_once(server: HTTPServer) -> None:
    page = Response(LOGIN_PAGE, mimetype="text/html")
    left = [page]
    server.expect_request("/data/once").respond_with_handler(
        lambda _: left.pop() if left else Response("data")
    )
    answers(server, "/data/always", page)
    answers(server, "/xapi/users/username", Response("alice"))
    with client_of(server, session_token="TOK") as client:
        assert client.get("/data/once").text == "data"
        with pytest.raises(AuthenticationError, match="although the session is valid"):
            client.get("/data/always")


def test_a_page_where_json_is_due_is_no_data(server: HTTPServer) -> None:
    answers(server, "/data/x", Response("<html>Hello</html>", mimetype="text/html"))
    answers(server, "/xapi/users/username", Response("alice"))
    with (
        client_of(server, session_token="TOK") as client,
        pytest.raises(AuthenticationError, match="web page instead of data"),
    ):
        client.rows("/data/x")
