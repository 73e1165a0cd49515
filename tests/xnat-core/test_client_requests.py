"""What goes out, what comes back, and what an answer means."""

from __future__ import annotations

import datetime
import ssl
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from pytest_httpserver import HTTPServer
from requests.adapters import HTTPAdapter
from werkzeug import Request, Response

from support.scripted import answer, head, scripted, then_close
from xnat_core import __version__
from xnat_core.client import XNATClient
from xnat_core.errors import (
    AuthenticationError,
    ClientRequestError,
    ConfigurationError,
    ConnectionError,
    NetworkError,
    PermissionDeniedError,
    ResourceExistsError,
    ResourceNotFoundError,
    ServerError,
    ServerUnreachableError,
    TimeoutError,
    ValidationError,
    XNATCtlError,
)

PAGE = (
    "<html>\n<head>\n   <title>Status page</title>\n</head>\n<body>\n"
    "<h3>{}</h3><p>You can get technical details <a href='x'>here</a>.<br></p></body></html>"
)
LOGIN_PAGE = "<html><form action='/login'><input type='password' name='password'></form></html>"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xnat_core.http.retries.FIRST_PAUSE", 0)


@pytest.fixture
def server(httpserver: HTTPServer) -> HTTPServer:
    return httpserver


def client_of(server: HTTPServer, **how: object) -> XNATClient:
    return XNATClient(server.url_for(""), **how)  # type: ignore[arg-type]


def answers(server: HTTPServer, path: str, *responses: Response) -> None:
    for response in responses[:-1]:
        server.expect_oneshot_request(path).respond_with_response(response)
    server.expect_request(path).respond_with_response(responses[-1])


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


def error_of(
    server: HTTPServer, response: Response, method: str = "GET", **how: object
) -> XNATCtlError:
    answers(server, "/data/x", response)
    with client_of(server, max_retries=0) as client, pytest.raises(XNATCtlError) as caught:
        client.request(method, "/data/x", **how)  # type: ignore[arg-type]
    return caught.value


# --- on the wire --------------------------------------------------------------------------------


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


# --- cookies ------------------------------------------------------------------------------------


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


# --- errors by status and body ------------------------------------------------------------------


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


# --- sign-in pages ------------------------------------------------------------------------------


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


# --- the network --------------------------------------------------------------------------------


def test_a_refused_connection() -> None:
    with (
        XNATClient("http://127.0.0.1:9", max_retries=0) as client,
        pytest.raises(ServerUnreachableError, match="connection refused"),
    ):
        client.get("/data/x")


def test_an_unknown_host() -> None:
    with (
        XNATClient("http://nowhere.invalid", max_retries=0) as client,
        pytest.raises(ServerUnreachableError, match="no such host"),
    ):
        client.get("/data/x")


def test_a_silent_server_is_a_timeout() -> None:
    with (
        scripted(lambda connection: time.sleep(2)) as server,
        XNATClient(server.url, max_retries=0) as client,
        pytest.raises(TimeoutError, match=r"no answer within 0\.1 seconds"),
    ):
        client.get("/data/x", timeout=0.1)


def test_an_answer_cut_short_is_an_error() -> None:
    with (
        scripted(then_close(head(200, 10) + b"half")) as server,
        XNATClient(server.url, max_retries=0) as client,
        pytest.raises(NetworkError, match="cut short"),
    ):
        client.get("/data/x")


@pytest.mark.parametrize(
    "nonsense",
    [
        b"HTTP/1.1 abc Bad\r\n\r\n",
        b"\x00\x01\x02\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Encoding: gzip\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3, 4\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 500 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nA: " + b"b" * 100_000 + b"\r\n\r\n",
        b"",
    ],
)
def test_nonsense_is_an_error_of_this_project(nonsense: bytes) -> None:
    with (
        scripted(then_close(nonsense)) as server,
        XNATClient(server.url, max_retries=0) as client,
        pytest.raises(ConnectionError),
    ):
        client.get("/data/x")


def test_a_header_that_cannot_be_sent_is_an_error_of_this_project() -> None:
    with (
        scripted(answer()) as server,
        XNATClient(server.url) as client,
        pytest.raises(XNATCtlError),
    ):
        client.get("/data/x", headers={"A": "b\r\nC: d"})
    assert server.heads == []


def test_a_response_that_is_streamed_breaks_with_an_error_of_this_project() -> None:
    with (
        scripted(then_close(head(200, 10) + b"half")) as server,
        XNATClient(server.url) as client,
    ):
        response = client.get("/data/x", stream=True)
        with pytest.raises(NetworkError, match="cut short"):
            list(response.iter_content(2))


# --- TLS ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def tls_server(authority: trustme.CA) -> Iterator[HTTPServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with HTTPServer("localhost", 0, ssl_context=context) as running:
        yield running


@pytest.fixture
def tls(tls_server: HTTPServer) -> HTTPServer:
    tls_server.clear()
    tls_server.expect_request("/data/x").respond_with_data("safe")
    return tls_server


@pytest.mark.parametrize("verify", [True, None, ""])
def test_a_certificate_of_an_unknown_authority_is_refused_with_the_remedy(
    tls: HTTPServer, verify: object
) -> None:
    with (
        client_of(tls, verify_ssl=verify) as client,
        pytest.raises(NetworkError, match="ca_bundle"),
    ):
        client.get("/data/x")
    assert tls.log == []


def test_a_ca_bundle_is_trusted(tls: HTTPServer, authority: trustme.CA, tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    with client_of(tls, ca_bundle=str(bundle)) as client:
        assert client.get("/data/x").text == "safe"


def test_a_certificate_of_another_host_is_refused(
    tls: HTTPServer, authority: trustme.CA, tmp_path: Path
) -> None:
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    url = f"https://127.0.0.1:{tls.port}"
    with XNATClient(url, ca_bundle=str(bundle)) as client, pytest.raises(NetworkError):
        client.get("/data/x")


def test_an_expired_certificate_is_refused_and_says_so(
    authority: trustme.CA, tmp_path: Path
) -> None:
    long_ago = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", not_after=long_ago).configure_cert(context)
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    with HTTPServer("localhost", 0, ssl_context=context) as running:
        with pytest.raises(NetworkError, match="expired"):
            client_of(running, ca_bundle=str(bundle)).get("/data/projects")
        assert running.log == []


def test_without_verification_there_is_no_noise(tls: HTTPServer) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with client_of(tls, verify_ssl=False) as client:
            assert client.get("/data/x").text == "safe"


def test_the_environment_does_not_turn_verification_on_again(
    tls: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    import certifi

    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certifi.where())
    with client_of(tls, verify_ssl=False) as client:
        assert client.get("/data/x").text == "safe"


def test_a_bundle_that_does_not_exist_is_told_before_anything_is_sent(tls: HTTPServer) -> None:
    with (
        client_of(tls, ca_bundle="/nowhere/ca.pem") as client,
        pytest.raises(ConfigurationError, match="ca_bundle: /nowhere/ca"),
    ):
        client.get("/data/x")
    assert tls.log == []


def test_a_bundle_of_the_environment_that_does_not_exist_is_told_by_its_variable(
    tls: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    told = pytest.raises(ConfigurationError, match="REQUESTS_CA_BUNDLE: /nowhere/ca")
    with client_of(tls) as client, told:
        client.get("/data/x")


def test_a_bundle_that_is_none_is_an_error_of_this_project(tls: HTTPServer, tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("nonsense")
    with (
        client_of(tls, ca_bundle=str(bundle), max_retries=0) as client,
        pytest.raises(XNATCtlError),
    ):
        client.get("/data/x")


def test_https_to_a_server_without_tls_is_an_error_of_this_project(server: HTTPServer) -> None:
    with (
        XNATClient(f"https://127.0.0.1:{server.port}", max_retries=0) as client,
        pytest.raises(ConnectionError, match="TLS"),
    ):
        client.get("/data/x")


# --- identity and version -----------------------------------------------------------------------


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


def test_whoami_asks_an_old_server_otherwise(server: HTTPServer) -> None:
    answers(server, "/xapi/users/username", Response("", 404))
    answers(server, "/data/auth", Response("User 'bob' is logged in"))
    answers(server, "/xapi/users/bob", Response("", 404))
    with client_of(server, session_token="TOK") as client:
        assert client.whoami()["username"] == "bob"


def test_whoami_of_a_guest_is_an_error(server: HTTPServer) -> None:
    answers(server, "/xapi/users/username", Response("guest"))
    with client_of(server, session_token="TOK") as client, pytest.raises(AuthenticationError):
        client.whoami()


def test_the_request_object_is_not_needed(server: HTTPServer) -> None:
    def handler(request: Request) -> Response:
        return Response(request.method)

    server.expect_request("/data/x").respond_with_handler(handler)
    with client_of(server) as client:
        assert client.request("patch", "/data/x").text == "PATCH"


# --- what is logged -----------------------------------------------------------------------------


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
