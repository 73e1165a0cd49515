"""Text for people: tables, facts, and server data made safe for a terminal."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, takewhile
from typing import Any

# Control characters, line separators and the marks that turn the direction of text: a label on the
# server must not be able to drive the terminal or to show something other than it is.
_OBEYED = "\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff"
_UNSAFE = re.compile(f"[\x00-\x1f{_OBEYED}]")
# JSON has lines of its own, and has escaped all other controls of ASCII.
_UNSAFE_IN_JSON = re.compile(f"[{_OBEYED}]")
_GAP = "  "
_NARROWEST = 8


def safe(text: str) -> str:
    """The text with everything that a terminal obeys written out as an escape."""
    if text.isascii() and text.isprintable():
        return text
    return _UNSAFE.sub(_escaped, text)


def safe_json(text: str) -> str:
    """The same JSON, with everything that a terminal obeys written out as an escape."""
    return _UNSAFE_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def cell(value: Any) -> str:
    """A value as a table shows it: empty for nothing, Yes or No, JSON for lists and objects."""
    if value is None:
        return ""
    if isinstance(value, str):
        return safe(value)
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, (dict, list, tuple)):
        from xnat_core.records import as_text

        return safe(as_text(list(value) if isinstance(value, tuple) else value))
    return safe(str(value))


def cut(text: str, columns: int) -> str:
    """The beginning of a text, no wider than so many columns of a terminal."""
    if width(text) <= columns:
        return text
    taken = accumulate(width(letter) for letter in text)
    return text[: sum(1 for _ in takewhile(lambda so_far: so_far < columns, taken))] + "…"


def title(key: str) -> str:
    """A column's heading: the key with spaces, in title case; `id` and `uri` in capitals."""
    words = key.replace("_", " ").split()
    return " ".join(
        w.upper() if w in ("id", "pi", "ssl", "uid", "uri", "url") else w.title() for w in words
    )


def width(text: str) -> int:
    """How many columns of a terminal the text takes."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def table(
    rows: Sequence[Sequence[str]], headings: Sequence[str] | None, limit: int | None = None
) -> Iterable[str]:
    """Lines of a table; `limit` is the width of the terminal, and without one nothing is cut."""
    widths = [0] * max((len(row) for row in rows), default=len(headings or ()))
    for row in (headings or (), *rows):
        for index, text in enumerate(row):
            widths[index] = max(widths[index], width(text))
    _fit(widths, limit)
    if headings:
        yield _line(headings, widths)
    for row in rows:
        yield _line(row, widths)


def facts(record: Mapping[str, Any], labels: Mapping[str, str] | None = None) -> Iterable[str]:
    """Lines of `Key  value`, and below them a table for each value that is a list of objects."""
    names = {key: (labels or {}).get(key) or title(key) for key in record}
    plain = {key: value for key, value in record.items() if not _is_rows(value)}
    lists = {key: value for key, value in record.items() if _is_rows(value)}
    widest = max((width(names[key]) for key in plain), default=0)
    for key, value in plain.items():
        shown = ", ".join(map(cell, value)) if isinstance(value, list) else cell(value)
        yield _line((names[key], shown or "-"), (widest, 0))
    for key, rows in lists.items():
        yield ""
        yield names[key]
        yield from _table_of_objects(rows)


def _table_of_objects(rows: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    body = [[cell(row.get(name)) for name in columns] for row in rows]
    return (_GAP + line for line in table(body, [title(name) for name in columns]))


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, dict) for v in value)


def _escaped(match: re.Match[str]) -> str:
    code = ord(match.group())
    named = {9: "\\t", 10: "\\n", 13: "\\r"}.get(code)
    return named or (f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}")


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    parts = []
    for text, columns in zip(row, widths, strict=False):
        shown = cut(text, columns) if columns else text
        parts.append(shown + " " * (columns - width(shown)))
    return _GAP.join(parts).rstrip()


def _fit(widths: list[int], limit: int | None) -> None:
    """Take from the widest columns until the line fits; the first, the identifier, stays whole."""
    if limit is None:
        return
    surplus = sum(widths) + len(_GAP) * (len(widths) - 1) - limit
    while surplus > 0 and (rest := range(1, len(widths))):
        widest = max(rest, key=widths.__getitem__)
        if widths[widest] <= _NARROWEST:
            return
        widths[widest] -= 1
        surplus -= 1
