"""A zip of local files as a request body, for a reader that cannot seek.

The server reads with Java's `ZipInputStream`, which takes a stored member only when size and CRC
stand before its bytes. Libraries that write zips as streams put them behind (zipstream-ng 1.9 does,
and Java answers "only DEFLATED entries can have EXT descriptor"), hence this module.
"""

from __future__ import annotations

import struct
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from xnat_core.archive.members import Member, OnDigest
from xnat_core.bodies import Blocks
from xnat_core.errors import UploadError
from xnat_core.files import BLOCK, Block, Digest, SentFile, new_md5
from xnat_core.parallel import check_stop

_LOCAL = struct.Struct("<4sHHHHHLLLHH")
_CENTRAL = struct.Struct("<4sHHHHHHLLLHHHHHLL")
_DESCRIPTOR = struct.Struct("<4sLLL")
_DESCRIPTOR_64 = struct.Struct("<4sLQQ")
_END = struct.Struct("<4sHHHHLLH")
_END_64 = struct.Struct("<4sQHHLLQQQQ")
_LOCATOR_64 = struct.Struct("<4sLQL")

_STORED, _DEFLATED = 0, 8
_DESCRIPTOR_FOLLOWS, _UTF8 = 0x08, 0x800
_PLAIN_VERSION, _ZIP64_VERSION = 20, 45
_MADE_BY_UNIX = 3 << 8
_REGULAR_FILE = 0o100644 << 16
_MASK_16, _MASK_32 = 0xFFFF, 0xFFFFFFFF
# After 2107. Of times far beyond that, or before 1970, some systems cannot tell the date.
_LATEST = 1 << 33


class ZipStream:
    """A zip that Java reads as it arrives, and every unzip afterwards.

    Stored (the default): length known beforehand; each file is read twice, first for its CRC.
    With `compress`: deflated at the fastest level, and the length is None.
    ZIP64 where sizes or counts need it. One file is open at a time; `on_digest` as in `TarStream`.

    Raises `UploadError` for a name that is not Unicode or has more than 65,535 bytes, and when
    iterating, for a file that is gone or changed.
    """

    content_type = "application/zip"

    def __init__(
        self,
        members: Sequence[Member],
        *,
        compress: bool = False,
        on_digest: OnDigest | None = None,
    ) -> None:
        self.members = tuple(members)
        self.compress = compress
        self._on_digest = on_digest
        stored = _stored_length(self.members)
        self.length = None if compress else stored

    def __iter__(self) -> Iterator[Block]:
        blocks = Blocks()
        central: list[bytes] = []
        offset = 0
        for member in self.members:
            entry = _Entry(member, _DEFLATED if self.compress else _STORED, offset)
            digest = new_md5() if self._on_digest else None
            with member.open() as file:
                if self.compress:
                    yield from blocks.data(entry.local())
                    for piece in entry.deflate(file, digest):
                        yield from blocks.data(piece)
                    yield from blocks.data(entry.descriptor())
                else:
                    entry.read_crc(file)
                    yield from blocks.data(entry.local())
                    yield from blocks.file(file, digest)
            central.append(entry.central())
            offset += entry.length
            if self._on_digest and digest:
                self._on_digest(member, digest.hexdigest())
        for record in central:
            yield from blocks.data(record)
        yield from blocks.data(end_of_directory(central, offset))
        yield from blocks.rest()


@dataclass(slots=True)
class _Entry:
    """One member's headers; sizes and CRC are filled in as its bytes are read."""

    member: Member
    method: int
    offset: int
    crc: int = 0
    compressed: int = 0

    @property
    def name(self) -> bytes:
        return _encoded(self.member)

    @property
    def flags(self) -> int:
        return _UTF8 if self.method == _STORED else _UTF8 | _DESCRIPTOR_FOLLOWS

    @property
    def length(self) -> int:
        """Bytes from the local header to the descriptor."""
        descriptor = 0 if self.method == _STORED else len(self.descriptor())
        return len(self.local()) + self.compressed + descriptor

    def read_crc(self, file: SentFile) -> None:
        """Read the file once; size and CRC are then ready for the local header."""
        buffer = memoryview(bytearray(min(BLOCK, self.member.size)))
        left = self.member.size
        while left:
            check_stop()
            count = file.readinto(buffer[:left])
            self.crc = zlib.crc32(buffer[:count], self.crc)
            left -= count
        self.compressed = self.member.size
        file.rewind()

    def deflate(self, file: SentFile, digest: Digest | None) -> Iterator[bytes]:
        """Yield the deflated bytes; sizes and CRC are known when it ends."""
        compressor = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
        buffer = memoryview(bytearray(min(BLOCK, self.member.size)))
        left = self.member.size
        while left:
            count = file.readinto(buffer[:left])
            read = buffer[:count]
            self.crc = zlib.crc32(read, self.crc)
            if digest is not None:
                digest.update(read)
            left -= count
            yield self._count(compressor.compress(read))
        file.check()
        yield self._count(compressor.flush())

    def _count(self, piece: bytes) -> bytes:
        self.compressed += len(piece)
        return piece

    def local(self) -> bytes:
        """The header before the bytes; when a descriptor follows them, size and CRC are zero."""
        version, sizes, extra = _PLAIN_VERSION, (self.compressed, self.compressed), b""
        if self.method == _DEFLATED:
            sizes = (0, 0)
        elif self.compressed >= _MASK_32:
            version, sizes, extra = _ZIP64_VERSION, (_MASK_32, _MASK_32), _zip64_extra(*sizes)
        return (
            _LOCAL.pack(
                b"PK\3\4",
                version,
                self.flags,
                self.method,
                *_dos_time(self.member.mtime),
                self.crc if self.method == _STORED else 0,
                *sizes,
                len(self.name),
                len(extra),
            )
            + self.name
            + extra
        )

    def descriptor(self) -> bytes:
        """What follows deflated bytes: CRC and sizes, as wide as Java expects them.

        Java looks at the counts alone, never for a ZIP64 mark in the local header, and so do we.
        """
        sizes = self.compressed, self.member.size
        layout = _DESCRIPTOR_64 if max(sizes) > _MASK_32 else _DESCRIPTOR
        return layout.pack(b"PK\7\x08", self.crc, *sizes)

    def central(self) -> bytes:
        """The record in the central directory."""
        numbers = self.member.size, self.compressed, self.offset
        large = [number for number in numbers if number >= _MASK_32]
        size, compressed, offset = (min(number, _MASK_32) for number in numbers)
        extra = _zip64_extra(*large) if large else b""
        version = _ZIP64_VERSION if extra else _PLAIN_VERSION
        return (
            _CENTRAL.pack(
                b"PK\1\2",
                _MADE_BY_UNIX | version,
                version,
                self.flags,
                self.method,
                *_dos_time(self.member.mtime),
                self.crc,
                compressed,
                size,
                len(self.name),
                len(extra),
                0,
                0,
                0,
                _REGULAR_FILE,
                offset,
            )
            + self.name
            + extra
        )


class DeflatedEntry(_Entry):
    """A member whose size is known only when its bytes have passed."""

    def __init__(self, member: Member, offset: int) -> None:
        super().__init__(member, _DEFLATED, offset)

    def pack(self, content: Iterable[Block]) -> Iterator[bytes]:
        """Yield the deflated bytes; sizes and CRC are known when it ends."""
        compressor = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
        size = 0
        for block in content:
            self.crc = zlib.crc32(block, self.crc)
            size += len(block)
            yield self._count(compressor.compress(block))
        yield self._count(compressor.flush())
        self.member = replace(self.member, size=size)


def end_of_directory(records: Sequence[bytes], offset: int) -> bytes:
    """Return what follows the directory records, which begin at `offset`."""
    return _end(len(records), sum(map(len, records)), offset)


def _stored_length(members: Sequence[Member]) -> int:
    """Return the length of the stored archive, and check every name on the way."""
    offset = directory = 0
    for member in members:
        entry = _Entry(member, _STORED, offset, compressed=member.size)
        directory += len(entry.central())
        offset += entry.length
    return offset + directory + len(_end(len(members), directory, offset))


def _encoded(member: Member) -> bytes:
    try:
        name = member.name.encode()
    except UnicodeEncodeError as error:
        raise UploadError(f"{member.path}: its name is not Unicode", member.path) from error
    if len(name) > _MASK_16:
        raise UploadError(f"{member.path}: its name is too long for a zip", member.path)
    return name


def _zip64_extra(*numbers: int) -> bytes:
    return struct.pack(f"<HH{len(numbers)}Q", 1, 8 * len(numbers), *numbers)


def _dos_time(mtime: int) -> tuple[int, int]:
    """Return time and date in the two numbers of a zip: local, even seconds, 1980 to 2107."""
    year, month, day, hour, minute, second, *_ = time.localtime(min(max(mtime, 0), _LATEST))
    if year < 1980:
        year, month, day, hour, minute, second = 1980, 1, 1, 0, 0, 0
    year = min(year, 2107)
    return hour << 11 | minute << 5 | second // 2, (year - 1980) << 9 | month << 5 | day


def _end(count: int, size: int, offset: int) -> bytes:
    """Return what follows the directory: it has `count` records and `size` bytes at `offset`."""
    zip64 = b""
    if count >= _MASK_16 or size >= _MASK_32 or offset >= _MASK_32:
        version = _ZIP64_VERSION
        body = _END_64.size - 12
        zip64 = _END_64.pack(
            b"PK\6\6", body, version, version, 0, 0, count, count, size, offset
        ) + _LOCATOR_64.pack(b"PK\6\7", 0, offset + size, 1)
    count, size, offset = min(count, _MASK_16), min(size, _MASK_32), min(offset, _MASK_32)
    return zip64 + _END.pack(b"PK\5\6", 0, 0, count, count, size, offset, 0)
