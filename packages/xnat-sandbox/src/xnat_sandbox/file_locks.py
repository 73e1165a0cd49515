"""One writer per file; a second one is turned away, not kept waiting."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Busy(Exception):
    """Somebody is writing this file."""


class FileLocks:
    """The files that are being written."""

    def __init__(self) -> None:
        self._held: set[Path] = set()
        self._lock = threading.Lock()

    @contextmanager
    def hold(self, path: Path) -> Iterator[None]:
        """Hold a file, or raise Busy."""
        with self._lock:
            if path in self._held:
                raise Busy(str(path))
            self._held.add(path)
        try:
            yield
        finally:
            with self._lock:
                self._held.discard(path)

    def any_below(self, directory: Path) -> bool:
        """Whether anything in this tree is being written."""
        with self._lock:
            return any(directory in path.parents for path in self._held)
