"""Bodies that come: as they are, to their end, and in constant memory."""

from __future__ import annotations

import gzip
import threading
import time
import tracemalloc

import pytest

from support.blocks import DATA, MIB
from support.scripted import Connection, answer, head, reset, scripted, then_close
from xnat_core.client import XNATClient
from xnat_core.errors import AuthenticationError, ClientRequestError, NetworkError, TimeoutError

pytestmark = pytest.mark.usefixtures("impatient")


def chunked(data: bytes, size: int = 8192, *, end: bool = True) -> bytes:
    pieces = (data[start : start + size] for start in range(0, len(data), size))
    body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return head(200, Transfer_Encoding="chunked") + body + (b"0\r\n\r\n" if end else b"")


@pytest.mark.parametrize("wire", [answer(DATA), chunked(DATA)])
def test_a_body_comes_in_blocks_of_a_mebibyte(wire: bytes) -> None:
    with (
        scripted(wire) as server,
        XNATClient(server.url) as client,
        client.stream("/data/x") as stream,
    ):
        blocks = list(stream)
    assert b"".join(blocks) == DATA
    assert [len(block) for block in blocks] == [MIB, MIB, len(DATA) - 2 * MIB]


def test_a_stream_tells_what_the_server_told() -> None:
    with (
        scripted(answer(b"x", Content_Type="application/zip")) as server,
        XNATClient(server.url) as client,
        client.stream("/data/x") as stream,
    ):
        assert stream.status_code == 200
        assert stream.length == 1
        assert stream.headers["content-type"] == "application/zip"


def test_a_stream_asks_for_bytes_as_they_are() -> None:
    with (
        scripted(answer(b"x")) as server,
        XNATClient(server.url) as client,
        client.stream("/data/x", {"format": "zip"}, {"Range": "bytes=5-"}) as stream,
    ):
        list(stream)
    assert server.requests == ["GET /data/x?format=zip"]
    assert "Accept-Encoding: identity" in server.heads[0]
    assert "Range: bytes=5-" in server.heads[0]


def test_what_is_compressed_all_the_same_is_left_as_it_is() -> None:
    packed = gzip.compress(DATA)
    with (
        scripted(answer(packed, Content_Encoding="gzip")) as server,
        XNATClient(server.url) as client,
        client.stream("/data/x") as stream,
    ):
        assert stream.compression == "gzip"
        assert b"".join(stream) == packed


@pytest.mark.parametrize("kept", [0, 1, len(DATA) // 2, len(DATA) - 1])
def test_a_body_that_ends_before_its_length_is_cut_short(kept: int) -> None:
    with (
        scripted(then_close(head(200, len(DATA)) + DATA[:kept])) as server,
        XNATClient(server.url) as client,
        client.stream("/data/x") as stream,
        pytest.raises(NetworkError, match="cut short"),
    ):
        list(stream)


@pytest.mark.parametrize("cut", [5, 7, 5000])
def test_a_chunked_body_that_ends_before_its_last_chunk_is_cut_short(cut: int) -> None:
    with (
        scripted(then_close(chunked(DATA)[:-cut])) as server,
        XNATClient(server.url) as client,
        client.stream("/data/x") as stream,
        pytest.raises(NetworkError, match=r"cut short|connection lost"),
    ):
        list(stream)


def test_a_body_that_only_ends_with_the_connection_is_read_to_there() -> None:
    with (
        scripted(then_close(head(200) + DATA)) as server,
        XNATClient(server.url) as client,
        client.stream("/data/x") as stream,
    ):
        assert stream.length is None
        assert b"".join(stream) == DATA


def test_a_reset_in_the_middle_is_an_error_of_this_project() -> None:
    def step(connection: Connection) -> None:
        connection.socket.sendall(head(200, len(DATA)) + DATA[:MIB])
        time.sleep(0.1)
        connection.reset()

    with (
        scripted(step) as server,
        XNATClient(server.url) as client,
        client.stream("/data/x") as stream,
        pytest.raises(NetworkError),
    ):
        list(stream)


def stalling(connection: Connection) -> None:
    connection.socket.sendall(head(200, 100) + b"some")
    connection.socket.recv(1)


def test_a_body_that_stalls_is_a_timeout() -> None:
    with scripted(stalling) as server, XNATClient(server.url) as client:
        begin = time.monotonic()
        with (
            client.stream("/data/x", idle=0.2) as stream,
            pytest.raises(TimeoutError, match=r"0\.2 seconds"),
        ):
            list(stream)
    assert time.monotonic() - begin < 5


def test_a_slow_body_that_keeps_coming_is_no_timeout() -> None:
    def step(connection: Connection) -> None:
        connection.socket.sendall(head(200, 8))
        for _ in range(8):
            time.sleep(0.05)
            connection.socket.sendall(b"x")

    with (
        scripted(step) as server,
        XNATClient(server.url) as client,
        client.stream("/data/x", idle=0.25) as stream,
    ):
        assert b"".join(stream) == b"x" * 8


def test_a_server_that_works_long_and_then_stalls_is_noticed_early() -> None:
    def step(connection: Connection) -> None:
        time.sleep(0.4)
        stalling(connection)

    with scripted(step) as server, XNATClient(server.url, max_retries=0) as client:
        begin = time.monotonic()
        with pytest.raises(TimeoutError, match=r"0\.1 seconds"):
            client.post("/data/x", timeout=30, idle=0.1)
    assert time.monotonic() - begin < 5


def test_the_beginning_of_a_stream_is_retried() -> None:
    with (
        scripted(reset, head(503, 0), answer(b"done")) as server,
        XNATClient(server.url) as client,
        client.stream("/data/x") as stream,
    ):
        assert b"".join(stream) == b"done"


def test_errors_of_a_stream_are_errors() -> None:
    with (
        scripted(answer(b"no", 400)) as server,
        XNATClient(server.url) as client,
        pytest.raises(ClientRequestError, match="400 no"),
        client.stream("/data/x"),
    ):
        pass


def test_a_stream_left_early_does_not_fetch_the_rest() -> None:
    sent = threading.Event()

    def step(connection: Connection) -> None:
        with pytest.raises(OSError):
            connection.socket.sendall(head(200, 1 << 40))
            while True:
                connection.socket.sendall(DATA)
        sent.set()

    with scripted(step, answer(b"next")) as server, XNATClient(server.url) as client:
        with client.stream("/data/x") as stream:
            next(iter(stream))
        assert sent.wait(10)
        assert client.get("/data/y").text == "next"


def test_a_sign_in_page_instead_of_a_file_is_an_ended_session() -> None:
    page = answer(b"<html>Log in</html>", Content_Type="text/html")
    with (
        scripted(page, answer(b"guest")) as server,
        XNATClient(server.url, session_token="TOK") as client,
        pytest.raises(AuthenticationError),
        client.stream("/data/x"),
    ):
        pass


def test_a_web_page_that_is_the_file_is_the_file() -> None:
    page = answer(b"<html>Report</html>", Content_Type="text/html")
    with (
        scripted(page, answer(b"alice")) as server,
        XNATClient(server.url, session_token="TOK") as client,
        client.stream("/data/experiments/E1/resources/R/files/x.html") as stream,
    ):
        assert b"".join(stream) == b"<html>Report</html>"


def test_a_download_needs_memory_for_blocks_only() -> None:
    def step(connection: Connection) -> None:
        connection.socket.sendall(head(200, 64 * MIB))
        block = bytes(MIB)
        for _ in range(64):
            connection.socket.sendall(block)

    with scripted(step) as server, XNATClient(server.url) as client:
        client.base_url  # noqa: B018 - imported before memory is counted
        with client.stream("/data/x") as stream:
            tracemalloc.start()
            try:
                assert sum(len(block) for block in stream) == 64 * MIB
                assert tracemalloc.get_traced_memory()[1] < 8 * MIB
            finally:
                tracemalloc.stop()
