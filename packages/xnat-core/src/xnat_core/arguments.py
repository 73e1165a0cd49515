"""Arguments of the library, checked before anything is sent.

Type hints do not keep programs from passing what they have read from a table or a notebook cell: a
number for a text, one path for a list of them, `"none"` for False. Python would go on with most of
it, over the letters of a text for example.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping
from numbers import Integral, Real
from typing import Any, TypeVar, cast

from xnat_core.errors import ArgumentError, ConfigurationError
from xnat_core.validation import LONGEST_TIMEOUT

T = TypeVar("T")


def named(value: T | None, alias: T | None, name: str, other: str) -> T:
    """The argument under either of its two names. Raises ArgumentError for none and for both."""
    if value is not None and alias is None:
        return value
    if alias is not None and value is None:
        return alias
    raise ArgumentError(f"exactly one of {name} and {other} is needed", name)


def several(given: Iterable[T] | str | os.PathLike[str], name: str) -> list[T | str]:
    """The items of an argument; one text or path stands for itself and not for its parts.

    Raises ArgumentError for what is neither.
    """
    if isinstance(given, (str, os.PathLike)):
        return [cast(Any, given)]
    if isinstance(given, (bytes, bytearray)) or not isinstance(given, Iterable):
        raise ArgumentError(f"{name} must be a list, not {_kind(given)}", name, given)
    return list(given)


def text(value: object, name: str) -> str:
    """A text that is not empty. Raises ArgumentError."""
    if not isinstance(value, str):
        raise ArgumentError(f"{name} must be text, not {_kind(value)}", name, value)
    if not value.strip():
        raise ArgumentError(f"{name} cannot be empty", name, value)
    return value


def switch(value: object, name: str) -> bool:
    """Yes or no; not a text, which would be yes whatever it says. Raises ArgumentError."""
    if isinstance(value, str) or value not in (0, 1):
        raise ArgumentError(f"{name} must be True or False, not {value!r}", name, value)
    return bool(value)


def limit(value: object, name: str = "limit") -> int | None:
    """How many at most; None is all. Raises ArgumentError."""
    if value is None:
        return None
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 0:
        raise ArgumentError(f"{name} must be a whole number or None, not {value!r}", name, value)
    return int(value)


def mapping(value: object, name: str) -> None:
    """Raises ArgumentError for what has no keys."""
    if not isinstance(value, Mapping):
        raise ArgumentError(f"{name} must be a mapping, not {_kind(value)}", name)


def callback(value: Callable[..., object] | None, name: str = "progress_callback") -> None:
    """Raises ArgumentError for what cannot be called: afterwards it would be too late."""
    if value is not None and not callable(value):
        raise ArgumentError(f"{name} must be a function, not {_kind(value)}", name)


def field_value(value: object, name: str) -> object:
    """A value that the server can store in a field; None where none is given.

    Raises ArgumentError for several values, of which it would keep the last one, and for "not a
    number", by which tables tell that nothing is known.
    """
    if isinstance(value, Real) and not math.isfinite(value):
        raise ArgumentError(f"{name} must be a value, not {value!r}", name)
    if isinstance(value, (bytes, bytearray)) or (
        isinstance(value, Iterable) and not isinstance(value, str)
    ):
        raise ArgumentError(f"{name} must be one value, not {_kind(value)}", name)
    return value


def seconds(value: object, name: str) -> float:
    """A time, more than 0. Raises ConfigurationError."""
    number = float(value) if isinstance(value, Real) and not isinstance(value, bool) else 0.0
    if not 0 < number <= LONGEST_TIMEOUT:
        wanted = f"more than 0 and at most {LONGEST_TIMEOUT} seconds"
        raise ConfigurationError(f"{name} must be {wanted}, not {value!r}", name, value)
    return int(value) if isinstance(value, Integral) else number


def count(value: object, name: str, least: int = 1) -> int:
    """A whole number from `least` on. Raises ConfigurationError."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        wanted = f"a whole number, {least} or more"
        raise ConfigurationError(f"{name} must be {wanted}, not {value!r}", name, value)
    return int(value)


def setting_text(value: object, name: str) -> str | None:
    """A text or None. Raises ConfigurationError, without the value: it may be a password."""
    if value is not None and not isinstance(value, str):
        raise ConfigurationError(f"{name} must be text, not {_kind(value)}", name)
    return value


def _kind(value: object) -> str:
    return "None" if value is None else type(value).__name__
