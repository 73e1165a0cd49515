"""Bodies in both directions: as they come, exactly, and in constant memory."""

from __future__ import annotations

import gzip
import hashlib
import io
import socket
import threading
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.scripted import Connection, Step, answer, hang_up, head, reset, scripted, then_close
from xnat_core.bodies import BytesBody, FileBody
from xnat_core.client import XNATClient
from xnat_core.errors import (
    AuthenticationError,
    ClientRequestError,
    NetworkError,
    RetryExhaustedError,
    TimeoutError,
    UploadError,
    XNATCtlError,
)
from xnat_core.files import Block
from xnat_core.http.connections import SEND_SECONDS

MIB = 1 << 20
DATA = bytes(range(256)) * 10_000


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xnat_core.http.retries.FIRST_PAUSE", 0)


def chunked(data: bytes, size: int = 8192, *, end: bool = True) -> bytes:
    pieces = (data[start : start + size] for start in range(0, len(data), size))
    body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return head(200, Transfer_Encoding="chunked") + body + (b"0\r\n\r\n" if end else b"")


class Made:
    """A body made of blocks, of a length that it may not keep."""

    content_type = "application/zip"

    def __init__(self, *blocks: bytes, length: int | None = None) -> None:
        self.blocks = blocks
        self.length = length
        self.iterations = 0

    def __iter__(self) -> Iterator[Block]:
        self.iterations += 1
        yield from self.blocks


# --- down ---------------------------------------------------------------------------------------


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


# --- up -----------------------------------------------------------------------------------------


def test_a_body_of_known_length_travels_with_its_length() -> None:
    with scripted(answer()) as server, XNATClient(server.url) as client:
        client.put("/data/x", body=BytesBody(DATA, "application/zip"))
    assert server.bodies == [DATA]
    assert f"Content-Length: {len(DATA)}" in server.heads[0]
    assert "Content-Type: application/zip" in server.heads[0]
    assert "transfer-encoding" not in server.heads[0].lower()


def test_a_body_of_unknown_length_travels_in_chunks() -> None:
    with scripted(answer()) as server, XNATClient(server.url) as client:
        client.post("/data/x", body=Made(b"abc", b"", b"defg"))
    assert server.bodies == [b"3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n"]
    assert "content-length" not in server.heads[0].lower()


def test_an_empty_body_has_the_length_zero() -> None:
    with scripted(answer()) as server, XNATClient(server.url) as client:
        client.put("/data/x", body=BytesBody(b""))
    assert "Content-Length: 0" in server.heads[0]


def test_a_header_given_for_the_type_is_kept() -> None:
    with scripted(answer()) as server, XNATClient(server.url) as client:
        client.put("/data/x", body=BytesBody(b"x"), headers={"Content-Type": "text/xml"})
    assert "Content-Type: text/xml" in server.heads[0]


def test_a_file_travels_byte_for_byte(tmp_path: Path) -> None:
    file = tmp_path / "a.dcm"
    file.write_bytes(DATA)
    with scripted(answer()) as server, XNATClient(server.url) as client:
        client.put("/data/x", body=FileBody(file))
    assert hashlib.md5(server.bodies[0]).digest() == hashlib.md5(DATA).digest()


def test_a_body_is_made_afresh_for_each_attempt() -> None:
    body = Made(b"all of it", length=9)
    with scripted(reset, head(503, 0), answer()) as server, XNATClient(server.url) as client:
        client.put("/data/x", body=body, repeatable=True)
    assert server.bodies == [b"all of it"] * 3
    assert body.iterations == 3


def test_an_open_file_is_rewound_for_each_attempt() -> None:
    file = io.BytesIO(b"skipped, sent")
    file.seek(9)
    with scripted(head(503, 0), answer()) as server, XNATClient(server.url) as client:
        client.put("/data/x", data=file)
    assert server.bodies == [b"sent", b"sent"]


def test_what_cannot_be_sent_twice_is_sent_once() -> None:
    with (
        scripted(head(503, 0), answer()) as server,
        XNATClient(server.url) as client,
        pytest.raises(XNATCtlError),
    ):
        client.put("/data/x", data=iter([b"once"]))
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "how", [{"data": b"raw"}, {"data": "räw"}, {"data": {"a": "1"}}, {"json": {"a": 1}}]
)
def test_other_bodies_are_repeated_too(how: dict[str, object]) -> None:
    with scripted(head(503, 0), answer()) as server, XNATClient(server.url) as client:
        client.post("/data/x", **how)  # type: ignore[arg-type]
    assert len(server.bodies) == 2
    assert server.bodies[0] == server.bodies[1] != b""


def test_form_files_are_sent_as_multipart() -> None:
    with scripted(answer()) as server, XNATClient(server.url) as client:
        client.post("/data/x", files={"file": ("a.txt", b"text")})
    assert b'filename="a.txt"\r\n\r\ntext' in server.bodies[0]


@pytest.mark.parametrize(("length", "said"), [(3, "grew beyond"), (5, "ended after 4 of 5")])
def test_a_body_of_another_length_than_promised_stops(length: int, said: str) -> None:
    with (
        scripted(answer()) as server,
        XNATClient(server.url) as client,
        pytest.raises(UploadError, match=said),
    ):
        client.put("/data/x", body=Made(b"ab", b"cd", length=length), repeatable=True)
    assert len(server.requests) <= 1


def test_a_file_that_grew_is_told_by_name(tmp_path: Path) -> None:
    file = tmp_path / "a.dcm"
    file.write_bytes(b"12345")
    body = FileBody(file)
    file.write_bytes(b"123456789")
    with (
        scripted(answer()) as server,
        XNATClient(server.url) as client,
        pytest.raises(UploadError, match=r"a\.dcm"),
    ):
        client.put("/data/x", body=body)


def test_an_error_of_the_local_disk_is_no_error_of_the_network() -> None:
    class Broken(Made):
        def __iter__(self) -> Iterator[Block]:
            yield b"ab"
            raise OSError(5, "Input/output error", "/mnt/x")

    with (
        scripted(answer()) as server,
        XNATClient(server.url) as client,
        pytest.raises(XNATCtlError, match="/mnt/x: Input/output error"),
    ):
        client.put("/data/x", body=Broken(length=4), repeatable=True)
    assert len(server.requests) <= 1


def test_blocks_go_to_the_socket_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    from urllib3.connection import HTTPConnection

    sizes: list[int] = []
    real = HTTPConnection.send

    def send(self: HTTPConnection, data: bytes) -> None:
        sizes.append(len(data))
        real(self, data)

    monkeypatch.setattr(HTTPConnection, "send", send)
    with scripted(answer()) as server, XNATClient(server.url) as client:
        client.put("/data/x", body=BytesBody(bytes(3 * MIB)))
        client.put("/data/x", data=io.BytesIO(bytes(2 * MIB)))
    assert [size for size in sizes if size >= MIB] == [MIB] * 5


def test_blocks_leave_without_delay_and_with_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    from urllib3.connection import HTTPConnection

    seen: list[tuple[int, float | None]] = []
    real = HTTPConnection.send

    def send(self: HTTPConnection, data: bytes) -> None:
        if self.sock is not None:
            nodelay = self.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            seen.append((bool(nodelay), self.sock.gettimeout()))
        real(self, data)

    monkeypatch.setattr(HTTPConnection, "send", send)
    with scripted(answer()) as server, XNATClient(server.url) as client:
        client.put("/data/x", body=BytesBody(b"body"))
    assert seen[-1] == (True, SEND_SECONDS)


# --- answers that come early --------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 413])
def test_a_refusal_is_found_while_the_body_is_still_being_sent(status: int) -> None:
    def refuse(connection: Connection) -> None:
        connection.socket.sendall(answer(b"too much", status, Content_Type="text/plain"))
        # Like the servlet container, it reads a little on before it gives up.
        connection.socket.settimeout(0.5)
        time.sleep(0.3)

    body = Made(*[bytes(MIB)] * 400, length=400 * MIB)
    with (
        scripted(refuse, read_bodies=False) as server,
        XNATClient(server.url, max_retries=0) as client,
        pytest.raises(ClientRequestError, match=f"{status} too much"),
    ):
        client.post("/data/x", body=body)


def test_a_connection_with_half_a_body_is_not_used_again() -> None:
    def refuse(connection: Connection) -> None:
        connection.socket.sendall(answer(b"no", 400))
        time.sleep(0.5)

    body = Made(*[bytes(MIB)] * 400, length=400 * MIB)
    with (
        scripted(refuse, answer(b"next"), read_bodies=False) as server,
        XNATClient(server.url) as client,
    ):
        with pytest.raises(ClientRequestError):
            client.post("/data/x", body=body)
        assert client.get("/data/y").text == "next"
    assert server.connections == 2


def test_a_busy_server_that_answers_early_gets_the_whole_body_later() -> None:
    def busy(connection: Connection) -> None:
        connection.socket.sendall(head(503, 0))
        time.sleep(0.3)

    def take(connection: Connection) -> None:
        server.bodies.append(connection.read_body())
        connection.socket.sendall(answer(b"taken"))

    body = Made(*[bytes(MIB)] * 40, length=40 * MIB)
    with scripted(busy, take, read_bodies=False) as server, XNATClient(server.url) as client:
        assert client.post("/data/x", body=body).text == "taken"
    assert len(server.bodies[0]) == 40 * MIB


def test_a_server_that_hangs_up_on_a_body_is_a_broken_network() -> None:
    body = Made(*[bytes(MIB)] * 100, length=100 * MIB)
    with (
        scripted(hang_up, read_bodies=False) as server,
        XNATClient(server.url) as client,
        pytest.raises(NetworkError) as caught,
    ):
        client.post("/data/x", body=body)
    assert not isinstance(caught.value, RetryExhaustedError)
    assert len(server.requests) == 1


def test_an_ended_session_is_noticed_early_and_the_body_sent_again() -> None:
    def turn_away(connection: Connection) -> None:
        connection.socket.sendall(head(401, 0))
        time.sleep(0.3)

    def take(connection: Connection) -> None:
        server.bodies.append(connection.read_body())
        connection.socket.sendall(answer(b"taken"))

    script: list[Step] = [turn_away, head(401, 0), answer(b"NEW-TOKEN"), answer(b"alice"), take]
    body = Made(*[bytes(MIB)] * 40, length=40 * MIB)
    with (
        scripted(*script, read_bodies=False) as server,
        XNATClient(server.url, "alice", "pw", session_token="OLD", auto_reauth=True) as client,
    ):
        assert client.post("/data/x", body=body).text == "taken"
    assert len(server.bodies[0]) == 40 * MIB
