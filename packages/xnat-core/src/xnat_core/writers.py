"""Records on their way out: ndjson, json, table, tsv, or identifiers alone.

Each writer is given one record at a time and the stream is flushed after each, except where the
format needs all of them first: a table of a listing, and sorted output.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO, Protocol

import orjson

from xnat_core import tables
from xnat_core.bounds import is_left
from xnat_core.errors import UsageError
from xnat_core.records import Record, as_text

FORMATS = ("ndjson", "json", "table", "tsv")
_FALLBACK_IDENTIFIERS = ("id", "ID", "label", "name", "path", "uri")

# The width with which a column begins when its rows are written before all are known.
_ROOM = {
    "bytes": 9,
    "check": 22,
    "id": 12,
    "label": 16,
    "name": 16,
    "path": 24,
    "session": 12,
    "subject": 16,
}

_SURROGATE = re.compile("[\ud800-\udfff]")
# In UTF-8: U+0080 to U+009F, and the marks that turn the direction of writing.
_STEERING = re.compile(rb"\xc2[\x80-\x9f]|\xe2\x80[\x8e\x8f\xaa-\xae]|\xe2\x81[\xa6-\xa9]")
_NUMBERS = re.compile(r"(\d+)")


class Writer(Protocol):
    """Where records go."""

    def write(self, record: Record) -> None:
        """Take one record."""

    def close(self) -> None:
        """Write what must come last."""


class Ndjson:
    """One object a line."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, record: Record) -> None:
        self._stream.write(_encoded(record, orjson.OPT_APPEND_NEWLINE))
        self._stream.flush()

    def close(self) -> None:
        self._stream.flush()


class Json:
    """One array of objects, or the bare object of a command that has one answer.

    Such a command can be asked about several things: then they are an array, too.
    """

    def __init__(self, stream: BinaryIO, *, array: bool) -> None:
        self._stream = stream
        self._array = array
        self._alone: bytes | None = None
        """The first answer where one is expected, until it is known to be the only one."""
        self._count = 0

    def write(self, record: Record) -> None:
        text = _encoded(record, orjson.OPT_INDENT_2)
        if not self._array and self._alone is None:
            self._alone = text
            return
        if self._alone is not None:
            first, self._alone, self._array = self._alone, None, True
            self._add(first)
        self._add(text)
        self._stream.flush()

    def close(self) -> None:
        if self._array:
            self._stream.write(b"\n]\n" if self._count else b"[]\n")
        elif self._alone is not None:
            self._stream.write(self._alone + b"\n")
        self._stream.flush()

    def _add(self, text: bytes) -> None:
        begin = b",\n  " if self._count else b"[\n  "
        self._count += 1
        self._stream.write(begin + text.replace(b"\n", b"\n  "))


class Tsv:
    """A heading and one line a record; tabs and line ends in values are escaped."""

    def __init__(self, stream: BinaryIO, columns: Sequence[str], *, headings: bool) -> None:
        self._stream = stream
        self._columns = tuple(columns)
        self._headings = headings

    def write(self, record: Record) -> None:
        if not self._columns:
            self._columns = tuple(record)
        if self._headings:
            self._line(self._columns)
            self._headings = False
        self._line([as_text(record.get(name)) for name in self._columns])

    def close(self) -> None:
        if self._headings and self._columns:
            self._line(self._columns)
        self._stream.flush()

    def _line(self, texts: Sequence[str]) -> None:
        line = "\t".join(tables.safe(text) for text in texts)
        self._stream.write(line.encode("utf-8", "replace") + b"\n")
        self._stream.flush()


class Identifiers:
    """The identifier alone; not of failures, which are told on standard error, nor of what a bound
    has left: who reads only names takes them for done."""

    def __init__(self, stream: BinaryIO, key: str) -> None:
        self._stream = stream
        self._keys = (key, *_FALLBACK_IDENTIFIERS)

    def write(self, record: Record) -> None:
        if record.get("outcome") == "failed" or is_left(record):
            return
        text = self._identifier(record)
        if text:
            self._stream.write(tables.safe(text).encode("utf-8", "replace") + b"\n")
            self._stream.flush()

    def close(self) -> None:
        self._stream.flush()

    def _identifier(self, record: Mapping[str, Any]) -> str:
        if "/" in self._keys[0]:
            return "/".join(as_text(record.get(part)) for part in self._keys[0].split("/"))
        return next((as_text(record[k]) for k in self._keys if record.get(k) is not None), "")


class Table:
    """A table: drawn when all is there, or with `whole` false a line as each object is done."""

    def __init__(
        self,
        stream: BinaryIO,
        columns: Sequence[str],
        *,
        headings: bool,
        whole: bool,
        bold: bool,
        widest: Mapping[str, int] | None = None,
    ) -> None:
        self._stream = stream
        self._columns = tuple(columns)
        self._headings = headings
        self._whole = whole
        self._bold = bold
        self._widest = widest or {}
        self._rows: list[list[str]] = []
        self._widths: list[int] = []

    def write(self, record: Record) -> None:
        if not self._columns:
            self._columns = tuple(k for k in record if k not in ("kind", "server", "uri"))
        elif "outcome" in record and "outcome" not in self._columns:
            self._columns = (*self._columns, "outcome")
        row = [self._cell(record, name) for name in self._columns]
        if self._says_nothing(record, row):
            return
        if self._whole:
            self._rows.append(row)
        else:
            self._line(row)

    def close(self) -> None:
        if self._rows:
            headings = [tables.title(c) for c in self._columns] if self._headings else None
            rows = [row + [""] * (len(self._columns) - len(row)) for row in self._rows]
            for number, line in enumerate(tables.table(rows, headings, terminal_width())):
                self._put(line, heading=number == 0 and self._headings)
        self._stream.flush()

    def _cell(self, record: Record, name: str) -> str:
        text = tables.cell(record.get(name))
        return tables.cut(text, self._widest[name]) if name in self._widest else text

    def _says_nothing(self, record: Record, row: list[str]) -> bool:
        """Whether nothing is known of an object but its failure, which standard error tells."""
        if record.get("outcome") != "failed" and "kind" not in self._columns:
            return False
        cells = zip(self._columns, row, strict=True)
        return not any(text for name, text in cells if name not in ("kind", "outcome"))

    def _line(self, row: list[str]) -> None:
        if not self._widths:
            titles = [tables.title(name) for name in self._columns]
            self._widths = [max(len(t), tables.width(c)) for t, c in zip(titles, row, strict=True)]
            roomy = [
                max(w, _ROOM.get(c, 0)) for w, c in zip(self._widths, self._columns, strict=True)
            ]
            if sum(roomy) + 2 * len(roomy) <= (terminal_width() or 0):
                self._widths = roomy
            if self._headings:
                self._put(_padded(titles, self._widths), heading=True)
        self._widths += [0] * (len(row) - len(self._widths))
        self._widths = [max(w, tables.width(c)) for w, c in zip(self._widths, row, strict=True)]
        self._put(_padded(row, self._widths))
        self._stream.flush()

    def _put(self, line: str, *, heading: bool = False) -> None:
        if heading and self._bold:
            line = f"\x1b[1m{line}\x1b[0m"
        self._stream.write(line.encode("utf-8", "replace") + b"\n")


class Facts:
    """What is known of one object, a line each."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._written = False

    def write(self, record: Record) -> None:
        if record.get("outcome") == "failed":
            return  # Told on standard error.
        shown = {k: v for k, v in record.items() if k not in ("kind", "outcome")}
        lines = list(tables.facts(shown))
        text = ("\n" if self._written else "") + "\n".join(lines) + "\n"
        self._stream.write(text.encode("utf-8", "replace"))
        self._stream.flush()
        self._written = True

    def close(self) -> None:
        self._stream.flush()


class Sorted:
    """Holds all records, for `--sort-by` needs them, and writes the first `limit` at the end."""

    def __init__(self, writer: Writer, key: str, limit: int | None) -> None:
        self._writer = writer
        self._key, _, direction = key.partition(":")
        if direction not in ("", "asc", "desc"):
            raise UsageError(f"--sort-by {key}: must be KEY, KEY:asc or KEY:desc")
        self._limit = limit
        self._downwards = direction == "desc"
        self._records: list[Record] = []

    def write(self, record: Record) -> None:
        self._records.append(record)

    def close(self) -> None:
        self.released().close()

    def released(self) -> Writer:
        """Write what is held, and return the writer that has it now."""
        self._records.sort(key=lambda r: natural(r.get(self._key)), reverse=self._downwards)
        left = len(self._records) if self._limit is None else self._limit
        for record in self._records:
            failed = record.get("outcome") == "failed"
            if failed or left > 0:
                self._writer.write(record)
            left -= not failed
        return self._writer


def _encoded(record: Record, option: int) -> bytes:
    try:
        text = orjson.dumps(record, default=str, option=option)
    except TypeError:
        # Names of local files may hold bytes that are no text in any encoding; what servers keep
        # may hold half a surrogate pair, and numbers of more than 64 bits.
        text = orjson.dumps(_as_unicode(record), default=str, option=option)
    # JSON escapes only the controls of ASCII; a terminal obeys others, too.
    return text if text.isascii() else _STEERING.sub(_escaped, text)


def _escaped(found: re.Match[bytes]) -> bytes:
    return b"\\u%04x" % ord(found[0].decode())


def _as_unicode(value: Any) -> Any:
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, int) and value.bit_length() > 63:
        return str(value)
    if isinstance(value, dict):
        return {_as_unicode(key): _as_unicode(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_as_unicode(member) for member in value]
    return value


def natural(value: Any) -> list[Any]:
    """A sort key under which scan 2 comes before scan 10, and nothing comes first."""
    if isinstance(value, (int, float)):
        return ["", value, ""]
    # Texts and numbers take turns, so that only like is compared with like.
    parts: list[Any] = _NUMBERS.split(value if value.__class__ is str else as_text(value))
    try:
        parts[1::2] = map(int, parts[1::2])
    except ValueError:
        # Python reads no whole number of thousands of digits.
        parts[1::2] = map(float, parts[1::2])
    return parts


def terminal_width() -> int | None:
    """Columns of the terminal on standard output; None when it is none: nothing is cut then."""
    try:
        return shutil.get_terminal_size().columns if os.isatty(1) else None
    except OSError:
        return None


def _padded(row: Sequence[str], widths: Sequence[int]) -> str:
    texts = (
        text + " " * max(0, columns - tables.width(text))
        for text, columns in zip(row, (*widths, *[0] * len(row)), strict=False)
    )
    return "  ".join(texts).rstrip()
