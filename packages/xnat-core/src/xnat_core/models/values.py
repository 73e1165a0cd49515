"""Values as the server writes them, read: what is blank or unreadable is unknown."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any


def text(value: Any) -> str | None:
    """Text as the server wrote it; blank is unknown."""
    if value is None:
        return None
    written = value if value.__class__ is str else str(value)
    return written if written and not written.isspace() else None


def lowered(value: Any) -> str | None:
    """Text in small letters."""
    written = text(value)
    return written.strip().lower() if written else None


def number(value: Any) -> int | None:
    """A count that may be written as text or with decimals (`"16"`, `"16.0"`)."""
    exact = decimal(value)
    return None if exact is None else int(exact)


def total(counts: Iterable[int | None]) -> int | None:
    """The sum of counts, which is unknown when one of them is."""
    known = list(counts)
    return None if None in known else sum(count for count in known if count is not None)


def decimal(value: Any) -> float | None:
    """A measure; what is not a finite number is unknown."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if abs(found) != float("inf") and found == found else None


def flag(value: Any) -> bool | None:
    """A switch that may be written as text."""
    if isinstance(value, bool) or value is None:
        return value
    return {"true": True, "1": True, "false": False, "0": False}.get(str(value).strip().lower())


def day(value: Any) -> str | None:
    """A date as `YYYY-MM-DD`, without the time of day that some columns carry along."""
    written = text(value)
    found = re.match(r"\s*(\d{4}-\d{2}-\d{2})", written) if written else None
    return found[1] if found else written


def sequence(value: Any) -> tuple[Any, ...] | None:
    """A list."""
    return tuple(value) if isinstance(value, (list, tuple)) else None


def mapping(value: Any) -> dict[str, Any] | None:
    """An object, copied."""
    return dict(value) if isinstance(value, Mapping) else None


READERS: dict[Any, tuple[str, Callable[[Any], Any]]] = {
    str: ("text", text),
    int: ("number", number),
    float: ("number", decimal),
    bool: ("true or false", flag),
    tuple: ("list", sequence),
    Mapping: ("object", mapping),
}
"""What the type of a field is called in the reference, and how its values are read."""
