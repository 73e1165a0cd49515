"""One pool for all work of a run, where work begets work.

A session turns into its resources, a resource into its missing files; all of them are steps of one
pool, so that one session is fetched by as many workers as ten are, and workers never wait for
workers.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass

from xnat_core.parallel import bounded_map

Work = Callable[[], "Iterable[Work]"]


class _Root:
    """One object of the input, counted as long as any step of it is left."""

    def __init__(self) -> None:
        self.left = 1


@dataclass(frozen=True, slots=True)
class _Step:
    work: Work
    root: _Root


class Crew:
    """`workers` threads over everything that the input asks for."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._changed = threading.Condition()
        self._begotten: deque[_Step] = deque()
        self._arrived: deque[_Step] = deque()
        self._open = 0
        self._ended = False
        self._stopped = False
        self._error: BaseException | None = None

    def run(self, objects: Iterable[Work]) -> None:
        """Do all the work; returns when nothing is left.

        `objects` is read on a thread of its own, at most twice as many as there are workers ahead
        of those that are finished, and what they beget goes first. An XNATCtlError that a step
        raises stops everything, as any other exception does.
        """
        threading.Thread(target=self._read, args=(objects,), daemon=True).start()
        try:
            outcomes = bounded_map(
                self._do, self._steps(), workers=self._workers, in_flight=self._workers
            )
            with closing(outcomes):
                for outcome in outcomes:
                    outcome.result()
        finally:
            with self._changed:
                self._stopped = True
                self._changed.notify_all()

    def _read(self, objects: Iterable[Work]) -> None:
        iterator = iter(objects)
        try:
            while self._has_room() and (work := next(iterator, None)) is not None:
                with self._changed:
                    self._open += 1
                    self._arrived.append(_Step(work, _Root()))
                    self._changed.notify_all()
        except BaseException as error:
            self._error = error
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _has_room(self) -> bool:
        with self._changed:
            while self._open >= 2 * self._workers and not self._stopped:
                self._changed.wait()
            return not self._stopped

    def _steps(self) -> Iterator[_Step]:
        while (step := self._next()) is not None:
            yield step
        if self._error is not None:
            raise self._error

    def _next(self) -> _Step | None:
        with self._changed:
            while not self._stopped:
                if self._begotten:
                    return self._begotten.popleft()
                if self._arrived:
                    return self._arrived.popleft()
                if self._ended and not self._open:
                    return None
                self._changed.wait()
        return None

    def _do(self, step: _Step) -> None:
        begotten = [_Step(work, step.root) for work in step.work()]
        with self._changed:
            # Depth first: what has been begun is finished before the next object is begun.
            self._begotten.extendleft(reversed(begotten))
            step.root.left += len(begotten) - 1
            if not step.root.left:
                self._open -= 1
            self._changed.notify_all()
