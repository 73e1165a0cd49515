"""Request bodies: what a request sends, and can send again."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from xnat_core.errors import UploadError
from xnat_core.files import BLOCK, Block, Digest, SentFile
from xnat_core.parallel import check_stop


class Body(Protocol):
    """Bytes for a request, from their beginning at each iteration, so that a retry rewinds.

    A block belongs to the receiver and is not changed afterwards. There is no `len()`: Python would
    take it for the number of blocks, and reserve as many places to collect them.
    """

    @property
    def length(self) -> int | None:
        """Exact number of bytes, or None when it is not known before they are made."""

    @property
    def content_type(self) -> str:
        """MIME type."""

    def __iter__(self) -> Iterator[Block]:
        """Iterate over blocks of about 1 MiB; raises `UploadError` when a file cannot be sent."""


class BytesBody:
    """Bytes at hand."""

    def __init__(self, data: bytes, content_type: str = "application/octet-stream") -> None:
        self._data = data
        self.length = len(data)
        self.content_type = content_type

    def __iter__(self) -> Iterator[Block]:
        view = memoryview(self._data)
        for start in range(0, len(view), BLOCK):
            yield view[start : start + BLOCK]


class FileBody:
    """One local file, of the size that it has now.

    Iterating raises `UploadError` when the file has another size then, or is written to meanwhile.
    """

    def __init__(self, path: Path, content_type: str = "application/octet-stream") -> None:
        self.path = path
        self.length = regular(path).st_size
        self.content_type = content_type

    def __iter__(self) -> Iterator[Block]:
        blocks = Blocks()
        with SentFile(self.path, self.length) as file:
            yield from blocks.file(file)
        yield from blocks.rest()


class WatchedBody:
    """A body that tells a progress reporter each block it has given.

    A second iteration takes back what the first one reported: the count never exceeds the length.
    So does `take_back`, for a request that came to nothing.
    """

    def __init__(self, body: Body, watch: Callable[[int], None]) -> None:
        self._body = body
        self._watch = watch
        self._told = 0
        self.content_type = body.content_type

    @property
    def length(self) -> int | None:
        """Number of bytes."""
        return self._body.length

    def take_back(self) -> None:
        """Tell that what has left so far was for nothing."""
        self._watch(-self._told)
        self._told = 0

    def __iter__(self) -> Iterator[Block]:
        self.take_back()
        for block in self._body:
            yield block
            self._told += len(block)
            self._watch(len(block))


def regular(path: Path) -> os.stat_result:
    """Look at a file; raises `UploadError` when it is not there or not a regular one."""
    try:
        found = path.stat()
    except OSError as error:
        raise UploadError(f"{path}: {error.strerror}", path) from error
    if not stat.S_ISREG(found.st_mode):
        raise UploadError(f"{path}: not a regular file", path)
    return found


class Blocks:
    """Gathers headers, small files and pieces of large ones in blocks of exactly 1 MiB.

    Files are read straight to their place in the block; a socket write is never small.
    """

    def __init__(self) -> None:
        self._view = memoryview(bytearray(BLOCK))
        self._used = 0

    def data(self, data: Block) -> Iterator[Block]:
        """Add bytes; yields the blocks that they fill."""
        done = 0
        while done < len(data):
            piece = data[done : done + BLOCK - self._used]
            self._view[self._used : self._used + len(piece)] = piece
            done += len(piece)
            yield from self._grow(len(piece))

    def file(self, file: SentFile, digest: Digest | None = None) -> Iterator[Block]:
        """Add a whole file and check it before its last bytes leave; yields the filled blocks."""
        left = file.size
        while left:
            free = self._view[self._used : self._used + left]
            count = file.readinto(free)
            if digest is not None:
                digest.update(free[:count])
            left -= count
            if not left:
                file.check()
            yield from self._grow(count)

    def rest(self) -> Iterator[Block]:
        """Yield what is left, less than a block."""
        if self._used:
            yield self._view[: self._used]

    def _grow(self, count: int) -> Iterator[Block]:
        self._used += count
        if self._used == BLOCK:
            check_stop()
            full = self._view
            # A new one each time: a reused block would change under a consumer that keeps it.
            self._view = memoryview(bytearray(BLOCK))
            self._used = 0
            yield full
