"""The one ladder of retries: what is repeated, how often, and after how long."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from xnat_core.errors import NetworkError, RetryExhaustedError, ServerUnreachableError, XNATCtlError
from xnat_core.parallel import check_stop

if TYPE_CHECKING:
    from xnat_core.http.streams import Stream

TURNED_AWAY = frozenset({429, 503})
MAYBE_DONE = frozenset({408, 500, 502, 504})
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
LONGEST_RETRY_AFTER = 120.0

_sleep = time.sleep


class Failure(Exception):
    """An attempt without an answer.

    `unsent`: the server cannot have seen the request, so any may be repeated. `final`: it will fail
    the same way again.
    """

    def __init__(self, error: XNATCtlError, *, unsent: bool = False, final: bool = False) -> None:
        super().__init__(str(error))
        self.error = error
        self.unsent = unsent
        self.final = final


@dataclass(frozen=True)
class Retries:
    """The policy: so many attempts after the first, pauses (seconds) doubling with full jitter."""

    most: int = 3

    def run(
        self,
        operation: str,
        send: Callable[[], Stream],
        *,
        repeatable: bool,
        rewindable: bool = True,
        accept: Collection[int] = (),
    ) -> Stream:
        """Send until there is an answer worth reading, and return it whatever its status.

        `repeatable`: doing it twice does no harm. `rewindable`: the body can be sent again;
        without, nothing is repeated once the body may have been touched. `accept`: statuses that
        are wanted. Raises the error of the last attempt, as RetryExhaustedError after several.
        """
        for attempt in range(self.most + 1):
            check_stop()
            last = attempt == self.most or not rewindable
            try:
                response = send()
            except Failure as failure:
                if last or failure.final or not (failure.unsent or repeatable):
                    raise _outcome(operation, attempt + 1, failure.error) from failure.__cause__
                _sleep(pause(attempt, None))
                continue
            status = response.status_code
            if last or status in accept or not _is_worth_repeating(status, repeatable):
                return response
            wait = pause(attempt, response.headers.get("Retry-After"))
            response.close()
            _sleep(wait)
        raise AssertionError("the last attempt returns or raises")


def pause(attempt: int, retry_after: str | None) -> float:
    """Seconds before the next attempt, `attempt` counting from 0.

    What the server asks for, up to two minutes, and on top of it a random share of a doubling
    pause: workers that were turned away together must not come back together.
    """
    share = random.uniform(0, min(LONGEST_PAUSE, FIRST_PAUSE * 2**attempt))
    return min(LONGEST_RETRY_AFTER, asked_pause(retry_after)) + share


def asked_pause(retry_after: str | None) -> float:
    """Seconds that a Retry-After header asks for, as a number or a date; 0 for anything else."""
    text = (retry_after or "").strip()
    if text.isdecimal():
        return float(text[:12])
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0.0
    if date.tzinfo is None:
        date = date.replace(tzinfo=timezone.utc)
    return max(0.0, (date - datetime.now(timezone.utc)).total_seconds())


def _is_worth_repeating(status: int, repeatable: bool) -> bool:
    return status in TURNED_AWAY or (repeatable and status in MAYBE_DONE)


def _outcome(operation: str, attempts: int, error: XNATCtlError) -> XNATCtlError:
    # "Cannot be reached" says more than how often that was tried.
    plain = isinstance(error, ServerUnreachableError) or not isinstance(error, NetworkError)
    return error if attempts == 1 or plain else RetryExhaustedError(operation, attempts, error)
