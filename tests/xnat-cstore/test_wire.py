"""What the other side does wrong in the middle of an association, one byte after the other."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from xnat_core.errors import DicomStoreError
from xnat_cstore.association import Association
from xnat_cstore.dimse import ABORT_PDU, COMMAND, RELEASE_REQUEST_PDU, frame
from xnat_cstore.receiver import Lost, Receiver, Silent
from xnat_cstore.wire import Wire

ACCEPTED = b"\x02\x00\x00\x00\x00\x00"
"""A PDU that answers a request for an association, with nothing in it."""


@pytest.fixture
def ends() -> Iterator[tuple[Wire, socket.socket]]:
    """A wire, and what is connected to it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        wire = Wire(Receiver("127.0.0.1", listener.getsockname()[1], "XNAT"), 30)
        other, _ = listener.accept()
        with other:
            other.settimeout(30)
            yield wire, other
        wire.close()


def heard(other: socket.socket) -> bytes:
    """All that came until the connection was closed."""
    return b"".join(iter(lambda: other.recv(4096), b""))


def test_a_receiver_that_wants_to_end_has_ended_the_association(
    ends: tuple[Wire, socket.socket],
) -> None:
    wire, other = ends
    other.sendall(RELEASE_REQUEST_PDU)
    with pytest.raises(Lost, match="it ended the association"):
        wire.pdu()


def test_a_receiver_that_takes_no_more_data_is_silent(ends: tuple[Wire, socket.socket]) -> None:
    wire, _ = ends
    wire.timeout = 0.2
    wire._socket.settimeout(0.2)
    with pytest.raises(Silent, match=r"it took no more data for 0\.2 seconds"):
        wire.send(bytes(1 << 26))


def test_a_greeting_of_another_protocol_is_told(ends: tuple[Wire, socket.socket]) -> None:
    wire, other = ends
    other.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")
    with pytest.raises(DicomStoreError, match="what answers does not speak DICOM"):
        wire.negotiate(b"hello")


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (ACCEPTED, "a PDU of type 0x02"),
        ((frame(1, COMMAND, 8192, last=False) + bytes(8192)) * 9, "an answer without an end"),
    ],
)
def test_what_breaks_the_protocol_is_aborted(
    ends: tuple[Wire, socket.socket], said: bytes, why: str
) -> None:
    wire, other = ends
    association = Association.__new__(Association)
    association.receiver, association._wire = wire.receiver, wire
    other.sendall(said)
    with pytest.raises(Lost, match=f"it broke the protocol: {why}"):
        association._answer(1)
    assert heard(other) == ABORT_PDU
