"""Zip and tar streams, written while they are sent.

Stored zip entries carry size and CRC in their local header, deflated ones in a descriptor behind
the data: that is how Java's ZipOutputStream writes them.
"""

from __future__ import annotations

import struct
import tarfile
import time
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from .disk import BLOCK, blocks_of

STORED, DEFLATED = 0, 8
LIMIT = 0xFFFFFFFF

Member = tuple[str, Path]


def zip_stream(members: Iterable[Member], method: int = STORED) -> Iterator[bytes]:
    """A zip of these files; one that cannot be read ends the stream early."""
    offset = 0
    directory: list[bytes] = []
    for name, path in members:
        with path.open("rb") as source:
            entry = _Entry(name, path, source, method)
            header = entry.local_header()
            yield header
            yield from entry.data()
            tail = entry.descriptor()
            if tail:
                yield tail
            directory.append(entry.central_header(offset))
            offset += len(header) + entry.packed + len(tail)
    records = b"".join(directory)
    yield records
    yield _end(len(directory), len(records), offset)


class _Entry:
    def __init__(self, name: str, path: Path, source: BinaryIO, method: int) -> None:
        self._name = name.encode()
        self._source = source
        self._method = method
        self._stamp = _dos_time(path.stat().st_mtime)
        self._crc = 0
        self._size = 0
        self.packed = 0
        if method == STORED:
            for block in blocks_of(source):
                self._crc = zlib.crc32(block, self._crc)
                self._size += len(block)
            self.packed = self._size
            source.seek(0)
        # Only the size on disk is known before a deflated entry; it decides on wide descriptors.
        self._wide = max(self._size, path.stat().st_size) >= LIMIT

    @property
    def _flags(self) -> int:
        return 0x0800 | (0x0008 if self._method == DEFLATED else 0)

    def local_header(self) -> bytes:
        extra = struct.pack("<HHQQ", 1, 16, self._size, self.packed) if self._wide else b""
        sizes = (LIMIT, LIMIT) if self._wide else (self.packed, self._size)
        fixed = struct.pack(
            "<4sHHHIIIIHH",
            b"PK\3\4",
            45 if self._wide else 20,
            self._flags,
            self._method,
            self._stamp,
            self._crc,
            *sizes,
            len(self._name),
            len(extra),
        )
        return fixed + self._name + extra

    def data(self) -> Iterator[bytes]:
        if self._method == STORED:
            left = self._size
            for block in blocks_of(self._source):
                left -= len(block)
                yield block
            if left:
                raise OSError("the file changed while it was sent")
            return
        packer = zlib.compressobj(wbits=-15)
        for block in blocks_of(self._source):
            self._crc = zlib.crc32(block, self._crc)
            self._size += len(block)
            packed = packer.compress(block)
            self.packed += len(packed)
            yield packed
        packed = packer.flush()
        self.packed += len(packed)
        yield packed

    def descriptor(self) -> bytes:
        if self._method == STORED:
            return b""
        form = "<4sIQQ" if self._wide else "<4sIII"
        return struct.pack(form, b"PK\7\10", self._crc, self.packed, self._size)

    def central_header(self, offset: int) -> bytes:
        wide = [value for value in (self._size, self.packed, offset) if value >= LIMIT]
        extra = struct.pack(f"<HH{len(wide)}Q", 1, 8 * len(wide), *wide) if wide else b""
        fixed = struct.pack(
            "<4sHHHHIIIIHHHHHII",
            b"PK\1\2",
            45,
            45 if wide else 20,
            self._flags,
            self._method,
            self._stamp,
            self._crc,
            min(self.packed, LIMIT),
            min(self._size, LIMIT),
            len(self._name),
            len(extra),
            *(0, 0, 0, 0),
            min(offset, LIMIT),
        )
        return fixed + self._name + extra


def tar_stream(members: Iterable[Member]) -> Iterator[bytes]:
    """A tar of these files."""
    for name, path in members:
        with path.open("rb") as source:
            status = path.stat()
            info = tarfile.TarInfo(name)
            info.size, info.mtime = status.st_size, int(status.st_mtime)
            yield info.tobuf(tarfile.GNU_FORMAT)
            yield from blocks_of(source)
            yield bytes(-info.size % tarfile.BLOCKSIZE)
    yield bytes(2 * tarfile.BLOCKSIZE)


def gzipped(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """A stream of bytes, compressed."""
    packer = zlib.compressobj(wbits=31)
    for block in blocks:
        packed = packer.compress(block)
        if packed:
            yield packed
    yield packer.flush()


def in_blocks(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Small parts joined, so that thousands of small files do not cost a system call each.

    What came before a failure still goes out.
    """
    waiting = bytearray()
    try:
        for part in parts:
            if not waiting and len(part) >= BLOCK:
                yield part
                continue
            waiting += part
            if len(waiting) >= BLOCK:
                yield bytes(waiting)
                waiting.clear()
    except Exception:
        yield bytes(waiting)
        raise
    if waiting:
        yield bytes(waiting)


def _end(count: int, size: int, offset: int) -> bytes:
    parts = b""
    if count >= 0xFFFF or offset >= LIMIT or size >= LIMIT:
        parts += struct.pack(
            "<4sQHHIIQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, offset
        )
        parts += struct.pack("<4sIQI", b"PK\6\7", 0, offset + size, 1)
    short = min(count, 0xFFFF)
    return parts + struct.pack(
        "<4sHHHHIIH", b"PK\5\6", 0, 0, short, short, min(size, LIMIT), min(offset, LIMIT), 0
    )


def _dos_time(seconds: float) -> int:
    moment = time.localtime(max(seconds, 315619200))
    date = (moment.tm_year - 1980) << 9 | moment.tm_mon << 5 | moment.tm_mday
    return date << 16 | moment.tm_hour << 11 | moment.tm_min << 5 | moment.tm_sec // 2
