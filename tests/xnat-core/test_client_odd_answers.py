"""Answers that proxies and tired servers give, and that no textbook server would."""

from __future__ import annotations

import pytest

from support.scripted import Connection, answer, head, scripted, then_close
from xnat_core.bodies import BytesBody
from xnat_core.client import XNATClient
from xnat_core.errors import NetworkError, TimeoutError, XNATCtlError

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


def test_hints_without_an_end_are_a_timeout() -> None:
    with (
        scripted(HINT * 100_000) as server,
        XNATClient(server.url, max_retries=0) as client,
        pytest.raises(TimeoutError),
    ):
        client.get("/data/x", timeout=0.01)


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
