"""Changes that are asked for once: moving many files outlives what proxies allow.

When the answer is lost the server may still be at it, and asking again makes it worse. So what was
to be changed is looked at until it is, or until it cannot be any more.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from xnat_core.errors import (
    NetworkError,
    ServerError,
    ServerUnreachableError,
    TimeoutError,
    XNATCtlError,
)
from xnat_core.http.retries import TURNED_AWAY
from xnat_core.lagging import look_until
from xnat_core.parallel import rest

LONGEST_WAIT = 1800
SHORT_WAIT = 30
PAUSE = 5
_QUICKLY = 20

GAVE_UP = 504
"""The status with which a proxy stops waiting for a server that goes on."""

LOST: tuple[type[Exception], ...] = (NetworkError, ServerError)


def ask_once(
    send: Callable[[], object],
    is_done: Callable[[], bool],
    *,
    excused: tuple[type[Exception], ...] = LOST,
    sleep: Callable[[float], None] = rest,
) -> tuple[bool, Exception | None]:
    """Send, and look whether it is done, again and again while the server may be at it.

    Returns whether it is, and the error instead of an answer if it was one of `excused`.
    """
    lost: Exception | None = None
    began = time.monotonic()
    try:
        send()
    except excused as error:
        lost = error
    if lost is None:
        return look_until(is_done, bool), None
    return _becomes(is_done, patience_with(lost, time.monotonic() - began), sleep), lost


def ask_and_see(
    send: Callable[[], object],
    is_done: Callable[[], bool],
    *,
    longest: float = SHORT_WAIT,
) -> None:
    """Send a small change; when the answer is lost, see whether it was done all the same.

    Raises the error instead of an answer when it was not, after at most `longest` seconds.
    """
    began = time.monotonic()
    try:
        send()
    except LOST as lost:
        patience = min(longest, patience_with(lost, time.monotonic() - began))
        if not _becomes(is_done, patience, rest):
            raise


def patience_with(lost: Exception | None, seconds: float) -> float:
    """How long the server may still be at what it was asked; the answer was lost after `seconds`.

    A proxy gives up after a while. What breaks at once was hardly begun, and a server that answers
    with an error of its own (500) has ended. What failed on the way to a login was not even asked.
    """
    if isinstance(lost, XNATCtlError) and lost.not_done:
        return 0
    if isinstance(lost, ServerError):
        status = lost.details.get("status_code")
        if status not in (502, GAVE_UP):
            return 0
        return LONGEST_WAIT if status == GAVE_UP or seconds > _QUICKLY else SHORT_WAIT
    if not isinstance(lost, NetworkError) or isinstance(lost, ServerUnreachableError):
        return 0
    if lost.details.get("status_code") in TURNED_AWAY:
        return SHORT_WAIT  # However long it took: most of that were pauses between the attempts.
    return LONGEST_WAIT if isinstance(lost, TimeoutError) or seconds > _QUICKLY else SHORT_WAIT


def _becomes(is_done: Callable[[], bool], patience: float, sleep: Callable[[float], None]) -> bool:
    """Look until it is done, at least once and for so many seconds."""
    looks = 1 + int(patience / PAUSE)
    for look in range(looks):
        if is_done():
            return True
        if look + 1 < looks:
            sleep(PAUSE)
    return False
