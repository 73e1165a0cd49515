"""A bounded map: lazy, as completed, stopped at once."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xnat_core.errors import OperationError
from xnat_core.parallel import Stopped, Turns, bounded_map, check_stop, current_stop


def fails_on_odd(number: int) -> int:
    if number % 2:
        raise OperationError("test", f"{number} is odd")
    return number * 10


@given(st.lists(st.integers(0, 99)), st.integers(1, 5), st.integers(1, 12), st.booleans())
def test_every_item_has_one_outcome(
    items: list[int], workers: int, in_flight: int, ordered: bool
) -> None:
    outcomes = list(
        bounded_map(fails_on_odd, items, workers=workers, in_flight=in_flight, ordered=ordered)
    )
    seen = [outcome.item for outcome in outcomes]
    assert (seen if ordered else sorted(seen)) == (items if ordered else sorted(items))
    for outcome in outcomes:
        if outcome.item % 2:
            assert str(outcome.error) == f"test: {outcome.item} is odd"
        else:
            assert outcome.result() == outcome.item * 10


def test_an_outcome_that_failed_raises_when_its_result_is_asked_for() -> None:
    (outcome,) = bounded_map(fails_on_odd, [1], workers=1)
    with pytest.raises(OperationError, match="1 is odd"):
        outcome.result()


def test_outcomes_come_while_the_source_is_silent() -> None:
    more = threading.Event()

    def source() -> Iterator[int]:
        yield 2
        yield 4
        assert more.wait(30)
        yield 6

    outcomes = bounded_map(fails_on_odd, source(), workers=3)
    assert {next(outcomes).item, next(outcomes).item} == {2, 4}
    more.set()
    assert [outcome.item for outcome in outcomes] == [6]


def test_a_quick_item_does_not_wait_for_a_slow_one() -> None:
    slow_may_end = threading.Event()

    def function(item: str) -> None:
        if item == "slow":
            assert slow_may_end.wait(30)

    outcomes = bounded_map(function, ["slow", "quick"], workers=2)
    assert next(outcomes).item == "quick"
    slow_may_end.set()
    assert next(outcomes).item == "slow"


def test_no_more_than_the_bound_is_read_ahead() -> None:
    read: list[int] = []

    def source() -> Iterator[int]:
        for number in range(1000):
            read.append(number)
            yield number

    outcomes = bounded_map(lambda number: number, source(), workers=2)
    for yielded in range(1, 50):
        next(outcomes)
        assert len(read) <= yielded + 4
    time.sleep(0.05)
    assert len(read) <= 49 + 4


def test_no_more_than_the_workers_run_at_once() -> None:
    running = threading.Semaphore(3)

    def function(_: int) -> None:
        assert running.acquire(blocking=False)
        time.sleep(0.001)
        running.release()

    assert len(list(bounded_map(function, range(100), workers=3))) == 100


def test_an_unexpected_exception_is_raised_where_the_outcomes_are_read() -> None:
    with pytest.raises(ZeroDivisionError):
        list(bounded_map(lambda number: 1 // number, [1, 0, 1], workers=2))


def test_an_error_of_the_source_is_raised_after_what_it_gave_before() -> None:
    def source() -> Iterator[int]:
        yield 2
        yield 4
        raise OperationError("read", "line 3 is broken")

    seen = []
    with pytest.raises(OperationError, match="line 3"):
        for outcome in bounded_map(fails_on_odd, source(), workers=2):
            seen.append(outcome.item)
    assert sorted(seen) == [2, 4]


def test_closing_takes_no_new_work_and_tells_the_running_work() -> None:
    started: list[int] = []
    ended = threading.Event()

    def function(number: int) -> int:
        started.append(number)
        if number == 0:
            return number
        try:
            while True:
                check_stop()
                time.sleep(0.001)
        except Stopped:
            ended.set()
            raise

    outcomes = bounded_map(function, range(1000), workers=2)
    assert next(outcomes).item == 0
    while len(started) < 2:
        time.sleep(0.001)
    outcomes.close()
    assert ended.wait(30)
    assert len(started) <= 4


def test_closing_lets_go_of_a_source_that_waits_for_room() -> None:
    ended = threading.Event()

    def source() -> Iterator[int]:
        try:
            yield from range(1000)
        finally:
            ended.set()

    outcomes = bounded_map(lambda number: number, source(), workers=1)
    next(outcomes)
    outcomes.close()
    assert ended.wait(30)


def test_closing_does_not_wait_for_work_that_hangs() -> None:
    release = threading.Event()
    outcomes = bounded_map(
        lambda number: release.wait(60) if number else None, [0, 1, 2], workers=2
    )
    next(outcomes)
    outcomes.close()
    release.set()


def test_a_map_inside_a_map_stops_with_the_outer_one() -> None:
    inner_began, inner_ended = threading.Event(), threading.Event()

    def inner(_: int) -> None:
        inner_began.set()
        while not current_stop().is_set():
            time.sleep(0.001)
        inner_ended.set()

    def outer(number: int) -> None:
        if number:
            list(bounded_map(inner, [1], workers=1))

    outcomes = bounded_map(outer, [0, 1], workers=2)
    next(outcomes)
    assert inner_began.wait(30)
    outcomes.close()
    assert inner_ended.wait(30)


def test_outside_a_map_nothing_is_stopped() -> None:
    assert not current_stop().is_set()
    check_stop()


def test_who_comes_to_the_same_thing_waits_and_who_comes_to_another_does_not() -> None:
    turns = Turns()
    done: list[str] = []

    def work(thing: str) -> None:
        with turns.at(thing):
            done.append(thing)

    with turns.at("one"):
        threads = [threading.Thread(target=work, args=(thing,)) for thing in ("one", "other")]
        for thread in threads:
            thread.start()
        threads[1].join()
        assert done == ["other"]
    threads[0].join()
    assert done == ["other", "one"]


def test_zero_workers_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="workers must be at least 1"):
        bounded_map(fails_on_odd, [], workers=0)


HANGING = """
import os, signal, sys, time
from xnat_core.parallel import bounded_map

class Terminated(BaseException):
    pass

def terminate(*_):
    raise Terminated

signal.signal(signal.SIGTERM, terminate)

def work(line):
    time.sleep(0 if line == b"quick\\n" else 3600)

def lines():
    while True:
        yield READ

try:
    for outcome in bounded_map(work, lines(), workers=2):
        os.write(1, outcome.item)
except KeyboardInterrupt:
    sys.exit(130)
except Terminated:
    sys.exit(143)
"""


@pytest.mark.parametrize(("signum", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("hang", ["work", "source"])
def test_a_signal_ends_the_process_whatever_hangs(
    signum: signal.Signals, status: int, hang: str
) -> None:
    program = HANGING.replace("READ", "os.read(0, 6)")
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin and process.stdout
    process.stdin.write(b"quick\n" if hang == "source" else b"quick\nslow 1slow 2")
    process.stdin.flush()
    assert process.stdout.read(6) == b"quick\n"
    process.send_signal(signum)
    assert process.wait(timeout=60) == status
    process.stdin.close()
    process.stdout.close()


def test_threads_end_with_the_input() -> None:
    before = threading.active_count()
    assert len(list(bounded_map(fails_on_odd, range(10), workers=4))) == 10
    deadline = time.monotonic() + 30
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.001)
    assert threading.active_count() <= before
