"""Printing for scripts that use the library: tables, facts, JSON, messages, progress.

The tools themselves speak in records; these are the documented helpers of `xnatctl.core.output`.
Data goes to standard output, everything else to standard error. Text of a server is never taken for
markup and cannot drive the terminal.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import Enum
from typing import TYPE_CHECKING, Any

from xnat_core import tables
from xnat_core.errors import ValidationError
from xnat_core.redaction import redact

if TYPE_CHECKING:
    from rich.progress import Progress

Row = Mapping[str, Any]
_IDENTIFIERS = ("id", "ID", "label", "name")


class OutputFormat(Enum):
    """How data are printed."""

    JSON = "json"
    TABLE = "table"

    @classmethod
    def from_string(cls, value: str) -> OutputFormat:
        """The format of that name, in any case. Raises ValidationError."""
        try:
            return cls(value.strip().lower())
        except ValueError:
            known = ", ".join(member.value for member in cls)
            raise ValidationError(
                f"unknown output format {value!r}: must be one of {known}", "format", value
            ) from None


def print_table(
    rows: Sequence[Row],
    columns: Sequence[str],
    *,
    title: str | None = None,
    column_labels: Mapping[str, str] | None = None,
) -> None:
    """Print rows under headings; without rows a notice goes to standard error."""
    if not rows:
        print_info("nothing to show")
        return
    labels = column_labels or {}
    headings = [labels.get(name) or tables.title(name) for name in columns]
    body = [[tables.cell(row.get(name)) for name in columns] for row in rows]
    _titled(title)
    for line in tables.table(body, headings):
        _out(line)


def print_key_value(
    data: Row, *, title: str | None = None, key_labels: Mapping[str, str] | None = None
) -> None:
    """Print a line for each key, `-` where nothing is known."""
    _titled(title)
    for line in tables.facts(data, key_labels):
        _out(line)


def print_json(data: Any, *, indent: int = 2) -> None:
    """Print JSON; what JSON does not know becomes text."""
    import json

    _out(tables.safe_json(json.dumps(data, indent=indent, default=str, ensure_ascii=False)))


def print_output(
    data: Any,
    *,
    format: OutputFormat = OutputFormat.TABLE,
    columns: Sequence[str] | None = None,
    column_labels: Mapping[str, str] | None = None,
    title: str | None = None,
    quiet: bool = False,
    id_field: str = "id",
) -> None:
    """Print an object or a list of objects in the format asked for; `quiet` prints identifiers."""
    rows = [data] if isinstance(data, Mapping) else list(data)
    if quiet:
        _print_identifiers(rows, id_field)
    elif format is OutputFormat.JSON:
        print_json(data if isinstance(data, Mapping) else rows)
    elif isinstance(data, Mapping):
        print_key_value(data, title=title, key_labels=column_labels)
    else:
        known = columns or list(dict.fromkeys(key for row in rows for key in row))
        print_table(rows, known, title=title, column_labels=column_labels)


def _print_identifiers(rows: Sequence[Mapping[str, Any]], id_field: str) -> None:
    for row in rows:
        found = (row.get(key) for key in (id_field, *_IDENTIFIERS))
        text = next((value for value in found if value not in (None, "")), None)
        if text is not None:
            _out(tables.safe(str(text)))


def print_error(message: str) -> None:
    """Tell of an error on standard error, secrets in URLs replaced."""
    _err(f"Error: {message}")


def print_warning(message: str) -> None:
    """Tell of something to know, on standard error."""
    _err(f"Warning: {message}")


def print_success(message: str) -> None:
    """Tell that it went well, on standard error."""
    _err(message)


def print_info(message: str) -> None:
    """Tell something, on standard error."""
    _err(message)


@contextmanager
def create_progress() -> Iterator[Progress]:
    """A progress display on standard error with `add_task` and `update`; silent off a terminal."""
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    with _drawn(*columns) as progress:
        yield progress


@contextmanager
def create_spinner() -> Iterator[Progress]:
    """A spinner on standard error with `add_task` and `update`; silent off a terminal."""
    from rich.progress import SpinnerColumn, TextColumn

    with _drawn(SpinnerColumn(), TextColumn("{task.description}", markup=False)) as progress:
        yield progress


class OutputFormatter:
    """The functions above under a format chosen once: `json`, `table` or `quiet`."""

    def __init__(self, format: str | OutputFormat = "table") -> None:
        self.quiet = format == "quiet"
        chosen = "table" if self.quiet else format
        self.format = (
            chosen if isinstance(chosen, OutputFormat) else OutputFormat.from_string(chosen)
        )

    def print_table(
        self,
        data: Sequence[Row],
        columns: Sequence[str] | None = None,
        *,
        title: str | None = None,
        column_labels: Mapping[str, str] | None = None,
    ) -> None:
        """Print rows in the chosen format."""
        print_output(
            data,
            format=self.format,
            columns=columns,
            column_labels=column_labels,
            title=title,
            quiet=self.quiet,
        )

    def print_json(self, data: Any, *, indent: int = 2) -> None:
        """Print JSON, whatever the format."""
        print_json(data, indent=indent)


@contextmanager
def _drawn(*columns: Any) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        yield progress


def _titled(title: str | None) -> None:
    if title:
        _out(tables.safe(title))


def _out(line: str) -> None:
    sys.stdout.write(line + "\n")


def _err(line: str) -> None:
    if sys.stderr is not None:
        sys.stderr.write(tables.safe(redact(line)) + "\n")
