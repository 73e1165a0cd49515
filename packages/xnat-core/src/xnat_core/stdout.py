"""Standard output: in which format records go there, and what is wrong when they cannot."""

from __future__ import annotations

import os
import sys
from types import TracebackType

from xnat_core.asked_keys import columns_of
from xnat_core.commandline import Args, Command
from xnat_core.errors import ConfigurationError, XNATCtlError
from xnat_core.writers import FORMATS, Facts, Identifiers, Json, Ndjson, Table, Tsv, Writer


class OutputError(XNATCtlError):
    """Standard output takes no more, a full disk for one."""


class _OutputErrors:
    """Makes errors of standard output those of this project; entered for every record."""

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
            raise OutputError(f"standard output: {error.strerror}") from None


OUTPUT_ERRORS = _OutputErrors()


def end_output() -> None:
    """Write what is left, and learn what NFS tells only when a file is closed: a full quota, lost
    blocks. Raises OSError."""
    sys.stdout.flush()
    try:
        copy = os.dup(sys.stdout.fileno())
    except (OSError, ValueError):
        return  # Not a file of the system, or closed.
    os.close(copy)


def writer_of(args: Args, command: Command, layout: str) -> Writer:
    """The writer of the format asked for: a table for a terminal, else ndjson, where none is.

    Raises ConfigurationError for a format in the configuration that there is not.
    """
    stream = sys.stdout.buffer
    terminal = sys.stdout.isatty()
    asked = args.text("--output")
    if args.flag("--quiet") and not asked:
        return Identifiers(stream, command.identifier)
    chosen = asked or (_format_of_terminal() if terminal else None)
    headings = not args.flag("--no-headers")
    columns = columns_of(args) or command.columns
    if chosen == "json":
        return Json(stream, array=layout != "facts")
    if chosen == "tsv":
        return Tsv(stream, columns, headings=headings)
    if chosen == "table" and layout == "facts":
        return Facts(stream)
    if chosen == "table":
        return Table(
            stream,
            columns,
            headings=headings,
            whole=command.listing or not terminal,
            bold=terminal and not args.flag("--no-color") and _colour(),
            widest=command.widest,
        )
    return Ndjson(stream)


def _format_of_terminal() -> str:
    from xnat_core.config import Config

    chosen = Config.of_file().output_format
    if chosen not in FORMATS:
        raise ConfigurationError(
            f"output_format: {chosen!r} is none of {', '.join(FORMATS)}", "output_format", chosen
        )
    return str(chosen)


def _colour() -> bool:
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
