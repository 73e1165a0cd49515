"""What an answer that is no success means, by its status and its body."""

from __future__ import annotations

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from support.clients import PAGE, answers, client_of, error_of
from xnat_core.errors import (
    AuthenticationError,
    ClientRequestError,
    PermissionDeniedError,
    ResourceExistsError,
    ResourceNotFoundError,
    ServerError,
    XNATCtlError,
)

pytestmark = pytest.mark.usefixtures("impatient")


def test_a_missing_object_is_named(server: HTTPServer) -> None:
    error = error_of(server, Response("", 404), about=("session", "SUB404"))
    assert isinstance(error, ResourceNotFoundError)
    assert error.message == "session 'SUB404' not found"
    assert error.details == {"status_code": 404, "method": "GET", "path": "/data/x"}


def test_the_words_of_a_status_page_are_told(server: HTTPServer) -> None:
    page = PAGE.format("No matched files &amp; folders")
    error = error_of(server, Response(page, 404, mimetype="text/html"))
    assert error.details["reason"] == "No matched files & folders"


@pytest.mark.parametrize(
    ("method", "verb"), [("GET", "read"), ("PUT", "change"), ("DELETE", "delete")]
)
def test_a_refusal_says_what_was_refused(server: HTTPServer, method: str, verb: str) -> None:
    error = error_of(server, Response("", 403), method, about=("project", "P1"))
    assert isinstance(error, PermissionDeniedError)
    assert error.message == f"no permission to {verb} project P1"
    assert error.exit_status == 6


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("<p><b>Message</b> Too &amp; fro</p>", ": Too & fro"),
        ("", ""),
    ],
)
def test_the_words_of_the_servlet_container_are_told_and_not_its_name(
    server: HTTPServer, words: str, reason: str
) -> None:
    page = (
        "<!doctype html><html><head><title>HTTP Status 403 &ndash; Forbidden</title></head><body>"
        "<h1>HTTP Status 403 &ndash; Forbidden</h1><p><b>Type</b> Status Report</p>"
        f"{words}<h3>Apache Tomcat/9.0.85</h3></body></html>"
    )
    error = error_of(server, Response(page, 403, mimetype="text/html"), about=("project", "P1"))
    assert error.message == f"no permission to read project P1{reason}"


def test_a_request_as_nobody_may_need_a_login(server: HTTPServer) -> None:
    assert isinstance(error_of(server, Response("", 401), anonymous=True), AuthenticationError)


def test_text_of_xapi_is_the_message(server: HTTPServer) -> None:
    error = error_of(server, Response("Nope,\nnot allowed", 400, mimetype="text/plain"))
    assert isinstance(error, ClientRequestError)
    assert error.message == "GET /data/x: 400 Nope, not allowed"


@pytest.mark.parametrize(("status", "kind"), [(400, ClientRequestError), (500, ServerError)])
def test_a_name_with_a_status_in_it_is_not_the_status(
    server: HTTPServer, status: int, kind: type[XNATCtlError]
) -> None:
    said = Response("subject SUB404 (403) is busy, 401 others wait", status, mimetype="text/plain")
    assert type(error_of(server, said, about=("subject", "SUB404"))) is kind


def test_json_of_xapi_is_the_message(server: HTTPServer) -> None:
    error = error_of(server, Response('{"message": "Bad \\u001b[31mid"}', 400))
    assert error.message == "GET /data/x: 400 Bad [31mid"


@pytest.mark.parametrize("charset", ["bogus", "hex", "undefined", "idna"])
def test_a_charset_that_nobody_knows_hides_no_message(server: HTTPServer, charset: str) -> None:
    said = Response("Nope, ä", 400, content_type=f"text/plain; charset={charset}")
    assert error_of(server, said).message == "GET /data/x: 400 Nope, ä"


def test_an_error_without_words_tells_its_status(server: HTTPServer) -> None:
    assert error_of(server, Response("", 417)).message.startswith("GET /data/x: 417 ")


def test_a_conflict_over_something_that_exists(server: HTTPServer) -> None:
    page = Response(PAGE.format("Specified label is already in use."), 409, mimetype="text/html")
    error = error_of(server, page, "PUT", about=("session", "E1"))
    assert isinstance(error, ResourceExistsError)


def test_any_other_conflict(server: HTTPServer) -> None:
    error = error_of(server, Response("session document locked", 409), "PUT", about=("s", "E1"))
    assert isinstance(error, ClientRequestError)
    assert error.details["status_code"] == 409


def test_a_status_can_be_accepted(server: HTTPServer) -> None:
    answers(server, "/data/x", Response("exists", 409))
    with client_of(server) as client:
        assert client.put("/data/x", accept={409}).text == "exists"


def test_a_failing_server_is_no_network_failure(server: HTTPServer) -> None:
    error = error_of(server, Response(PAGE.format("Null"), 500, mimetype="text/html"))
    assert isinstance(error, ServerError)
    assert error.message == "GET /data/x: 500 Null"
    assert error.exit_status == 1


def test_secrets_of_the_query_are_not_in_errors(server: HTTPServer) -> None:
    answers(server, "/data/x", Response("bad ?password=geheim", 400))
    with client_of(server) as client, pytest.raises(ClientRequestError) as caught:
        client.get("/data/x", params={"password": "geheim"})
    assert "geheim" not in f"{caught.value} {caught.value.details}"


def test_a_long_error_page_is_cut(server: HTTPServer) -> None:
    assert len(error_of(server, Response("x" * 100_000, 400)).message) < 400
