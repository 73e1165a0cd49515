"""Networks and servers that fail are errors of this project."""

from __future__ import annotations

import time

import pytest

from support.scripted import answer, head, scripted, then_close
from xnat_core.client import XNATClient
from xnat_core.errors import (
    ConnectionError,
    NetworkError,
    ServerUnreachableError,
    TimeoutError,
    XNATCtlError,
)

pytestmark = pytest.mark.usefixtures("impatient")


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
