"""Standard input as a command reads it: the records that it can act on, of the one server."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

from xnat_core.bounds import is_bound, is_left
from xnat_core.errors import AuthenticationError, InvalidURLError, UsageError
from xnat_core.job_server import JobServer
from xnat_core.records import (
    Record,
    RecordError,
    failed,
    parse_line,
    passes_through,
    read_lines,
    require_names,
)


class JobInput:
    """The records of some `kinds`, of any kind without; `server` is None where none is used."""

    def __init__(self, tool: str, kinds: tuple[str, ...], server: JobServer | None) -> None:
        self._tool = tool
        self._kinds = kinds
        self._server = server

    def require(self, *, is_asked_for: bool) -> None:
        """Raise UsageError where standard input is closed, or is /dev/null and nobody asks for it.

        Where nobody types, as under cron, a variable that is empty would be a success otherwise.
        """
        if sys.stdin is None:
            raise UsageError("standard input is closed, and no object is named")
        if _is_null(sys.stdin) and not is_asked_for:
            raise UsageError(f"standard input is {os.devnull}, and no object is named")

    def records(self, emit: Callable[..., None]) -> Iterator[Record]:
        """What is to be acted on; all else goes to `emit`, as it is or as a failed record."""
        for number, line in read_lines(sys.stdin):
            try:
                record = parse_line(number, line)
                if record is None:
                    continue
                if passes_through(record) or is_left(record):
                    emit(record, passed=True)
                    continue
                self._accept(number, record)
            except RecordError as error:
                emit(failed({"kind": "input", "line": number}, error))
                continue
            yield record

    def _accept(self, number: int, record: Record) -> None:
        """Make a record one to act on. Raises RecordError naming the line."""
        kind = record.get("kind")
        if self._kinds and kind not in self._kinds:
            other = "and this has no kind" if kind is None else f"not {kind!r}"
            raise RecordError(
                f"line {number} of standard input: {self._tool} reads records of kind "
                f"{', '.join(self._kinds)}, {other}"
            )
        try:
            if self._kinds:
                require_names(record)
            if self._server is not None:
                self._server.accept(record)
        except (AuthenticationError, InvalidURLError, RecordError) as error:
            raise RecordError(f"line {number} of standard input: {error.message}") from None
        # What the tool before did to the object says nothing of what is done to it now.
        outcome = record.pop("outcome", None)
        record.pop("error", None)
        # Who feeds in again what a bound has left may have taken away the outcome, but not this.
        if outcome is not None or is_bound(record.get("reason")):
            record.pop("reason", None)


def is_fed() -> bool:
    """Whether a program may write into standard input: it is open, no terminal and not null."""
    return sys.stdin is not None and not sys.stdin.isatty() and not _is_null(sys.stdin)


def _is_null(stream: TextIO) -> bool:
    """Whether a stream is the device that is always empty."""
    try:
        return os.path.samestat(os.fstat(stream.fileno()), Path(os.devnull).stat())
    except (OSError, ValueError):  # not a stream of the system
        return False
