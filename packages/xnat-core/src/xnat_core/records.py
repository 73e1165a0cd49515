"""The record protocol: one JSON object on one line, read and made here.

A record's keys stand in the order `kind`, `server`, `uri`, identifiers, parents, facts, `outcome`,
`error`. `outcome` is there only when a tool acted: `done`, `skipped`, `planned` or `failed`.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, BinaryIO

import orjson

from xnat_core.errors import UsageError, XNATCtlError

Record = dict[str, Any]

LONGEST_LINE = 16 << 20
# So many levels of nesting orjson can write; it reads four times as many.
_DEEP = 250
_BLOCK = 1 << 16
# Keys that name an object or its parents; below, by which of them each kind can be found.
_NAMES = (
    *("uri", "id", "label", "name", "path"),
    *("project", "subject", "subject_id", "session", "session_id", "scan", "resource"),
)
_FOUND_BY = {
    "project": ("id", "label"),
    "subject": ("id", "label"),
    "session": ("id", "label"),
    "scan": ("id",),
    "resource": ("label", "uri"),
    "file": ("uri", "path", "name"),
}


class RecordError(XNATCtlError):
    """A line of standard input that this tool cannot use."""


def done(record: Mapping[str, Any], **facts: Any) -> Record:
    """The record of an object on which the work was done."""
    return _with_outcome(record, "done", facts)


def skipped(record: Mapping[str, Any], **facts: Any) -> Record:
    """The record of an object on which nothing needed to be done."""
    return _with_outcome(record, "skipped", facts)


def planned(record: Mapping[str, Any], **facts: Any) -> Record:
    """The record of what a dry run would have done."""
    return _with_outcome(record, "planned", facts)


def failed(record: Mapping[str, Any], error: XNATCtlError, **facts: Any) -> Record:
    """The record of an object on which the work failed, and why."""
    return {**_with_outcome(record, "failed", facts), "error": error_facts(error)}


def error_facts(error: XNATCtlError) -> Record:
    """What the `error` key of a failed record holds."""
    from xnat_core.redaction import redact

    return {
        "type": type(error).__name__,
        "message": redact(error.message),
        "exit_status": error.exit_status,
    }


def identity(record: Mapping[str, Any]) -> str:
    """How a message names the object of a record: `scan MR1/4`, `file a.dcm`."""
    kind = str(record.get("kind", "record"))
    if kind == "scan" and record.get("id") is not None:
        return f"scan {record.get('session') or record.get('session_id') or '?'}/{record['id']}"
    for key in ("label", "id", "name", "username", "path", "uri"):
        if record.get(key) not in (None, ""):
            value = record[key]
            name = ", ".join(map(as_text, value)) if isinstance(value, list) else as_text(value)
            return f"{kind} {name}"
    return kind


def failure_text(record: Mapping[str, Any]) -> str:
    """What a person is told of a failed record: the message, naming the object in any case."""
    error = record.get("error") or {}
    message = str(error.get("message", "failed"))
    name = identity(record)
    kind, _, plain = name.partition(" ")
    # The record has a path as it was given; the message has it without the `./` in front.
    named = (plain.removeprefix("./") or name) in message
    if named or kind == "input":
        return message
    return f"{name}: {message.removeprefix(f'{kind}: ')}"


def record_of(item: object) -> Record:
    """The record of something that is worked on: itself, or its attribute `record`."""
    if isinstance(item, dict):
        return item
    record = getattr(item, "record", None)
    return dict(record) if isinstance(record, dict) else {"kind": "item", "name": str(item)}


def passes_through(record: Mapping[str, Any]) -> bool:
    """Whether a tool must hand the record on without acting on it."""
    return record.get("outcome") in ("failed", "planned") or record.get("dry_run") is True


def of_dry_run(record: Record) -> Record:
    """The record as a dry run hands it on.

    Also what needed nothing is marked: the next tools of the pipeline would act on it, and a dry
    run must stay dry to its end.
    """
    if passes_through(record):
        return record
    if (outcome := record.get("outcome")) is not None:
        return _with_outcome(record, outcome, {"dry_run": True})
    return {**record, "dry_run": True}


def read_lines(stream: Any) -> Iterator[tuple[int, bytes]]:
    """The lines of standard input with their numbers, as soon as each is whole.

    Reads the descriptor itself: a thread that waits inside a buffered reader would stop the
    interpreter from ending. A line of more than `LONGEST_LINE` bytes comes cut, to be refused.
    """
    read = _reader(stream)
    number, size = 0, 0
    parts: list[bytes] = []
    while block := read():
        *whole, rest = block.split(b"\n")
        for line in whole:
            number += 1
            yield number, b"".join([*parts, line])
            parts, size = [], 0
        if size <= LONGEST_LINE:
            parts.append(rest)
            size += len(rest)
    if size:
        yield number + 1, b"".join(parts)


def parse_line(number: int, line: bytes, source: str = "standard input") -> Record | None:
    """The record on a line, None for a blank one. Raises RecordError naming the line."""
    text = line.removeprefix(b"\xef\xbb\xbf").strip() if number == 1 else line.strip()
    if not text:
        return None
    if len(text) > LONGEST_LINE:
        raise RecordError(f"line {number} of {source} is longer than {LONGEST_LINE} bytes")
    try:
        record = orjson.loads(text)
    except orjson.JSONDecodeError:
        record = None
    if not isinstance(record, dict):
        raise RecordError(
            f"line {number} of {source} is not a JSON object, as tools print with -o ndjson"
        )
    if text.count(b"[") + text.count(b"{") > _DEEP:
        _require_writable(record, number, source)
    return record


def _require_writable(record: Record, number: int, source: str) -> None:
    """See to it, before anything is done for a record, that it can be handed on afterwards."""
    try:
        orjson.dumps(record)
    except TypeError:
        raise RecordError(f"line {number} of {source} is nested too deeply") from None


def require_names(record: Record) -> None:
    """See to it that an object of the hierarchy has a name, and that all its names are texts.

    Other tools write `4` for the scan `"4"`. Raises RecordError.
    """
    found_by = _FOUND_BY.get(str(record.get("kind")))
    if found_by is None:
        return
    for key in _NAMES:
        value = record.get(key)
        if type(value) is int:
            record[key] = str(value)
        elif not isinstance(value, (str, type(None))):
            raise RecordError(f"{key} is {as_text(value)}: must be a text")
    if not any(record.get(key) for key in found_by):
        raise RecordError(f"a {record['kind']} without {' or '.join(found_by)}")
    if record["kind"] == "project":
        record["id"] = record.get("id") or record["label"]


def path_of(record: Mapping[str, Any]) -> str | None:
    """The local path that a record names; None without one, and for what can be none.

    An empty text would be the working directory. No path has a NUL in it: the system would not even
    look for such a one.
    """
    path = record.get("path")
    return path if isinstance(path, str) and path and "\0" not in path else None


Test = Callable[[Mapping[str, Any]], bool]

_WHERE = re.compile(r"\s*([^\s!<>=~]+)\s*(!=|<=|>=|=|~|<|>)(.*)", re.S)


def where(condition: str) -> Test:
    """The test that a `--where` condition stands for.

    `<` and `>` compare numbers as numbers and all else as text, so ISO dates compare as dates; `=`
    takes a text for what it is (the label `007` is not `7`). An absent key is the empty text for
    `=`, `!=` and `~` and passes neither `<` nor `>`. A list passes when one of its elements does
    (for `!=`: when all do).
    Raises UsageError.
    """
    match = _WHERE.fullmatch(condition)
    if match is None:
        raise UsageError(f"--where {condition}: must be KEY=VALUE, or with != ~ < > <= >=")
    key, operator, wanted = match.groups()
    compare = _comparison(condition, operator, wanted)
    if operator == "=" and wanted.startswith("="):
        # Programmers type `==`, and few values begin with it.
        exact, meant = compare, _comparison(condition, operator, wanted[1:])
        return lambda record: any(exact(v) or meant(v) for v in _values(record.get(key)))
    if operator == "!=":
        return lambda record: all(map(compare, _values(record.get(key))))
    return lambda record: any(map(compare, _values(record.get(key))))


def keys_of(tests: Iterable[str], globs: Iterable[str] = ()) -> set[str]:
    """The keys that `--where` and `--filter` conditions look at."""
    matches = (_WHERE.fullmatch(text) for text in tests)
    return {match[1] for match in matches if match} | {text.partition(":")[0] for text in globs}


def glob(condition: str) -> Test:
    """The test that a `--filter KEY:GLOB` condition stands for. Raises UsageError."""
    import fnmatch

    key, colon, pattern = condition.partition(":")
    if not (key and colon):
        raise UsageError(f"--filter {condition}: must be KEY:GLOB")
    regex = re.compile(fnmatch.translate(pattern))
    return lambda record: any(regex.match(as_text(v)) for v in _values(record.get(key)))


def as_text(value: Any) -> str:
    """A value as a person types it: no decoration, empty for nothing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)):
        try:
            return orjson.dumps(value, default=str).decode()
        except TypeError:  # It takes no text that is not Unicode, the name of a file for one.
            import json

            return json.dumps(value, default=str, ensure_ascii=False, separators=(",", ":"))
    return str(value)


def _values(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value or [None]
    return [value]


def _comparison(condition: str, operator: str, wanted: str) -> Callable[[Any], bool]:
    if operator == "~":
        try:
            regex = re.compile(wanted)
        except re.error as error:
            raise UsageError(f"--where {condition}: {error}") from None
        return lambda value: regex.search(as_text(value)) is not None
    number = _number(wanted)

    def order(value: Any) -> int | None:
        ordering = operator not in ("=", "!=")
        if value is None and ordering:
            return None
        text = as_text(value)
        found = _number(text) if ordering or not isinstance(value, str) else None
        if number is not None and found is not None:
            return (found > number) - (found < number)
        return (text > wanted) - (text < wanted)

    accepted = {"=": (0,), "!=": (-1, 1), "<": (-1,), ">": (1,), "<=": (-1, 0), ">=": (0, 1)}
    return lambda value: order(value) in accepted[operator]


def _number(text: str) -> float | None:
    with contextlib.suppress(ValueError):
        if text[:1].isdigit() or text[:1] in "+-.":
            return float(text)
    return None


def _with_outcome(record: Mapping[str, Any], outcome: str, facts: Mapping[str, Any]) -> Record:
    kept = {k: v for k, v in record.items() if k not in ("outcome", "error")}
    known = {k: v for k, v in facts.items() if v is not None}
    return {**kept, **known, "outcome": outcome}


def _reader(stream: Any) -> Callable[[], bytes]:
    try:
        descriptor = stream.fileno()
    except (AttributeError, OSError, io.UnsupportedOperation):
        binary: BinaryIO = getattr(stream, "buffer", stream)
        return lambda: binary.read(_BLOCK)
    return lambda: os.read(descriptor, _BLOCK)
