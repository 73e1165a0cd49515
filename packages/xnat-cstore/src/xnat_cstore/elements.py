"""Walk over the elements of a DICOM data set without reading their values.

Sending needs few values, the place where each element stands, and thousands of files a second; a
parser that builds objects gives the first and takes ten times as long.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
UNDEFINED = 0xFFFFFFFF
# Behind these follow two reserved bytes and a length of four bytes (PS3.5 7.1.2).
_LONG = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
# The deepest nesting that is followed; broken data must not exhaust the stack.
_DEEPEST = 50


class Encoding(NamedTuple):
    """How the elements of a data set are written."""

    explicit: bool
    little: bool


class Element(NamedTuple):
    """Where an element stands: its first byte, its value, the byte behind it.

    `vr` is empty where the encoding does not tell it.
    """

    tag: int
    vr: bytes
    start: int
    value: int
    end: int


class Malformed(ValueError):
    """The bytes are no data set."""


def elements(file: BinaryIO, start: int, encoding: Encoding) -> Iterator[Element]:
    """The elements of the top level from `start` to the end of the file, in its order.

    A value that the file does not hold is still told by its length. Raises Malformed.
    """
    position = start
    while True:
        found = _element(file, position, encoding)
        if found is None:
            return
        tag, vr, value, length = found
        if length != UNDEFINED:
            end = value + length
        elif vr == b"UN":
            # Sequences of unknown kind are written as implicit little endian (PS3.5 6.2.2).
            end = _behind_items(file, value, Encoding(False, True), 0)
        else:
            end = _behind_items(file, value, encoding, 0)
        yield Element(tag, vr, position, value, end)
        position = end


def text_of(file: BinaryIO, element: Element) -> str:
    """A value of plain characters, without its padding."""
    file.seek(element.value)
    return file.read(element.end - element.value).strip(b"\0 ").decode("ascii", "replace")


def _element(
    file: BinaryIO, position: int, encoding: Encoding
) -> tuple[int, bytes, int, int] | None:
    """Tag, VR, place of the value and its length; None at the end of the file."""
    file.seek(position)
    head = file.read(8)
    if len(head) < 8:
        if head:
            raise Malformed("it ends inside an element")
        return None
    order = "<" if encoding.little else ">"
    group, number = struct.unpack(order + "HH", head[:4])
    tag = group << 16 | number
    vr = head[4:6]
    # Some writers put elements without a VR among those that have one.
    if not encoding.explicit or group == 0xFFFE or not (vr.isalpha() and vr.isupper()):
        return tag, b"", position + 8, struct.unpack(order + "L", head[4:])[0]
    if vr not in _LONG:
        return tag, vr, position + 8, struct.unpack(order + "H", head[6:])[0]
    size = file.read(4)
    if len(size) < 4:
        raise Malformed("it ends inside an element")
    return tag, vr, position + 12, struct.unpack(order + "L", size)[0]


def _behind_items(file: BinaryIO, position: int, encoding: Encoding, depth: int) -> int:
    """The first byte behind a sequence, or fragments, of undefined length."""
    if depth > _DEEPEST:
        raise Malformed("its sequences are nested too deeply")
    while True:
        found = _element(file, position, encoding)
        if found is None:
            raise Malformed("it ends inside a sequence")
        tag, _, value, length = found
        if tag == SEQUENCE_END:
            return value
        if tag != ITEM:
            raise Malformed("a sequence holds something that is no item")
        position = (
            value + length
            if length != UNDEFINED
            else _behind_item(file, value, encoding, depth + 1)
        )


def _behind_item(file: BinaryIO, position: int, encoding: Encoding, depth: int) -> int:
    while True:
        found = _element(file, position, encoding)
        if found is None:
            raise Malformed("it ends inside an item")
        tag, vr, value, length = found
        if tag == ITEM_END:
            return value
        if length != UNDEFINED:
            position = value + length
        else:
            inner = Encoding(False, True) if vr == b"UN" else encoding
            position = _behind_items(file, value, inner, depth + 1)
