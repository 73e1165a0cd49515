"""A zip read as it arrives, and held against its central directory at the end.

A reader that cannot seek has to believe the header in front of each member. So the central
directory, from which every other reader starts, is compared with what was read when it comes at the
end. A zip that was cut, wherever that was, lacks it.
"""

from __future__ import annotations

import re
import stat
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO

from xnat_core.archive.members import ArchiveMember, Kind, passed
from xnat_core.archive.source import Fail, Source, inflate
from xnat_core.errors import DownloadError
from xnat_core.files import BLOCK, Block

_LOCAL = struct.Struct("<4sHHHHHLLLHH")
_CENTRAL = struct.Struct("<4sHHHHHHLLLHHHHHLL")
_END = struct.Struct("<4sHHHHLLH")
_END_64 = struct.Struct("<4sQHHLLQQQQ")
_LOCATOR_64 = struct.Struct("<4sLQL")
_DESCRIPTORS = [struct.Struct(layout) for layout in ("<4sLLL", "<4sLQQ", "<LLL", "<LQQ")]

_NEXT_HEADERS = (b"PK\3\4", b"PK\1\2")
_DESCRIPTOR_MARK = re.compile(rb"PK\x07\x08")
_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _DESCRIPTOR_FOLLOWS, _UTF8 = 0x01, 0x08, 0x800
_UNIX = 3
_ZIP64 = 1
_MASK_16, _MASK_32 = 0xFFFF, 0xFFFFFFFF


def read_zip(
    blocks: Iterable[Block] | IO[bytes], *, fail: Fail = DownloadError
) -> Iterator[ArchiveMember]:
    """Yield the members of a zip; the iterator ends only when the archive was whole.

    Reads stored and deflated members, ZIP64, and descriptors behind the bytes. A stored member
    whose size stands only behind it is read up to the first descriptor mark whose CRC and sizes are
    those of the bytes before it, so a zip inside a zip does not end it; one without that mark is
    refused as cut short.

    Links are known only from the directory: it raises at the end, when a member was one. `fail`
    makes the error that is raised then, and when the stream ends early or is damaged.
    """
    source = Source(blocks, fail)
    source.refuse_page()
    found = _Tally()
    while (mark := source.peek(4)) == b"PK\3\4":
        entry = _local_header(source)
        content = _content(source, entry)
        kind: Kind = "directory" if entry.name.endswith(b"/") else "file"
        size = entry.size if entry.has_size else None
        yield from passed(entry.text(source), size, kind, content)
        found.add(entry)
    if mark not in (b"PK\1\2", b"PK\5\6", b"PK\6\6"):
        cut = len(mark) < 4
        raise DownloadError(
            "the archive is cut short before its directory"
            if cut
            else "the archive is damaged: neither a member nor the directory where one must be"
        )
    _check_directory(source, found)


@dataclass(slots=True)
class _Entry:
    name: bytes
    flags: int
    method: int
    crc: int
    compressed: int
    size: int
    offset: int

    @property
    def has_size(self) -> bool:
        """Whether the sizes stand before the bytes."""
        return not self.flags & _DESCRIPTOR_FOLLOWS or self.compressed > 0

    def text(self, source: Source) -> str:
        if not self.flags & _UTF8:
            # By the letter it is code page 437; by experience UTF-8 without the flag.
            try:
                return self.name.decode()
            except UnicodeDecodeError:
                return self.name.decode("cp437")
        try:
            return self.name.decode()
        except UnicodeDecodeError as error:
            raise source.fail("the archive is damaged: a name is not UTF-8") from error


class _Tally:
    """The members seen, as a count and a sum: two tallies are equal when the members are.

    A sum does not depend on the order and takes no memory.
    """

    def __init__(self) -> None:
        self.count = 0
        self._sum = 0

    def add(self, entry: _Entry) -> None:
        facts = (entry.name, entry.method, entry.crc, entry.compressed, entry.size, entry.offset)
        self.count += 1
        self._sum += hash(facts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Tally) and self.count == other.count and self._sum == other._sum


def _local_header(source: Source) -> _Entry:
    offset = source.position
    header = _LOCAL.unpack(source.exactly(_LOCAL.size, "a header"))
    _, _, flags, method, _, _, crc, compressed, size, name_length, extra_length = header
    name = source.exactly(name_length, "a header")
    extra = source.exactly(extra_length, "a header")
    size, compressed = _with_zip64(source, extra, size, compressed)
    entry = _Entry(name, flags, method, crc, compressed, size, offset)
    if flags & _ENCRYPTED:
        raise source.fail(f"{entry.text(source)}: encrypted")
    if method not in (_STORED, _DEFLATED):
        raise source.fail(f"{entry.text(source)}: compression method {method} is not supported")
    return entry


def _with_zip64(source: Source, extra: bytes, *numbers: int) -> list[int]:
    """Replace the numbers that did not fit by those of the ZIP64 field, which has only these."""
    large = [index for index, number in enumerate(numbers) if number == _MASK_32]
    result = list(numbers)
    if not large:
        return result
    start = 0
    while start + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, start)
        if kind == _ZIP64:
            if length < 8 * len(large) or start + 4 + length > len(extra):
                raise source.fail("the archive is damaged: a ZIP64 field")
            for index, number in zip(
                large, struct.unpack_from(f"<{len(large)}Q", extra, start + 4), strict=True
            ):
                result[index] = number
        start += 4 + length
    return result


def _content(source: Source, entry: _Entry) -> Iterator[Block]:
    """Yield the bytes of a member and check them; the entry then has the facts as found."""
    name = entry.text(source)
    begin, size, crc = source.position, 0, 0
    if entry.method == _DEFLATED:
        raw: Iterator[Block] = _deflated(source, entry, name)
    elif entry.has_size:
        raw = _stored(source, entry, name)
    else:
        raw = _stored_up_to_descriptor(source, name)
    for block in raw:
        size += len(block)
        crc = zlib.crc32(block, crc)
        yield block
    actual = crc, source.position - begin, size
    told = entry.crc, entry.compressed, entry.size
    if entry.flags & _DESCRIPTOR_FOLLOWS:
        length = _descriptor_length(source, *actual)
        if not length or (entry.has_size and told[1:] != actual[1:]):
            raise source.fail(f"{name}: damaged, its checksum or size differs")
        source.skip(length)
        entry.crc, entry.compressed, entry.size = actual
    elif told != actual:
        raise source.fail(f"{name}: damaged, its checksum or size differs")


def _stored(source: Source, entry: _Entry, name: str) -> Iterator[Block]:
    left = entry.compressed
    while left:
        block = source.some(left)
        if not block:
            raise _cut(source, name)
        left -= len(block)
        yield block


def _deflated(source: Source, entry: _Entry, name: str) -> Iterator[Block]:
    decompressor = zlib.decompressobj(-zlib.MAX_WBITS)
    end = source.position + entry.compressed if entry.has_size else None
    while not decompressor.eof:
        available = source.look()
        if end is not None:
            available = available[: end - source.position]
        if output := inflate(decompressor, source, available, name):
            yield output


def _stored_up_to_descriptor(source: Source, name: str) -> Iterator[Block]:
    size, crc = 0, 0
    while source.peek(len(b"PK\7\x08")):
        available = source.look()[:BLOCK]
        mark = _DESCRIPTOR_MARK.search(available)
        if mark and mark.start() == 0:
            if _descriptor_length(source, crc, size, size):
                return
            length = mark.end()
        elif mark:
            length = mark.start()
        else:
            # The last three bytes may be the beginning of a mark.
            length = max(1, len(available) - 3)
        block = source.some(length)
        size += len(block)
        crc = zlib.crc32(block, crc)
        yield block
    raise _cut(source, name)


def _cut(source: Source, name: str) -> Exception:
    return source.fail(f"{name}: the archive is cut short in it")


def _descriptor_length(source: Source, crc: int, compressed: int, size: int) -> int:
    """Return the length of the descriptor at hand, 0 when there is none for these facts.

    With or without a mark, of 32 or 64 bits: nothing tells which, but its contents are known, and
    what comes after it is.
    """
    at_hand = source.peek(_DESCRIPTORS[1].size + 4)
    for layout in _DESCRIPTORS:
        mark = [b"PK\7\x08"] if layout.format.startswith("<4s") else []
        try:
            expected = layout.pack(*mark, crc, compressed, size)
        except struct.error:
            continue
        if at_hand.startswith(expected) and at_hand[layout.size :][:4] in _NEXT_HEADERS:
            return layout.size
    return 0


def _check_directory(source: Source, found: _Tally) -> None:
    """Take the directory and what ends the archive; raises when it tells of other members."""
    begin = source.position
    listed = _Tally()
    while source.peek(4) == b"PK\1\2":
        listed.add(_central_header(source))
    size = source.position - begin
    if listed != found:
        raise source.fail("the archive is damaged: its directory lists other members")
    ends = found.count, size, begin
    if source.peek(4) == b"PK\6\6":
        _check_end_64(source, ends)
    mark, _, _, _, *told, comment = _END.unpack(source.exactly(_END.size, "its end record"))
    if mark != b"PK\5\6":
        raise source.fail("the archive is damaged: no end record behind its directory")
    for number, actual, mask in zip(told, ends, (_MASK_16, _MASK_32, _MASK_32), strict=True):
        if number not in (actual, mask):
            raise source.fail("the archive is damaged: its end record is of another directory")
    source.exactly(comment, "its comment")
    if source.peek(1):
        raise source.fail("the archive is damaged: bytes behind its end")


def _central_header(source: Source) -> _Entry:
    header = _CENTRAL.unpack(source.exactly(_CENTRAL.size, "its directory"))
    _, made_by, _, flags, method, _, _, crc, compressed, size, *rest = header
    name_length, extra_length, comment_length, _, _, attributes, offset = rest
    name = source.exactly(name_length, "its directory")
    extra = source.exactly(extra_length, "its directory")
    source.exactly(comment_length, "its directory")
    size, compressed, offset = _with_zip64(source, extra, size, compressed, offset)
    entry = _Entry(name, flags, method, crc, compressed, size, offset)
    if made_by >> 8 == _UNIX and stat.S_ISLNK(attributes >> 16):
        raise source.fail(f"{entry.text(source)}: a link, not a file")
    return entry


def _check_end_64(source: Source, ends: tuple[int, int, int]) -> None:
    begin = source.position
    _, length, _, _, _, _, _, *told = _END_64.unpack(source.exactly(_END_64.size, "its end record"))
    source.exactly(max(0, length + 12 - _END_64.size), "its end record")
    _, _, offset, _ = _LOCATOR_64.unpack(source.exactly(_LOCATOR_64.size, "its end record"))
    if tuple(told) != ends or offset != begin:
        raise source.fail("the archive is damaged: its end record is of another directory")
