"""Requests that wait for each other."""

from __future__ import annotations

import threading

from werkzeug.wrappers import Request, Response

from support.sandbox import XNAT


class Meeting:
    """Keeps the first request of a kind until a second one comes, or half a second.

    `at_first` is how many of the two were there at once.
    """

    def __init__(self, xnat: XNAT, method: str, path: str) -> None:
        self.at_first = 0
        self._kind = (method, path)
        self._second = threading.Event()
        self._lock = threading.Lock()
        self._come = 0
        xnat.before(self._wait)

    def _wait(self, request: Request) -> Response | None:
        method, path = self._kind
        if request.method != method or not request.path.startswith(path):
            return None
        with self._lock:
            self._come += 1
            is_first = self._come == 1
        if not is_first:
            self._second.set()
        elif self._second.wait(0.5):
            self.at_first = 2
        else:
            self.at_first = 1
        return None
