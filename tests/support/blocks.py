"""Bodies for the tests of streams in both directions."""

from __future__ import annotations

from collections.abc import Iterator

from xnat_core.files import Block

MIB = 1 << 20
DATA = bytes(range(256)) * 10_000


class Made:
    """A body made of blocks, of a length that it may not keep."""

    content_type = "application/zip"

    def __init__(self, *blocks: bytes, length: int | None = None) -> None:
        self.blocks = blocks
        self.length = length
        self.iterations = 0

    def __iter__(self) -> Iterator[Block]:
        self.iterations += 1
        yield from self.blocks
