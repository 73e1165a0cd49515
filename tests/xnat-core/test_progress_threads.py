"""Several threads begin to tell of their progress at the same moment: one bar, and all counts."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from support.toy import main
from xnat_core.job import Job
from xnat_core.progress import DrawnProgress, Progress
from xnat_core.records import Record


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Together:
    """Where two threads are at once, if they can be."""

    def __init__(self) -> None:
        self._barrier = threading.Barrier(2)

    def __call__(self) -> None:
        with suppress(threading.BrokenBarrierError):
            self._barrier.wait(0.5)


def at_once(*functions: Callable[[], object]) -> None:
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_what_two_threads_expect_first_is_expected_of_one_bar() -> None:
    meeting = Together()

    class Slow(DrawnProgress):
        def start(self, *words: Any, **more: Any) -> None:
            meeting()
            super().start(*words, **more)

    progress = Slow(Terminal())
    at_once(lambda: progress.expect(bytes=10), lambda: progress.expect(bytes=20))
    progress.close()
    assert progress._total_bytes == 30


def test_of_two_bars_begun_at_once_one_is_left_to_close() -> None:
    drawings: list[Any] = []
    meeting = Together()

    class Slow(DrawnProgress):
        def close(self) -> None:
            super().close()
            if len(drawings) < 2:
                meeting()

        def _draw(self) -> Any:
            drawings.append(super()._draw())
            return drawings[-1]

    progress = Slow(Terminal())
    at_once(lambda: progress.start(total_bytes=10), lambda: progress.start(total_bytes=20))
    progress.close()
    assert [drawing.live.is_started for drawing in drawings] == [False, False]


def test_all_threads_of_a_job_tell_one_reporter(monkeypatch: pytest.MonkeyPatch) -> None:
    meeting = Together()
    told: list[Progress] = []

    def slow(quiet: bool) -> Progress:
        meeting()
        return Progress(None)

    def work(job: Job) -> Iterator[Record]:
        at_once(*2 * [lambda: told.append(job.progress)])
        yield from ()

    monkeypatch.setattr("xnat_core.progress.reporter", slow)
    monkeypatch.setattr("support.toy.say", work)
    assert main(["say"]) == 0
    assert told[0] is told[1]
