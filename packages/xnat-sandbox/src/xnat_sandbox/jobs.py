"""Work that takes a while: workflow rows that move from Queued to their end by themselves."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .app import Sandbox

Step = Callable[[], None]


class Jobs:
    """Runs steps after a delay each, and drops what is left when the server ends."""

    def __init__(self) -> None:
        self._timers: set[threading.Timer] = set()
        self._lock = threading.Lock()
        self._closed = False

    def run(self, steps: list[Step], pause: float) -> None:
        """Run the steps one after another, each after `pause` seconds."""
        if not steps:
            return

        def act() -> None:
            with self._lock:
                self._timers.discard(timer)
                if self._closed:
                    return
            steps[0]()
            self.run(steps[1:], pause)

        timer = threading.Timer(pause, act)
        timer.daemon = True
        with self._lock:
            if self._closed:
                return
            self._timers.add(timer)
            timer.start()

    def close(self) -> None:
        """Forget what has not begun and wait for what has."""
        with self._lock:
            self._closed = True
            timers = list(self._timers)
        for timer in timers:
            timer.cancel()
            timer.join()


def start_jobs(sandbox: Sandbox) -> Jobs:
    """The jobs of a server."""
    jobs = Jobs()
    sandbox.on_close(jobs.close)
    return jobs
