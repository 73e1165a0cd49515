"""How far a transfer is: bytes, items, rate and time left, drawn where somebody looks."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TextIO

from xnat_core.tables import safe

if TYPE_CHECKING:
    from rich.progress import Progress as Drawing
    from rich.progress import TaskID

_SECONDS_BETWEEN_UPDATES = 0.1


def reporter(quiet: bool, stream: TextIO | None = None) -> Progress:
    """Return a reporter on `stream` (standard error).

    It draws only on a terminal that can, not with `quiet`, and not where the variable CI is set.
    """
    stream = sys.stderr if stream is None else stream
    if quiet or stream is None or not stream.isatty():
        return Progress(stream)
    if os.environ.get("CI") or os.environ.get("TERM") == "dumb":
        return Progress(stream)
    return DrawnProgress(stream)


class Progress:
    """A reporter that draws nothing; only notes are written. Safe to call from any thread."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def start(
        self,
        total_bytes: int | None = None,
        total_items: int | None = None,
        what: str = "",
    ) -> None:
        """Begin to count from zero; totals are None where they are not known."""

    def expect(self, bytes: int = 0, items: int = 0) -> None:
        """Add to the totals what came to light later; less than zero takes away from them.

        Starts the reporter if nobody has.
        """

    def advance(self, bytes: int = 0, items: int = 0) -> None:
        """Count more; less than zero takes back what an attempt that failed had counted."""

    def note(self, text: str) -> None:
        """Write a line, above the bar where one is drawn."""
        if self._stream is not None:
            with suppress(OSError, ValueError):
                self._stream.write(f"{text}\n")
                self._stream.flush()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Take the bar away while something else writes to the same terminal."""
        yield

    def close(self) -> None:
        """Remove the bar; `start` may draw another."""


class DrawnProgress(Progress):
    """A reporter with a bar, drawn by rich some times a second by a thread of its own."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._lock = threading.Lock()
        self._drawing: Drawing | None = None
        self._task: TaskID | None = None
        self._by_items = False
        self._total_bytes: int | None = None
        self._total_items: int | None = None
        self._bytes = self._items = 0
        self._begun = self._updated = 0.0

    def start(
        self,
        total_bytes: int | None = None,
        total_items: int | None = None,
        what: str = "",
    ) -> None:
        """Draw a bar at zero, of the bytes when their total is known, else of the items."""
        with self._lock:
            self._end()
            self._begin(total_bytes, total_items, what)

    def expect(self, bytes: int = 0, items: int = 0) -> None:
        """Move the end of the bar."""
        with self._lock:
            if self._drawing is None:
                self._begin(bytes or None, items or None, "")
                return
            self._total_bytes = _sum(self._total_bytes, bytes)
            self._total_items = _sum(self._total_items, items)
            self._update()

    def advance(self, bytes: int = 0, items: int = 0) -> None:
        """Count; the drawing learns of it some times a second, however often this is called."""
        with self._lock:
            self._bytes += bytes
            self._items += items
            now = time.monotonic()
            if now - self._updated >= _SECONDS_BETWEEN_UPDATES:
                self._updated = now
                self._update()

    def note(self, text: str) -> None:
        """Write a line above the bar, its brackets untouched."""
        with self._lock:
            if self._drawing is not None:
                self._drawing.console.print(
                    text, markup=False, highlight=False, emoji=False, soft_wrap=True
                )
                return
        super().note(text)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Take the bar away, and draw it again below what was written."""
        with self._lock:
            if self._drawing is None:
                yield
                return
            self._drawing.stop()
            try:
                yield
            finally:
                self._drawing.start()

    def close(self) -> None:
        """Remove the bar."""
        with self._lock:
            self._end()

    # --- inside the lock: of two threads that begin, each would draw a bar of its own ----------

    def _begin(self, total_bytes: int | None, total_items: int | None, what: str) -> None:
        self._by_items = total_bytes is None and total_items is not None
        self._total_bytes, self._total_items = total_bytes, total_items
        self._bytes = self._items = 0
        self._begun = self._updated = time.monotonic()
        drawing = self._draw()
        total = total_items if self._by_items else total_bytes
        self._task = drawing.add_task(safe(what), total=total, facts=self._facts())
        drawing.start()
        self._drawing = drawing

    def _end(self) -> None:
        self._update()
        drawing, self._drawing = self._drawing, None
        if drawing is not None:
            drawing.stop()

    def _update(self) -> None:
        if self._drawing is not None and self._task is not None:
            completed = self._items if self._by_items else self._bytes
            total = self._total_items if self._by_items else self._total_bytes
            self._drawing.update(self._task, completed=completed, total=total, facts=self._facts())

    def _facts(self) -> str:
        """Return what the bar itself does not show."""
        from rich.filesize import decimal

        total = "" if self._total_items is None else f"/{self._total_items}"
        facts = [f"{self._items}{total}"] if self._items or total else []
        if self._bytes and self._by_items:
            seconds = max(time.monotonic() - self._begun, 0.1)
            facts += [decimal(self._bytes), f"{decimal(int(self._bytes / seconds))}/s"]
        return "  ".join(facts)

    def _draw(self) -> Drawing:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )
        from rich.progress import Progress as Drawing
        from rich.table import Column

        class Screen(Console):
            def show_cursor(self, show: bool = True) -> bool:
                """Leave it as it is: after Ctrl-Z or a kill nobody would show it again."""
                return False

        console = Screen(file=self._stream)
        # One line, however narrow the terminal is: `aside` takes away one, and with two it would
        # leave something or remove what stands above.
        line = Column(no_wrap=True)
        name = Column(no_wrap=True, max_width=console.width // 3)
        bytes_and_rate = (DownloadColumn(table_column=line), TransferSpeedColumn(line))
        return Drawing(
            TextColumn("{task.description}", markup=False, table_column=name),
            BarColumn(),
            *(() if self._by_items else bytes_and_rate),
            TextColumn("{task.fields[facts]}", markup=False),
            TimeRemainingColumn(table_column=line),
            console=console,
            # What is left on the terminal are the messages, not a finished bar.
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )


def _sum(total: int | None, more: int) -> int | None:
    return (total or 0) + more if total is not None or more else None
