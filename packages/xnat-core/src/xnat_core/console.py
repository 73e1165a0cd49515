"""Standard error: one line a message, safe for the terminal, silent when the stream is closed."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable

from xnat_core import tables


class Console:
    """The messages of one tool, each beginning with its name."""

    def __init__(self, tool: str, *, quiet: bool = False) -> None:
        self._tool = tool
        self._quiet = quiet
        self._around: Callable[[str], None] | None = None

    def through(self, note: Callable[[str], None] | None) -> None:
        """Hand lines to the progress reporter while it draws, so that they stand above its bar."""
        self._around = note

    def error(self, text: str) -> None:
        """Tell of a failure; said even with `--quiet`."""
        self._line(text)

    def warning(self, text: str) -> None:
        """Tell of something that the user should know; said even with `--quiet`."""
        self._line(f"warning: {text}")

    def info(self, text: str) -> None:
        """Tell how it went; not with `--quiet`."""
        if not self._quiet:
            self._line(text)

    def is_terminal(self) -> bool:
        """Whether somebody is looking."""
        return sys.stderr is not None and sys.stderr.isatty()

    def _line(self, text: str) -> None:
        from xnat_core.redaction import redact

        line = f"{self._tool}: {tables.safe(redact(' '.join(text.split())))}"
        if self._around is not None:
            self._around(line)
        elif sys.stderr is not None:
            with contextlib.suppress(OSError, ValueError):
                sys.stderr.write(line + "\n")
                sys.stderr.flush()
