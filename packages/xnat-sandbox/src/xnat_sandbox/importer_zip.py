"""Unpack a zip as it arrives, the way Java's ZipInputStream does.

It walks the local headers and never sees the central directory. So it cannot know the size of a
stored entry that is followed by a data descriptor, and refuses it; whatever follows the first bytes
that are no local header is ignored.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from .importer_stream import Entry, from_blocks

BLOCK = 1 << 20
PACKED_BLOCK = 1 << 16
STORED, DEFLATED = 0, 8
ENCRYPTED, DESCRIPTOR, UTF8 = 0x1, 0x8, 0x800
WIDE = 0xFFFFFFFF
LOCAL_HEADER = struct.Struct("<4sHHHHHIIIHH")


class ZipError(Exception):
    """The stream is no zip that can be read from front to back."""


def zip_entries(stream: BinaryIO) -> Iterator[Entry]:
    """The files of a zip; each must be used before the next is asked for."""
    source = Source(stream)
    while (header := source.exactly(LOCAL_HEADER.size)).startswith(b"PK\3\4"):
        if len(header) < LOCAL_HEADER.size:
            raise ZipError("unexpected end of the zip stream")
        _, _, flags, method, _, _, crc, packed, size, name_length, extra_length = (
            LOCAL_HEADER.unpack(header)
        )
        raw_name = source.all_of(name_length)
        extra = source.all_of(extra_length)
        if flags & ENCRYPTED:
            raise ZipError("encrypted ZIP entry not supported")
        if method not in (STORED, DEFLATED):
            raise ZipError("invalid compression method")
        described = bool(flags & DESCRIPTOR)
        if described and method != DEFLATED:
            raise ZipError("only DEFLATED entries can have EXT descriptor")
        wide = zip64_sizes(extra, size, packed)
        if wide:
            size, packed = wide
        data: Member
        if method == STORED:
            data = StoredMember(source, packed, crc)
        else:
            expected = None if described else (crc, size)
            data = DeflatedMember(source, expected, wide is not None)
        name = raw_name.decode("utf-8" if flags & UTF8 else "cp437", "replace")
        if not name.endswith("/"):
            yield Entry(name, from_blocks(data.block))
        data.finish()


def zip64_sizes(extra: bytes, size: int, packed: int) -> tuple[int, int] | None:
    """Size and packed size of an entry beyond 4 GiB, from its extra field."""
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<HH", extra)
        if kind == 1:
            field = extra[4 : 4 + length]
            wide = iter([n for (n,) in struct.iter_unpack("<Q", field[: length // 8 * 8])])
            size = next(wide, size) if size == WIDE else size
            packed = next(wide, packed) if packed == WIDE else packed
            return size, packed
        extra = extra[4 + length :]
    return None


class Source:
    """A stream that takes back what a decompressor was given too much."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._buffer = b""
        self._at = 0

    def some(self, most: int) -> bytes:
        """At least one byte, none at the end."""
        if self._at == len(self._buffer):
            self._buffer, self._at = self._stream.read(BLOCK), 0
        data = self._buffer[self._at : self._at + most]
        self._at += len(data)
        return data

    def exactly(self, count: int) -> bytes:
        """`count` bytes, fewer only at the end."""
        data = self.some(count)
        while len(data) < count and (more := self.some(count - len(data))):
            data += more
        return data

    def all_of(self, count: int) -> bytes:
        data = self.exactly(count)
        if len(data) < count:
            raise ZipError("unexpected end of the zip stream")
        return data

    def unread(self, count: int) -> None:
        """Give back the last `count` bytes of what `some` handed out last."""
        self._at -= count


class Member:
    """The data of one entry, block by block."""

    def block(self) -> bytes:
        """The next bytes, none at the end, where length and checksum are compared."""
        raise NotImplementedError

    def finish(self) -> None:
        """Skip what nobody read."""
        while self.block():
            pass


class StoredMember(Member):
    def __init__(self, source: Source, size: int, crc: int) -> None:
        self._source, self._left, self._expected, self._crc = source, size, crc, 0

    def block(self) -> bytes:
        if not self._left:
            if self._crc != self._expected:
                raise ZipError("invalid entry CRC")
            return b""
        data = self._source.some(min(BLOCK, self._left))
        if not data:
            raise ZipError("unexpected end of the zip stream")
        self._left -= len(data)
        self._crc = zlib.crc32(data, self._crc)
        return data


class DeflatedMember(Member):
    """`expected` is CRC and size where the header has them; else a descriptor follows the data."""

    def __init__(self, source: Source, expected: tuple[int, int] | None, wide: bool) -> None:
        self._source, self._expected, self._wide = source, expected, wide
        self._inflater = zlib.decompressobj(-15)
        self._crc = self._size = 0
        self._ended = False

    def block(self) -> bytes:
        if self._ended:
            return b""
        while not self._inflater.eof:
            packed = self._inflater.unconsumed_tail or self._source.some(PACKED_BLOCK)
            if not packed:
                raise ZipError("unexpected end of the zip stream")
            try:
                data = self._inflater.decompress(packed, BLOCK)
            except zlib.error as error:
                raise ZipError(str(error)) from error
            if data:
                self._crc = zlib.crc32(data, self._crc)
                self._size += len(data)
                return data
        self._ended = True
        self._source.unread(len(self._inflater.unused_data))
        crc, size = self._expected or self._descriptor()
        if size != self._size:
            raise ZipError(f"invalid entry size (expected {size} but got {self._size} bytes)")
        if crc != self._crc:
            raise ZipError("invalid entry CRC")
        return b""

    def _descriptor(self) -> tuple[int, int]:
        first = self._source.all_of(4)
        crc = self._source.all_of(4) if first == b"PK\7\10" else first
        # Java expects long sizes exactly when the data was long.
        count = 8 if self._size > WIDE or self._wide else 4
        sizes = self._source.all_of(2 * count)
        return int.from_bytes(crc, "little"), int.from_bytes(sizes[count:], "little")
