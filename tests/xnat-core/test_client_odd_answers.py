"""Answers that proxies and tired servers give, and that no textbook server would."""

from __future__ import annotations

import socket
import ssl
import threading

import pytest
import trustme

from support.scripted import Connection, Step, answer, hang_up, head, reset, scripted, then_close
from xnat_core.bodies import BytesBody
from xnat_core.client import XNATClient
from xnat_core.errors import NetworkError, ServerUnreachableError, TimeoutError, XNATCtlError

HINT = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("number", [100, 102, 103])
@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
def test_what_comes_before_an_answer_is_none(method: str, number: int) -> None:
    before = head(number, Link="</style.css>")
    with (
        scripted(2 * before + answer(b"first"), answer(b"second")) as server,
        XNATClient(server.url) as client,
    ):
        assert client.request(method, "/data/x").text == "first"
        assert client.request(method, "/data/x").text == "second"
    assert server.connections == 1


def test_a_refusal_behind_a_hint_is_a_refusal() -> None:
    with (
        scripted(HINT + answer(b"no", 409)) as server,
        XNATClient(server.url) as client,
        pytest.raises(XNATCtlError, match="409 no"),
    ):
        client.put("/data/x", data=b"x")


def test_a_hint_does_not_stop_a_body_that_is_on_its_way() -> None:
    def hint(connection: Connection) -> None:
        connection.socket.sendall(HINT)
        received = connection.read_body()
        connection.socket.sendall(answer(b"%d" % len(received)))

    size = 40 << 20
    with scripted(hint, read_bodies=False) as server, XNATClient(server.url) as client:
        body = BytesBody(bytes(size))
        assert client.put("/data/x", body=body, timeout=20).text == str(size)


@pytest.mark.parametrize("there", [4, 12, 30, len(HINT) - 1, len(HINT) + 4])
def test_half_a_hint_does_not_stop_a_body_either(there: int) -> None:
    def hint(connection: Connection) -> None:
        connection.socket.settimeout(5)
        connection.socket.sendall((2 * HINT)[:there])
        while len(connection.rest) < size // 2:
            if not (block := connection.socket.recv(1 << 20)):
                return
            connection.rest += block
        connection.socket.sendall((2 * HINT)[there:])
        received = connection.read_body()
        connection.socket.sendall(answer(b"%d" % len(received)))

    size = 40 << 20
    with scripted(hint, read_bodies=False) as server, XNATClient(server.url) as client:
        body = BytesBody(bytes(size))
        assert client.put("/data/x", body=body, timeout=20).text == str(size)


def test_hints_without_an_end_are_a_timeout() -> None:
    with (
        scripted(HINT * 100_000) as server,
        XNATClient(server.url, max_retries=0) as client,
        pytest.raises(TimeoutError),
    ):
        client.get("/data/x", timeout=0.01)


@pytest.mark.parametrize("lost", [reset, hang_up])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_a_change_whose_answer_was_lost_behind_a_proxy_is_not_made_again(
    method: str, lost: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scripted(lost, answer(b"twice")) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        with XNATClient("http://xnat.example.org") as client, pytest.raises(NetworkError) as caught:
            client.request(method, "/data/x", data=b"body")
    assert type(caught.value) is NetworkError
    assert len(proxy.requests) == 1


def test_a_change_whose_answer_was_lost_in_a_tunnel_is_not_made_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("xnat.example.org").configure_cert(context)

    def tunnel(connection: Connection) -> None:
        connection.socket.sendall(head(200))
        inner = Connection(context.wrap_socket(connection.socket, server_side=True))
        inner.read_head()
        server.heads.append(inner.head.decode())
        inner.read_body()
        inner.socket.close()

    with scripted(tunnel) as server:
        monkeypatch.setenv("https_proxy", server.url)
        with (
            XNATClient("https://xnat.example.org", verify_ssl=False) as client,
            pytest.raises(NetworkError) as caught,
        ):
            client.post("/data/x", data=b"body")
    assert type(caught.value) is NetworkError
    assert server.requests == ["CONNECT xnat.example.org:443", "POST /data/x"]


@pytest.mark.parametrize(
    "rest", ["/more@proxy:80", "#more@proxy:80", "[more@proxy", "@more@proxy:99999", "?more@proxy"]
)
def test_a_misspelled_proxy_does_not_show_its_password(
    rest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://keeper:geheim{rest}")
    with (
        XNATClient("http://xnat.example.org", max_retries=0) as client,
        pytest.raises(XNATCtlError) as caught,
    ):
        client.get("/data/x")
    assert "geheim" not in str(caught.value)
    assert "more" not in str(caught.value)


def test_a_proxy_that_is_not_there_is_told_without_the_number_of_the_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with (
        XNATClient("http://xnat.example.org", max_retries=0) as client,
        pytest.raises(ServerUnreachableError, match=r": proxy: Connection refused$"),
    ):
        client.get("/data/x")


def test_a_proxy_that_cannot_be_reached_any_more_is_tried_again_for_every_method(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("xnat_core.http.retries._sleep", pauses.append)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve_once() -> None:
        accepted, _ = listener.accept()
        listener.close()
        with accepted:
            Connection(accepted).read_head()
            accepted.sendall(answer(b"once"))

    thread = threading.Thread(target=serve_once)
    thread.start()
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{listener.getsockname()[1]}")
    with XNATClient("http://xnat.example.org", max_retries=2) as client:
        assert client.post("/data/x").text == "once"
        thread.join()
        with pytest.raises(ServerUnreachableError, match="proxy"):
            client.post("/data/x")
    assert len(pauses) == 2


@pytest.mark.parametrize("status", [101, 300, 304, 305])
@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
def test_only_a_success_is_one(method: str, status: int) -> None:
    with (
        scripted(then_close(answer(b"", status))) as server,
        XNATClient(server.url, max_retries=0) as client,
        pytest.raises(NetworkError, match=str(status)),
    ):
        client.request(method, "/data/x")


def test_an_unchanged_file_may_be_asked_for() -> None:
    with scripted(head(304)) as server, XNATClient(server.url) as client:
        assert client.get("/data/x", accept={304}).status_code == 304


def test_a_part_is_not_taken_for_the_whole() -> None:
    part = answer(b"hal", 206, Content_Range="bytes 0-2/4")
    with scripted(part) as server, XNATClient(server.url, max_retries=0) as client:
        with pytest.raises(NetworkError, match="only a part"):
            client.get("/data/x")
        with pytest.raises(NetworkError, match="only a part"), client.stream("/data/x"):
            pass
        asked = {"Range": "bytes=0-2"}
        assert client.get("/data/x", headers=asked).content == b"hal"


@pytest.mark.parametrize(
    "nonsense",
    [
        CHUNKS + b"-5\r\nabcde\r\n0\r\n\r\n",
        CHUNKS + b"-1\r\nabcde\r\n0\r\n\r\n",
        CHUNKS + b"fffffffffffffffffff\r\nabcde\r\n0\r\n\r\n",
        CHUNKS + b"4\r\nabcde\r\n0\r\n\r\n",
        CHUNKS + b"5\r\nabcde\r\n",
        b"\r\nHTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n",
        b"HTTP/1.1 204 No Content\r\n",
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_nonsense_is_an_error_with_words(nonsense: bytes, stream: bool) -> None:
    with (
        scripted(then_close(nonsense)) as server,
        XNATClient(server.url, max_retries=0) as client,
        pytest.raises(NetworkError, match=r"connection lost: \S|cut short"),
    ):
        if stream:
            with client.stream("/data/x") as body:
                list(body)
        else:
            client.get("/data/x")


def test_a_length_of_thousands_of_digits_is_none() -> None:
    odd = then_close(b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\nall")
    with (
        scripted(odd) as server,
        XNATClient(server.url) as client,
        client.stream("/data/x") as body,
    ):
        assert body.length is None
        assert list(body) == [b"all"]


def test_a_row_that_nests_without_an_end_is_no_row() -> None:
    deep = b'{"ResultSet":{"Result":[{"ID":' + b"[" * 900 + b"]" * 900 + b"}]}}"
    with scripted(answer(deep)) as server, XNATClient(server.url, max_retries=0) as client:
        with pytest.raises(XNATCtlError, match="instead of a list"):
            client.rows("/data/projects")
        with pytest.raises(XNATCtlError, match="instead of a list"):
            list(client.iter_rows("/data/projects"))
