"""Standard output: in which format records go there, and what is wrong when they cannot."""

from __future__ import annotations

import os
import sys

from xnat_core.asked_keys import columns_of
from xnat_core.commandline import Args, Command
from xnat_core.errors import ConfigurationError, XNATCtlError
from xnat_core.writers import FORMATS, Facts, Identifiers, Json, Ndjson, Table, Tsv, Writer


class OutputError(XNATCtlError):
    """Standard output takes no more, a full disk for one."""


def output_error(error: OSError) -> Exception:
    """An error of standard output as one of this project; that of a closed pipe as it is."""
    if isinstance(error, BrokenPipeError):
        return error
    return OutputError(f"standard output: {error.strerror}")


def put_bytes(block: bytes) -> None:
    """Write bytes at once. Raises OutputError."""
    try:
        sys.stdout.buffer.write(block)
        sys.stdout.buffer.flush()
    except OSError as error:
        raise output_error(error) from None


def end_output(writer: Writer | None) -> None:
    """Write what is left, and learn what NFS tells only when a file is closed: a full quota, lost
    blocks. Raises OutputError."""
    try:
        if writer is not None:
            writer.close()
        sys.stdout.flush()
        if (copy := _copy()) is not None:
            os.close(copy)
    except OSError as error:
        raise output_error(error) from None


def _copy() -> int | None:
    """Another descriptor of standard output; None where that is closed or is no file."""
    try:
        return os.dup(sys.stdout.fileno())
    except (OSError, ValueError):
        return None


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
