"""Listings that show a change only some seconds after the server has answered for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from xnat_core.parallel import rest

T = TypeVar("T")

PATIENCE = 15.0
"""For so many seconds what was answered for and is not listed may still be on its way."""
_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 2.0


def look_until(
    look: Callable[[], T], is_there: Callable[[T], bool], patience: float | None = None
) -> T:
    """Look until what is seen passes `is_there` or `patience` has ended; returns the last look."""
    deadline = time.monotonic() + (PATIENCE if patience is None else patience)
    pause = _FIRST_PAUSE
    while True:
        seen = look()
        if is_there(seen):
            return seen
        left = deadline - time.monotonic()
        if left <= 0:
            return seen
        rest(min(pause, left))
        pause = min(_LONGEST_PAUSE, pause * 1.5)
