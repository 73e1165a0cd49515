"""Walk over the elements of a DICOM data set without reading their values.

Sending needs few values, the place where each element stands, and thousands of files a second; a
parser that builds objects gives the first and takes ten times as long, and as much memory as all
the rest of a tool.
"""

from __future__ import annotations

import itertools
import os
import struct
import zlib
from collections.abc import Collection, Iterator
from io import BytesIO
from typing import BinaryIO, NamedTuple

from xnat_core.dicom_files import HEAD, MAGIC

ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
UNDEFINED = 0xFFFFFFFF
_ITEMS = 0xFFFE
# After these VRs come two reserved bytes and a length of four bytes (PS3.5 7.1.2).
_LONG = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
# The others are followed by a length of two.
_SHORT = frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())
_SHORT_HEAD = struct.Struct("<HH2sH")
# As much of a file as is looked at at once: headers have dozens of elements of some bytes.
_WINDOW = 2048
# The deepest nesting that is followed; broken data must not exhaust the stack.
_DEEPEST = 50

IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
BIG_ENDIAN = "1.2.840.10008.1.2.2"
# A private one of GE: implicit, but with the pixels in big endian.
GE_PRIVATE = "1.2.840.113619.5.2"

META_CLASS, META_INSTANCE, META_SYNTAX = 0x00020002, 0x00020003, 0x00020010
# The class of a DICOMDIR, which is no instance.
MEDIA_DIRECTORY = "1.2.840.10008.1.3.10"
# As much of a deflated data set as is inflated in search of values.
_INFLATED = 1 << 20
_LONGEST_TEXT = 1 << 16


class Encoding(NamedTuple):
    """How the elements of a data set are written."""

    explicit: bool
    little: bool


_USUAL = Encoding(explicit=True, little=True)


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


class Values(NamedTuple):
    """Values of a file as they stand there, by tag; those of the file meta group as text.

    `offset` is where the data set begins. `whole` tells whether everything up to the last tag that
    was asked for has been seen; false where the file ends before. `cut` tells that it ends inside
    an element, which is not among the values then.
    """

    meta: dict[int, str]
    syntax: str
    offset: int
    found: dict[int, bytes]
    whole: bool
    cut: bool = False


def values_of(file: BinaryIO, tags: Collection[int]) -> Values:
    """Read some values of the top level of a DICOM file, no further than the last of them.

    A file without the meta group is read, too. Raises Malformed, and zlib.error.
    """
    size = file.seek(0, os.SEEK_END)
    meta, offset = file_meta(file)
    file.seek(offset)
    syntax = meta.get(META_SYNTAX) or syntax_without_meta(file.read(8))
    start = offset
    if syntax == DEFLATED:
        file, start = beginning_of_deflated(file, offset), 0
        size = file.seek(0, os.SEEK_END)
    last = max(tags)
    found: dict[int, bytes] = {}
    for tag, _, _, value, end in _walk(file, start, encoding_of(syntax)):
        if tag > last:
            return Values(meta, syntax, offset, found, True)
        if end > size:
            # Of a deflated data set only the beginning was read; its end is not known.
            return Values(meta, syntax, offset, found, False, cut=syntax != DEFLATED)
        if tag in tags:
            file.seek(value)
            found[tag] = file.read(end - value)
    return Values(meta, syntax, offset, found, False)


def file_meta(file: BinaryIO) -> tuple[dict[int, str], int]:
    """The UIDs of the file meta group, where there is one, and where the data set begins."""
    file.seek(0)
    head = file.read(HEAD)
    position = HEAD if len(head) == HEAD and head.endswith(MAGIC) else 0
    found: dict[int, str] = {}
    # The length that the group states is often wrong; the group number tells where it ends.
    for element in elements(file, position, Encoding(explicit=True, little=True)):
        if element.tag >> 16 != 2:
            return found, element.start
        if element.tag in (META_CLASS, META_INSTANCE, META_SYNTAX):
            found[element.tag] = text_of(file, element)
        position = element.end
    return found, position


def beginning_of_deflated(file: BinaryIO, offset: int) -> BinaryIO:
    """As much of a deflated data set as values are looked for in. Raises zlib.error."""
    file.seek(offset)
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    return BytesIO(inflate.decompress(file.read(_INFLATED), _INFLATED))


def encoding_of(syntax: str) -> Encoding:
    """How data sets of this transfer syntax are written; all compressed ones are explicit."""
    if syntax in (IMPLICIT, GE_PRIVATE):
        return Encoding(explicit=False, little=True)
    return Encoding(explicit=True, little=syntax != BIG_ENDIAN)


def syntax_without_meta(head: bytes) -> str:
    """The transfer syntax of a data set that begins with these bytes and says nothing about it.

    The file meta group is absent only from files of the time before compression.
    """
    if not (head[4:6].isalpha() and head[4:6].isupper()):
        return IMPLICIT
    # The first group is small: 0x0008 read in the wrong order would be 0x0800.
    return EXPLICIT if int.from_bytes(head[:2], "little") < 0x0400 else BIG_ENDIAN


def elements(file: BinaryIO, start: int, encoding: Encoding) -> Iterator[Element]:
    """The elements of the top level from `start` to the end of the file, in its order.

    A value that the file does not hold is still told by its length. Raises Malformed.
    """
    return itertools.starmap(Element, _walk(file, start, encoding))


def _walk(
    file: BinaryIO, start: int, encoding: Encoding
) -> Iterator[tuple[int, bytes, int, int, int]]:
    """The fields of each `Element`: to name them takes longer than to find them."""
    position = start
    window, begin = b"", start
    while True:
        if encoding == _USUAL:
            if not begin <= position <= begin + len(window) - 8:
                file.seek(position)
                window, begin = file.read(_WINDOW), position
            if len(window) >= 8:
                group, number, vr, length = _SHORT_HEAD.unpack_from(window, position - begin)
                if vr in _SHORT and group != _ITEMS:
                    end = position + 8 + length
                    yield group << 16 | number, vr, position, position + 8, end
                    position = end
                    continue
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
        yield tag, vr, position, value, end
        position = end


def text_of(file: BinaryIO, element: Element) -> str:
    """A value of plain characters, without its padding."""
    file.seek(element.value)
    # Python would make room for as much as a damaged length says.
    value = file.read(min(element.end - element.value, _LONGEST_TEXT))
    return value.strip(b"\0 ").decode("ascii", "replace")


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
    if not encoding.explicit or group == _ITEMS or not (vr.isalpha() and vr.isupper()):
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
