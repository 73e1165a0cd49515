"""File by file: a bounded window of requests, and what failed once more, more gently."""

from __future__ import annotations

import contextlib
import itertools
import re
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from xnat_core.errors import UploadError, XNATCtlError
from xnat_core.imports import ImportRefused, Way
from xnat_core.imports.answers import Kind
from xnat_core.parallel import bounded_map
from xnat_upload.inventory import Instance

if TYPE_CHECKING:
    from xnat_upload.delivery import Delivery

WARM_UP = 5
MOST_WARM_UP = 50
LOOK_AHEAD = 1000
"""So many files are in memory, so that the scans can take turns."""
GENTLE_WORKERS = 4
FEW_FAILURES, LARGEST_SHARE, MOST_FAILURES = 500, 0.01, 5000
MOST_ONE_BY_ONE = 50

_DOWNLOADED_LAYOUT = re.compile(r"/scans/[^/]+/resources/DICOM/files/")


class Gradual:
    """The instances of one delivery in requests of their own, as `way` says."""

    def __init__(self, delivery: Delivery, way: Way) -> None:
        self._delivery = delivery
        self._difference = delivery.difference
        self._way = way
        self._lock = threading.Lock()
        self._tried = 0
        self._failures = 0
        self._refused: list[tuple[Instance, str]] = []

    def send_missing(self, *, workers: int) -> None:
        """Send what is missing; what fails once more with few workers, the last of it one by one.

        What the server refuses even then is left out. Other failures are the delivery's `errors`;
        raises when there are too many.
        """
        bounds = self._delivery.bounds
        send_each(bounds.in_time((self, instance) for instance in self._missing()), workers)
        for most, fewer in ((self._most_failures, GENTLE_WORKERS), (MOST_ONE_BY_ONE, 1)):
            left = self._difference.missing.files
            if not self._failures or not 0 < left <= most:
                return
            self._delivery.errors.clear()
            self._tried = self._failures = 0
            self._refused.clear()
            again = bounds.in_time((self, instance) for instance in self._missing())
            send_each(again, min(fewer, workers))
        for instance, reason in self._refused:
            self._difference.inventory.leave_out(instance, reason)

    def send(self, instance: Instance) -> None:
        """Send one; a failure is counted."""
        inventory = self._difference.inventory
        self._tried += 1
        try:
            self._delivery.requests.send_one(instance, self._way, self._delivery.took)
        except ImportRefused as error:
            if error.kind is Kind.PERMANENT:
                inventory.leave_out(instance, error.message)
            else:
                self._refused.append((instance, error.message))
                self._fail(error)
        except UploadError as error:
            if error.file_path != instance.path:
                raise
            inventory.leave_out(instance, error.message)
        except XNATCtlError as error:
            self._fail(error)

    @property
    def scans(self) -> int:
        """How many scans are known, at least one."""
        return max(1, sum(1 for _ in self._difference.series))

    def _fail(self, error: XNATCtlError) -> None:
        with self._lock:
            self._failures += 1
            self._delivery.take_error(error)
            if self._failures > self._most_failures:
                raise error

    @property
    def _most_failures(self) -> int:
        """More than these are no accident: the rest would fail, too."""
        return min(MOST_FAILURES, max(FEW_FAILURES, round(LARGEST_SHARE * self._tried)))

    def _missing(self) -> Iterator[Instance]:
        """What is missing, the scans taking turns."""
        ids = self._difference.missing_in_turns()
        for start in range(0, len(ids), LOOK_AHEAD):
            yield from self._difference.inventory.load(ids[start : start + LOOK_AHEAD])


def send_each(items: Iterable[tuple[Gradual, Instance]], workers: int) -> None:
    """Send instances as they come: the first ones after each other, then many at a time.

    At most twice the workers are under way. The members of an archive are sent in its order, one
    after the other: it can only be read onwards.
    """
    waiting = iter(items)
    for gradual, instance in _first(waiting):
        gradual.send(instance)

    def loose() -> Iterator[tuple[Gradual, Instance]]:
        for gradual, instance in waiting:
            if instance.member is None:
                yield gradual, instance
            else:
                gradual.send(instance)

    outcomes = bounded_map(lambda item: item[0].send(item[1]), loose(), workers=workers)
    with contextlib.closing(outcomes):
        for outcome in outcomes:
            outcome.result()


def taking_turns(instances: Iterable[Instance]) -> Iterator[Instance]:
    """Yield instances so that their series take turns, as far as LOOK_AHEAD of them allow."""
    queues: dict[int, deque[Instance]] = {}
    turns: deque[int] = deque()
    waiting = 0
    for instance in instances:
        if instance.series not in queues:
            queues[instance.series] = deque()
            turns.append(instance.series)
        queues[instance.series].append(instance)
        waiting += 1
        if waiting == LOOK_AHEAD:
            waiting -= 1
            yield _next_in_turn(queues, turns)
    while turns:
        yield _next_in_turn(queues, turns)


def _next_in_turn(queues: dict[int, deque[Instance]], turns: deque[int]) -> Instance:
    series = turns.popleft()
    instance = queues[series].popleft()
    if queues[series]:
        turns.append(series)
    else:
        del queues[series]
    return instance


def _first(items: Iterator[tuple[Gradual, Instance]]) -> Iterator[tuple[Gradual, Instance]]:
    """The ones that create the session and its scans on the server, before many come at once.

    Of folders as our downloads have them, one of each scan, as far as they are known.
    """
    first = next(items, None)
    if first is None:
        return
    yield first
    gradual, instance = first
    scans = gradual.scans if _DOWNLOADED_LAYOUT.search(instance.path.as_posix()) else WARM_UP
    yield from itertools.islice(items, min(MOST_WARM_UP, scans) - 1)
