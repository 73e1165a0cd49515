"""The data set of an instance as it is to be sent: some bytes, then the rest from a file."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import IO, NamedTuple

from xnat_core.errors import UploadError
from xnat_cstore.instance import Instance

_ONE_CALL = 512
"""How many buffers one system call fills; the limit of Linux is 1024."""


class Source(NamedTuple):
    """A file and the data set in it, which ends before `end` and is written in `syntax`.

    `mtime_ns` is None where nobody else can write to the file.
    """

    file: IO[bytes]
    path: Path
    start: int
    end: int
    syntax: str
    mtime_ns: int | None = None


class Payload:
    """`head`, then the rest of a file, then padding; close it, or use it as a context."""

    def __init__(self, source: Source, head: bytes = b"") -> None:
        size = len(head) + source.end - source.start
        # Fragments of odd length are forbidden, and a deflated data set may be odd (PS3.5 A.5).
        self._tail = b"\0" * (size % 2)
        self.size = size + len(self._tail)
        self.syntax = source.syntax
        self._file = source.file
        self._path = source.path
        self._mtime_ns = source.mtime_ns
        self._position = source.start
        self._left = source.end - source.start
        self._head = memoryview(head)

    def __enter__(self) -> Payload:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()

    def fill(self, slots: list[memoryview]) -> None:
        """Fill all slots with what comes next. Raises UploadError when the file has changed.

        The file is read straight into the slots, by few system calls. Whether it is the same still
        is looked at before its end is sent: what never ends is not kept by the receiver.
        """
        waiting = _without(slots, self._take_head(slots))
        room = sum(len(slot) for slot in waiting)
        beyond = room - self._left
        if beyond > 0:
            last = waiting[-1]
            last[len(last) - beyond :] = self._tail
            waiting = [*waiting[:-1], *filter(len, [last[: len(last) - beyond]])]
        while waiting:
            count = self._read(waiting[:_ONE_CALL])
            if not count:
                raise UploadError(f"{self._path}: became shorter while it was sent", self._path)
            self._position += count
            self._left -= count
            waiting = _without(waiting, count)
        if not self._left and self._mtime_ns is not None:
            self._check()

    def _check(self) -> None:
        if os.fstat(self._file.fileno()).st_mtime_ns != self._mtime_ns:
            raise UploadError(f"{self._path}: was written to while it was sent", self._path)

    def _take_head(self, slots: list[memoryview]) -> int:
        taken = 0
        for slot in slots:
            part = self._head[: len(slot)]
            if not part:
                break
            slot[: len(part)] = part
            self._head = self._head[len(part) :]
            taken += len(part)
        return taken

    def _read(self, slots: list[memoryview]) -> int:
        try:
            if hasattr(os, "preadv"):
                return os.preadv(self._file.fileno(), slots, self._position)
            self._file.seek(self._position)
            return self._file.readinto(slots[0]) or 0  # type: ignore[attr-defined]  # a raw file
        except OSError as error:
            raise UploadError(f"{self._path}: {error.strerror}", self._path) from error


def opened(instance: Instance) -> Source:
    """The data set of an instance. Raises UploadError, also when it is not what was scanned."""
    try:
        file = instance.path.open("rb", buffering=0)
    except OSError as error:
        raise UploadError(f"{instance.path}: {error.strerror}", instance.path) from error
    found = os.fstat(file.fileno())
    if (found.st_size, found.st_mtime_ns) != (instance.size, instance.mtime_ns):
        file.close()
        raise UploadError(f"{instance.path}: changed since it was looked at", instance.path)
    place = instance.offset, instance.size
    return Source(file, instance.path, *place, instance.syntax, instance.mtime_ns)


def _without(slots: list[memoryview], count: int) -> list[memoryview]:
    """What remains of the slots when `count` bytes are filled."""
    for index, slot in enumerate(slots):
        if count < len(slot):
            return [slot[count:], *slots[index + 1 :]]
        count -= len(slot)
    return []
