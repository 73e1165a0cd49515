"""Tables as the server sends them: every value a string, in JSON, CSV, XML or HTML."""

from __future__ import annotations

import csv
import html
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr

from werkzeug.wrappers import Request, Response

from .context import Context
from .responses import streamed

CHUNK = 1 << 16


@dataclass(slots=True)
class ResultSet:
    """A table on its way out; `rows` may be a generator."""

    columns: Sequence[str]
    rows: Iterable[Sequence[object]]
    title: str = ""
    total: int | None = None
    extras: Mapping[str, str] = field(default_factory=dict)
    link_columns: Sequence[str] = ()


def cell(value: object) -> str:
    """A value as text: nothing for null, lower case for booleans."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def answer(request: Request, context: Context, table: ResultSet) -> Response:
    """The table in the format asked for, streamed."""
    match table_format(request, context):
        case "csv":
            return streamed(_gathered(_csv(table)), "text/csv")
        case "xml":
            return streamed(_gathered(_xml(table)), "text/xml")
        case "html":
            return streamed(_gathered(_html(table)), "text/html")
        case _:
            return streamed(_gathered(_json(table)), "application/json")


def table_format(request: Request, context: Context) -> str:
    """`json`, `xml`, `html` or `csv`: what `format` says, else what Accept prefers."""
    short = {"application/json": "json", "text/xml": "xml", "text/html": "html", "text/csv": "csv"}
    wanted = short.get(context.format, context.format)
    if wanted:
        return wanted if wanted in short.values() else "json"
    best = request.accept_mimetypes.best_match(
        ["application/json", "text/html", "text/xml", "application/xml"], "application/json"
    )
    return short.get(best, "xml")


def _json(table: ResultSet) -> Iterator[str]:
    quote = json.JSONEncoder(ensure_ascii=False).encode
    yield '{"ResultSet":{'
    if table.link_columns:
        links = [{"key": name, "serverRoot": ""} for name in table.link_columns]
        yield f'"Columns":{json.dumps(links, separators=(",", ":"))},'
    yield '"Result":['
    # Keys are encoded once: a listing of many thousand rows is mostly this loop.
    keys = [f"{quote(name)}:" for name in table.columns]
    first = True
    for row in table.rows:
        cells = ",".join([key + quote(cell(value)) for key, value in zip(keys, row, strict=True)])
        yield f"{{{cells}}}" if first else f",\n{{{cells}}}"
        first = False
    yield "]"
    if table.title:
        yield f', "title": {quote(table.title)}'
    for name, value in table.extras.items():
        yield f", {quote(name)}: {quote(value)}"
    if table.total is not None:
        yield f', "totalRecords": "{table.total}"'
    yield "}}"


def _csv(table: ResultSet) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(table.columns)
    for row in table.rows:
        writer.writerow([cell(value).replace("\r", "").replace("\n", "") for value in row])
        if buffer.tell() > CHUNK:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def _xml(table: ResultSet) -> Iterator[str]:
    yield f"<ResultSet title={quoteattr(table.title)}><results><columns>"
    for name in table.columns:
        yield f"<column>{escape(name)}</column>"
    yield "</columns><rows>"
    for row in table.rows:
        cells = "".join(f"<cell>{escape(cell(value))}</cell>" for value in row)
        yield f"<row>{cells}</row>"
    yield "</rows></results></ResultSet>"


def _html(table: ResultSet) -> Iterator[str]:
    heads = "".join(f"<th>{html.escape(name)}</th>" for name in table.columns)
    yield f"<html><body><h1>{html.escape(table.title)}</h1><table><tr>{heads}</tr>"
    for row in table.rows:
        cells = "".join(f"<td>{html.escape(cell(value))}</td>" for value in row)
        yield f"<tr>{cells}</tr>"
    yield "</table></body></html>"


def _gathered(parts: Iterator[str]) -> Iterator[bytes]:
    """The parts in blocks worth a system call."""
    waiting: list[str] = []
    size = 0
    for part in parts:
        waiting.append(part)
        size += len(part)
        if size > CHUNK:
            yield "".join(waiting).encode()
            waiting, size = [], 0
    yield "".join(waiting).encode()
