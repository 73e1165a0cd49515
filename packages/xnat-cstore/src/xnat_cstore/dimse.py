"""DIMSE messages as bytes: command sets, the PDUs that carry them, and their answers.

Command sets are always implicit little endian (PS3.7 6.3.1), whatever the data set is.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from xnat_core.redaction import one_line

P_DATA, RELEASE_REQUEST, RELEASE_ANSWER, ABORT = 0x04, 0x05, 0x06, 0x07
# PDU type, reserved, length of the PDU; length of the value, presentation context, what it holds.
FRAME = struct.Struct(">BBLLBB")
PDU_HEADER = 6
# What a PDU holds beside the data: FRAME without the header of the PDU.
VALUE_HEADER = FRAME.size - PDU_HEADER
DATA, COMMAND, LAST = 0, 1, 2
RELEASE_REQUEST_PDU = struct.pack(">BBLL", RELEASE_REQUEST, 0, 4, 0)
ABORT_PDU = struct.pack(">BBLL", ABORT, 0, 4, 0)

_C_STORE, _C_ECHO = 0x0001, 0x0030
_ANSWER = 0x8000
_MEDIUM = 0
_NO_DATA_SET, _DATA_SET = 0x0101, 0x0001
_VERIFICATION = "1.2.840.10008.1.1"


class Unintelligible(ValueError):
    """What came is no answer to a message."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the receiver says to a message; `comment` is its own words, often empty."""

    status: int
    comment: str = ""


def store_request(message_id: int, sop_class: str, uid: str) -> bytes:
    """The command set of a C-STORE request (PS3.7 9.3.1.1)."""
    return _command_set(
        (0x0002, _uid(sop_class)),
        (0x0100, _short(_C_STORE)),
        (0x0110, _short(message_id)),
        (0x0700, _short(_MEDIUM)),
        (0x0800, _short(_DATA_SET)),
        (0x1000, _uid(uid)),
    )


def echo_request(message_id: int) -> bytes:
    """The command set of a C-ECHO request (PS3.7 9.3.5.1)."""
    return _command_set(
        (0x0002, _uid(_VERIFICATION)),
        (0x0100, _short(_C_ECHO)),
        (0x0110, _short(message_id)),
        (0x0800, _short(_NO_DATA_SET)),
    )


def command_pdus(context: int, command: bytes, room: int) -> bytes:
    """A command set as PDUs that hold at most `room` bytes of it each."""
    parts = [command[at : at + room] for at in range(0, len(command), room)]
    return b"".join(
        frame(context, COMMAND, len(part), last=part is parts[-1]) + part for part in parts
    )


def frame(context: int, kind: int, size: int, *, last: bool) -> bytes:
    """What stands before `size` bytes of a command or data set in a PDU of their own."""
    length = size + VALUE_HEADER - 4
    return FRAME.pack(P_DATA, 0, length + 4, length, context, kind | (LAST if last else 0))


def values_of(pdu: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Context, kind and bytes of each value in a P-DATA PDU, its header left out.

    Raises Unintelligible.
    """
    at = 0
    while at < len(pdu):
        if at + VALUE_HEADER > len(pdu):
            raise Unintelligible("a PDU ends inside a value")
        length, context, kind = struct.unpack_from(">LBB", pdu, at)
        end = at + 4 + length
        if length < 2 or end > len(pdu):
            raise Unintelligible("a PDU ends inside a value")
        yield context, kind, pdu[at + VALUE_HEADER : end]
        at = end


def answer_of(command: bytes, message_id: int) -> Answer:
    """The answer in a command set. Raises Unintelligible, also for one to another message."""
    found: dict[int, bytes] = {}
    at = 0
    while at + 8 <= len(command):
        group, number, length = struct.unpack_from("<HHL", command, at)
        value = command[at + 8 : at + 8 + length]
        if len(value) < length:
            raise Unintelligible("the answer ends inside an element")
        if group == 0:
            found[number] = value
        at += 8 + length
    numbers = {
        number: int.from_bytes(found.get(number, b""), "little")
        for number in (0x0100, 0x0120, 0x0900)
    }
    if len(found.get(0x0900, b"")) != 2 or not numbers[0x0100] & _ANSWER:
        raise Unintelligible("it is no answer to a message")
    if numbers[0x0120] != message_id:
        raise Unintelligible(f"it answers message {numbers[0x0120]}, not {message_id}")
    comment = found.get(0x0902, b"").decode("ascii", "replace")
    return Answer(numbers[0x0900], one_line(comment.strip("\0 ")))


def _command_set(*values: tuple[int, bytes]) -> bytes:
    body = b"".join(struct.pack("<HHL", 0, number, len(value)) + value for number, value in values)
    return struct.pack("<HHLL", 0, 0, 4, len(body)) + body


def _short(number: int) -> bytes:
    return number.to_bytes(2, "little")


def _uid(uid: str) -> bytes:
    text = uid.encode("ascii")
    return text + b"\0" * (len(text) % 2)
