"""Bodies that go: exactly, afresh for each attempt, and in constant memory."""

from __future__ import annotations

import hashlib
import io
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.blocks import DATA, MIB, Made
from support.scripted import answer, head, reset, scripted
from xnat_core.bodies import BytesBody, FileBody
from xnat_core.client import XNATClient
from xnat_core.errors import UploadError, XNATCtlError
from xnat_core.files import Block
from xnat_core.http.connections import SEND_SECONDS

pytestmark = pytest.mark.usefixtures("impatient")


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
