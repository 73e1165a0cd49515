"""A bounded map over threads that yields results as they complete, and stops at once."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Generator, Hashable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Generic, TypeVar, cast

from xnat_core.errors import XNATCtlError

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T, R]):
    """What became of one item: a value, or the error that its work raised."""

    item: T
    value: R | None = None
    error: XNATCtlError | None = None

    def result(self) -> R:
        """Return the value, or raise the error."""
        if self.error is not None:
            raise self.error
        return cast(R, self.value)


class Stopped(XNATCtlError):
    """The map that this work belongs to has been closed; nobody waits for the result."""

    def __init__(self) -> None:
        super().__init__("stopped")


class Stop:
    """A flag that long work looks at; set for a map inside a map when the outer one stops."""

    def __init__(self, outer: Stop | None = None) -> None:
        self._outer = outer
        self._set = False

    def set(self) -> None:
        """Ask the work to end."""
        self._set = True

    def is_set(self) -> bool:
        """Tell whether the work should end."""
        return self._set or (self._outer is not None and self._outer.is_set())


_NEVER = Stop()
_thread = threading.local()


def current_stop() -> Stop:
    """Return the flag of the map that runs this thread; outside a map, one that is never set."""
    return cast(Stop, getattr(_thread, "stop", _NEVER))


def inherit_stop(stop: Stop) -> None:
    """Make the flag of another thread that of this one, which works for it."""
    _thread.stop = stop


def check_stop() -> None:
    """Raise `Stopped` when the map that runs this thread has been closed."""
    if current_stop().is_set():
        raise Stopped


def processors() -> int:
    """How many processors this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS, Windows
        return os.cpu_count() or 1


def rest(seconds: float) -> None:
    """Sleep. Raises `Stopped` as soon as the map that runs this thread has been closed."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        check_stop()
        time.sleep(min(left, 0.2))
    check_stop()


class Turns:
    """Lets one thread at a time work on a thing; others that come to the same one wait.

    A thread must not ask for a second thing while it has one: two could wait for each other.
    """

    def __init__(self) -> None:
        self._taken: set[Hashable] = set()
        self._free = threading.Condition()

    @contextmanager
    def at(self, thing: Hashable) -> Iterator[None]:
        """Wait until nobody works on a thing, and keep others from it."""
        with self._free:
            self._free.wait_for(lambda: thing not in self._taken)
            self._taken.add(thing)
        try:
            yield
        finally:
            with self._free:
                self._taken.discard(thing)
                self._free.notify_all()


class FirstAlone:
    """Lets the first at a thing work alone; when it has succeeded, all others at once."""

    def __init__(self) -> None:
        self._turns = Turns()
        self._done: set[Hashable] = set()

    @contextmanager
    def at(self, thing: Hashable) -> Iterator[Callable[[], None]]:
        """Wait while another one is the first at a thing.

        Gives what is to be called after success; without that the next one is the first again.
        """

        def succeeded() -> None:
            self._done.add(thing)

        with self._turns.at(thing):
            if thing not in self._done:
                yield succeeded
                return
        yield succeeded


def bounded_map(
    function: Callable[[T], R],
    items: Iterable[T],
    *,
    workers: int,
    in_flight: int | None = None,
    ordered: bool = False,
) -> Generator[Outcome[T, R], None, None]:
    """Apply `function` to `items` on `workers` threads; yield outcomes as they complete.

    `items` is read lazily on a thread of its own, so outcomes keep coming while the source is
    silent. At most `in_flight` items (default: twice the workers) have been read and not yet been
    yielded. `ordered` yields in input order within that bound.

    A source on standard input must read the descriptor (`os.read`), not `sys.stdin`: Python aborts
    at exit when a thread still waits inside that buffer.

    An `XNATCtlError` of `function` is an outcome; any other exception is raised here. An exception
    of `items` is raised when the items before it have been yielded.

    Closing the iterator, or an exception in the thread that reads it (Ctrl-C), takes no new work,
    sets `current_stop()` of the running work, and waits for nothing: all threads are daemons.
    """
    if workers < 1:
        raise ValueError(f"workers must be at least 1, not {workers}")
    room = 2 * workers if in_flight is None else in_flight
    return _Map(function, items, room).outcomes(workers, ordered)


@dataclass(frozen=True, slots=True)
class _Done(Generic[T, R]):
    index: int
    outcome: Outcome[T, R]


@dataclass(frozen=True, slots=True)
class _Crash:
    error: BaseException


@dataclass(frozen=True, slots=True)
class _End:
    count: int
    error: BaseException | None = None


class _Map(Generic[T, R]):
    """The queues between a reader, the workers and the thread that wants the outcomes.

    SimpleQueue, because its `get` gives way to a signal at once, and because a signal in the middle
    of its `put` leaves no lock behind.
    """

    def __init__(self, function: Callable[[T], R], items: Iterable[T], in_flight: int) -> None:
        self._function = function
        self._items = items
        self._room = threading.Semaphore(max(1, in_flight))
        self._tasks: SimpleQueue[tuple[int, T] | None] = SimpleQueue()
        self._results: SimpleQueue[_Done[T, R] | _Crash | _End] = SimpleQueue()
        self._stop = Stop(current_stop())

    def outcomes(self, workers: int, ordered: bool) -> Generator[Outcome[T, R], None, None]:
        try:
            for work in [self._read, *[self._work] * workers]:
                threading.Thread(target=work, daemon=True).start()
            for outcome in self._in_order() if ordered else self._as_completed():
                yield outcome.outcome
                self._room.release()
        finally:
            self._stop.set()
            for _ in range(workers):
                self._tasks.put(None)
            self._room.release()

    def _as_completed(self) -> Iterator[_Done[T, R]]:
        seen = 0
        end: _End | None = None
        while end is None or seen < end.count:
            message = self._results.get()
            if isinstance(message, _Crash):
                raise message.error
            if isinstance(message, _End):
                end = message
            else:
                seen += 1
                yield message
        if end.error is not None:
            raise end.error

    def _in_order(self) -> Iterator[_Done[T, R]]:
        early: dict[int, _Done[T, R]] = {}
        wanted = 0
        for done in self._as_completed():
            early[done.index] = done
            while wanted in early:
                yield early.pop(wanted)
                wanted += 1

    def _read(self) -> None:
        _thread.stop = self._stop
        count = 0
        try:
            iterator = iter(self._items)
            while True:
                self._room.acquire()
                if self._stop.is_set():
                    return
                try:
                    item = next(iterator)
                except StopIteration:
                    break
                self._tasks.put((count, item))
                count += 1
        except BaseException as error:
            self._results.put(_End(count, error))
        else:
            self._results.put(_End(count))

    def _work(self) -> None:
        _thread.stop = self._stop
        while (task := self._tasks.get()) is not None and not self._stop.is_set():
            index, item = task
            try:
                outcome: Outcome[T, R] = Outcome(item, value=self._function(item))
            except XNATCtlError as error:
                outcome = Outcome(item, error=error)
            except BaseException as error:
                self._results.put(_Crash(error))
                return
            self._results.put(_Done(index, outcome))
