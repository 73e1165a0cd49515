"""Bytes that arrive once, in blocks of any size, taken in the portions that a format wants."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import IO

from xnat_core.errors import XNATCtlError
from xnat_core.files import BLOCK, Block, blocks_of

Fail = Callable[[str], XNATCtlError]

_GZIP = b"\x1f\x8b"
_HEAD = 64
_PAGES = (b"<!doctype html", b"<html")


class Source:
    """A stream that is looked at and taken from; holds one block.

    `fail` makes the error for a stream that ends early, from a sentence without a full stop.
    """

    def __init__(self, blocks: Iterable[Block] | IO[bytes], fail: Fail) -> None:
        self.fail = fail
        self.position = 0
        self._blocks = blocks_of(blocks)
        self._rest = memoryview(b"")

    def look(self) -> memoryview:
        """Return what is at hand, nothing taken; empty only at the end of the stream."""
        while not self._rest and (block := next(self._blocks, None)) is not None:
            self._rest = memoryview(block)
        return self._rest

    def peek(self, size: int) -> bytes:
        """Return the next `size` bytes, nothing taken; fewer only before the end of the stream."""
        while len(self._rest) < size and (block := next(self._blocks, None)) is not None:
            self._rest = memoryview(bytes(self._rest) + bytes(block))
        return bytes(self._rest[:size])

    def refuse_page(self) -> None:
        """Raise when the stream is a web page: the one that asks to log in comes with 200, too."""
        if self.peek(_HEAD).lstrip().lower().startswith(_PAGES):
            raise self.fail("a web page came instead of an archive; the log-in may have ended")

    def skip(self, size: int) -> None:
        """Take bytes that `look` or `peek` has shown."""
        self._rest = self._rest[size:]
        self.position += size

    def some(self, limit: int) -> memoryview:
        """Take what is at hand, at most `limit` bytes and 1 MiB; empty at the end of the stream."""
        taken = self.look()[: min(limit, BLOCK)]
        self.skip(len(taken))
        return taken

    def exactly(self, size: int, what: str) -> bytes:
        """Take `size` bytes; raises when the stream ends first, within `what`."""
        taken = self.peek(size)
        if len(taken) < size:
            raise self.fail(f"the archive is cut short in {what}")
        self.skip(size)
        return taken

    def drain(self) -> None:
        """Take the rest."""
        while self.some(BLOCK):
            pass


def ungzipped(source: Source) -> Source:
    """Return the source, decompressed where it begins like gzip; a cut or broken gzip raises."""
    if source.peek(len(_GZIP)) != _GZIP:
        return source
    return Source(_gunzip(source), source.fail)


def _gunzip(source: Source) -> Iterator[bytes]:
    while source.look():
        decompressor = zlib.decompressobj(zlib.MAX_WBITS | 16)
        while not decompressor.eof:
            yield inflate(decompressor, source, source.look(), "its gzip layer")


def inflate(
    decompressor: zlib._Decompress, source: Source, available: memoryview, what: str
) -> bytes:
    """Feed some of what is available, take what was used, return at most 1 MiB of output.

    The input comes in small portions: zlib copies what it could not use yet each time.
    """
    fed = available[: BLOCK >> 4]
    try:
        output = decompressor.decompress(fed, BLOCK)
    except zlib.error as error:
        raise source.fail(f"the archive is damaged in {what}: {error}") from error
    # Output may be left when all input has been taken; only without either it is cut.
    if not fed and not output and not decompressor.eof:
        raise source.fail(f"the archive is cut short in {what}")
    # At the end of the data, `unconsumed_tail` may repeat what `unused_data` has.
    left = decompressor.unused_data if decompressor.eof else decompressor.unconsumed_tail
    source.skip(len(fed) - len(left))
    return output
