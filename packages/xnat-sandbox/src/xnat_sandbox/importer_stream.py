"""Entries of archives, and reading them in blocks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from io import BufferedIOBase
from typing import BinaryIO, cast


@dataclass(frozen=True, slots=True)
class Entry:
    """A file on its way in: the name it has inside the archive, and its bytes."""

    name: str
    data: BinaryIO


class _Blocks(BufferedIOBase):
    """A binary stream over a function that hands out blocks, an empty one at the end."""

    def __init__(self, block: Callable[[], bytes]) -> None:
        self._block = block
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """`size` bytes, fewer only at the end."""
        wanted = -1 if size is None else size
        if 0 <= wanted <= len(self._rest):
            return self._cut(wanted)
        parts = [self._rest.tobytes()]
        have = len(self._rest)
        self._rest = memoryview(b"")
        while wanted < 0 or have < wanted:
            block = self._block()
            if not block:
                break
            if 0 <= wanted < have + len(block):
                self._rest = memoryview(block)
                block = self._cut(wanted - have)
            parts.append(block)
            have += len(block)
        return b"".join(parts)

    read1 = read

    def _cut(self, size: int) -> bytes:
        data, self._rest = self._rest[:size].tobytes(), self._rest[size:]
        return data


def from_blocks(block: Callable[[], bytes]) -> BinaryIO:
    """A stream over `block`, which is called for more until it answers nothing."""
    return cast(BinaryIO, _Blocks(block))
