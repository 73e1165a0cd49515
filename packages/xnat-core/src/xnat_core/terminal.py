"""Asking the person at the terminal, beside whatever standard input carries."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

_TERMINAL = Path("/dev/tty")


def is_there() -> bool:
    """Whether there is a terminal to ask on."""
    try:
        os.close(os.open(_TERMINAL, os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


def ask(question: str, *, secret: bool) -> str | None:
    """The line typed in answer, unseen when `secret`; None when there is no terminal."""
    try:
        descriptor = os.open(_TERMINAL, os.O_RDWR | os.O_NOCTTY)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb+", buffering=0) as terminal:
        terminal.write(question.encode())
        with _unseen(descriptor) if secret else contextlib.nullcontext():
            line = _line(descriptor)
        if secret:
            terminal.write(b"\n")
    return line


def _line(descriptor: int) -> str:
    text = b""
    while not text.endswith(b"\n") and (block := os.read(descriptor, 1024)):
        text += block
    return text.decode("utf-8", "replace").rstrip("\r\n")


@contextlib.contextmanager
def _unseen(descriptor: int) -> Iterator[None]:
    import termios

    before = termios.tcgetattr(descriptor)
    hidden = termios.tcgetattr(descriptor)
    hidden[3] &= ~termios.ECHO
    try:
        termios.tcsetattr(descriptor, termios.TCSAFLUSH, hidden)
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSAFLUSH, before)
