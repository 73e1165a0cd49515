"""Bounds of one run: so many bytes, so many items, so much time.

What a bound leaves over is `skipped` with the bound as `reason`, which is no failure: the same
command takes it up. Bytes and items bound what is begun; what has begun is brought to its end. An
object is begun when it turns out that something is to be done for it: if those counted that are
there already, the same command would never come to the others.

Time bounds also the pieces of an object, its files or requests, for a session may take longer than
the job that it is in: a piece that has begun is finished, and the object is `skipped` without the
rest.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from xnat_core.errors import UsageError, XNATCtlError
from xnat_core.records import Record, skipped

if TYPE_CHECKING:
    from xnat_core.commandline import Args

T = TypeVar("T")
Begin = Callable[[], None]
"""Says that something is to be done for an object; raises BoundReached when another run is to."""

OPTIONS = ("--max-bytes", "--max-items", "--max-duration")
REASONS = frozenset(name.removeprefix("--") for name in OPTIONS)
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?", re.I)
_TIME = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?", re.I)


def is_left(record: Mapping[str, Any]) -> bool:
    """Whether a bound has left this record for another run."""
    return record.get("outcome") == "skipped" and is_bound(record.get("reason"))


def is_bound(reason: object) -> bool:
    """Whether a `reason` is one of the bounds."""
    return str(reason) in REASONS


class BoundReached(XNATCtlError):
    """An object was left when some of its pieces were done; another run brings the rest."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"stopped at --{reason}; the same command goes on")
        self.reason = reason

    def left(self, record: Record, **facts: Any) -> Record:
        """The record of the object."""
        return skipped(record, reason=self.reason, **facts)


class Bounds:
    """The bounds of one run and what has been used of them. Thread-safe."""

    def __init__(
        self,
        most_bytes: float | None = None,
        most_items: int | None = None,
        seconds: float | None = None,
    ) -> None:
        self._most_bytes = most_bytes
        self._most_items = most_items
        self._end = None if seconds is None else time.monotonic() + seconds
        self._bytes = 0
        self._items = 0
        self._lock = threading.Lock()

    @classmethod
    def of(cls, args: Args) -> Bounds:
        """Read the options. Raises UsageError."""
        most_bytes = args.text("--max-bytes")
        seconds = args.text("--max-duration")
        return cls(
            None if most_bytes is None else size_of(most_bytes, "--max-bytes"),
            args.whole("--max-items", least=0),
            None if seconds is None else seconds_of(seconds, "--max-duration"),
        )

    def admit(self) -> str | None:
        """The bound that does not let anything begin; None while something may."""
        with self._lock:
            return self._reached()

    def begin(self) -> None:
        """Say, once, that something is to be done for an object: it counts.

        Raises BoundReached when another run is to do it.
        """
        self.beginner()()

    def beginner(self) -> Begin:
        """The same for an object of many pieces: to be called for each, from any thread.

        The first time it counts the object.
        """
        begun = False

        def begin() -> None:
            nonlocal begun
            with self._lock:
                if begun:
                    return
                if (reason := self._reached()) is not None:
                    raise BoundReached(reason)
                self._items += 1
                begun = True

        return begin

    def check_time(self) -> None:
        """Between two pieces of an object. Raises BoundReached when the time is over."""
        if self._is_over():
            raise BoundReached("max-duration")

    def in_time(self, pieces: Iterable[T]) -> Iterator[T]:
        """The pieces of an object that may be begun. Raises BoundReached instead of the rest."""
        for piece in pieces:
            self.check_time()
            yield piece

    def used(self, record: Mapping[str, Any]) -> None:
        """Count the bytes of a finished piece of work."""
        moved = record.get("bytes")
        if record.get("outcome") == "done" and isinstance(moved, int):
            with self._lock:
                self._bytes += moved

    def _reached(self) -> str | None:
        if self._is_over():
            return "max-duration"
        if self._most_bytes is not None and self._bytes >= self._most_bytes:
            return "max-bytes"
        if self._most_items is not None and self._items >= self._most_items:
            return "max-items"
        return None

    def _is_over(self) -> bool:
        return self._end is not None and time.monotonic() >= self._end


UNBOUNDED = Bounds()


def size_of(text: str, name: str) -> float:
    """Bytes: `500`, `20G` and `20GB` in powers of ten, `20Gi` of two. Raises UsageError."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"{name} {text}: must be a size like 500M, 20G or 2Ti")
    number, unit, binary = match.groups()
    return float(number) * float(1024 if binary else 1000) ** " kmgt".index(unit.lower() or " ")


def seconds_of(text: str, name: str) -> float:
    """Seconds: `90`, `90s`, `45m`, `3h30m`, `1d`. Raises UsageError."""
    match = _TIME.fullmatch(text.strip())
    if match is None or not text.strip():
        raise UsageError(f"{name} {text}: must be a time like 90s, 45m or 3h30m")
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
