"""Query filters on subjects and experiments: equality, lists, wildcards and ranges."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

Test = Callable[[str], bool]


class BadFilter(Exception):
    """A filter that the query builder chokes on."""


def value_test(text: str, kind: str) -> Test:
    """A test for `a,b` (either), `a*` (wildcard) and, for dates and numbers, `a-b` (range)."""
    tests = [_one(part, kind) for part in text.split(",")]
    return lambda value: any(test(value) for test in tests)


def _one(text: str, kind: str) -> Test:
    if kind == "date":
        return _date(text)
    if kind == "number":
        return _number(text)
    if "*" in text or "%" in text:
        pattern = ".*".join(re.escape(part) for part in re.split(r"[*%]", text))
        return re.compile(pattern, re.IGNORECASE | re.DOTALL).fullmatch  # type: ignore[return-value]
    return text.__eq__


def _date(text: str) -> Test:
    # The server splits at the first dash, so 2024-04-30 becomes the range 2024 to 04-30 and fails.
    low, dash, high = text.partition("-")
    first = _parse(low)
    last = _parse(high) if dash else first
    return lambda value: bool(value) and first <= value[:10] <= last


def _parse(text: str) -> str:
    try:
        return datetime.strptime(text, "%m/%d/%Y").date().isoformat()
    except ValueError as error:
        raise BadFilter(f"not a date as MM/DD/YYYY: {text}") from error


def _number(text: str) -> Test:
    low, dash, high = text.partition("-")
    try:
        first, last = float(low), float(high if dash else low)
    except ValueError as error:
        raise BadFilter(f"not a number: {text}") from error
    return lambda value: bool(value) and first <= float(value) <= last
