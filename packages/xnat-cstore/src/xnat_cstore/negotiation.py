"""What is said to open an association (PS3.8 9.3).

These are a hundred lines because of what they replace: importing pynetdicom takes longer than
sending a thousand slices, its association keeps two threads that look a thousand times a second
whether there is something to do, and it logs why a connection failed instead of telling.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from xnat_cstore.receiver import Receiver, Rejected

Pair = tuple[str, str]
"""SOP class and transfer syntax."""

MOST_CONTEXTS = 128
VERIFICATION: Pair = ("1.2.840.10008.1.1", "1.2.840.10008.1.2")
REQUEST_PDU, ACCEPTED_PDU, REJECTED_PDU = 0x01, 0x02, 0x03

# Types of items and of what stands in them (PS3.8 9.3.2, PS3.7 D.3).
_APPLICATION, _PROPOSED, _AGREED, _USER = 0x10, 0x20, 0x21, 0x50
_ABSTRACT, _TRANSFER, _LONGEST, _CLASS, _VERSION = 0x30, 0x40, 0x51, 0x52, 0x55
_APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"
# UIDs below 2.25 are UUIDs (PS3.5 B.2).
_IMPLEMENTATION = "2.25.252613586361117530741513062318417466907"
_VERSION_NAME = "XNATCTL"
_LARGEST_ANSWER = 16384
# Protocol version, both titles, and what is reserved, before the first item.
_FIXED = struct.Struct(">HH16s16s32x")
_ACCEPTANCE = 0
_TRANSIENT = 2
_REASONS = {
    (1, 1): "no reason given",
    (1, 2): "application context not supported",
    (1, 3): "calling AE title not recognised",
    (1, 7): "called AE title not recognised",
    (2, 1): "no reason given",
    (2, 2): "protocol version not supported",
    (3, 1): "temporary congestion",
    (3, 2): "local limit exceeded",
}


@dataclass(frozen=True, slots=True)
class Agreement:
    """What the receiver agreed to: the context of each pair, the length of a PDU (0: any)."""

    contexts: dict[Pair, int]
    longest_pdu: int


def request(receiver: Receiver, pairs: Sequence[Pair]) -> bytes:
    """The PDU that asks for an association with one presentation context for each pair."""
    user = (
        _item(_LONGEST, _LARGEST_ANSWER.to_bytes(4, "big"))
        + _item(_CLASS, _IMPLEMENTATION)
        + _item(_VERSION, _VERSION_NAME)
    )
    titles = (
        title.encode("ascii").ljust(16) for title in (receiver.called_aet, receiver.calling_aet)
    )
    body = b"".join(
        (
            _FIXED.pack(1, 0, *titles),
            _item(_APPLICATION, _APPLICATION_CONTEXT),
            *(_proposed(pair, number) for pair, number in _numbered(pairs)),
            _item(_USER, user),
        )
    )
    return struct.pack(">BBL", REQUEST_PDU, 0, len(body)) + body


def agreement(receiver: Receiver, pairs: Sequence[Pair], kind: int, pdu: bytes) -> Agreement:
    """What an answer comes to: its PDU type and what follows its length.

    Raises Rejected, and DicomStoreError for an answer that cannot be read.
    """
    try:
        if kind == REJECTED_PDU:
            raise _rejected(receiver, *struct.unpack_from(">xBBB", pdu))
        syntaxes, longest = {}, 0
        for item, value in _items(pdu[_FIXED.size :]):
            # Behind any other result the transfer syntax means nothing.
            if item == _AGREED and value[2] == _ACCEPTANCE:
                syntaxes[value[0]] = _syntax(value[4:])
            for inner, length in _items(value) if item == _USER else ():
                if inner == _LONGEST:
                    (longest,) = struct.unpack(">L", length)
    except (struct.error, IndexError):
        raise receiver.error("its answer to the request for an association is broken") from None
    # A receiver that names another transfer syntax would read the data set in that one.
    accepted = {pair: n for pair, n in _numbered(pairs) if syntaxes.get(n) in ("", pair[1])}
    return Agreement(accepted, longest)


def _syntax(items: bytes) -> str:
    """The transfer syntax that a context was accepted in; empty where none is named."""
    named = (value for item, value in _items(items) if item == _TRANSFER)
    return next(named, b"").strip(b"\0 ").decode("ascii", "replace")


def _numbered(pairs: Sequence[Pair]) -> list[tuple[Pair, int]]:
    """Contexts have odd numbers up to 255."""
    return [(pair, 2 * index + 1) for index, pair in enumerate(pairs)]


def _proposed(pair: Pair, number: int) -> bytes:
    sop_class, syntax = pair
    names = _item(_ABSTRACT, sop_class) + _item(_TRANSFER, syntax)
    return _item(_PROPOSED, bytes((number, 0, 0, 0)) + names)


def _item(kind: int, value: bytes | str) -> bytes:
    data = value.encode("ascii") if isinstance(value, str) else value
    return struct.pack(">BBH", kind, 0, len(data)) + data


def _items(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(data):
        kind, length = struct.unpack_from(">BxH", data, at)
        at += 4 + length
        if at > len(data):
            raise struct.error("an item is longer than what holds it")
        yield kind, data[at - length : at]


def _rejected(receiver: Receiver, result: int, source: int, reason: int) -> Rejected:
    transient = result == _TRANSIENT
    why = _REASONS.get((source, reason), f"source {source}, reason {reason}")
    if why.startswith("called"):
        what = f"no application entity there has the title {receiver.called_aet!r} ({why})"
    elif why.startswith("calling"):
        what = f"it does not listen to the calling title {receiver.calling_aet!r} ({why})"
    else:
        what = (
            f"it refuses associations {'for now' if transient else 'for good'} ({why}); "
            f"called AE title {receiver.called_aet!r}, calling {receiver.calling_aet!r}"
        )
    return Rejected(receiver, what, permanent=not transient)
