"""Asking the person at the terminal, beside whatever standard input carries."""

from __future__ import annotations

import atexit
import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

_TERMINAL = Path("/dev/tty")
# How to make typing visible again, while it is not.
_hidden: list[Callable[[], None]] = []


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
            return _line(descriptor)


def leave() -> None:
    """Stop asking: typing is seen again, though the thread that asked may wait for ever."""
    while _hidden:
        with contextlib.suppress(IndexError, OSError):
            _hidden.pop()()


atexit.register(leave)


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

    def show() -> None:
        termios.tcsetattr(descriptor, termios.TCSAFLUSH, before)
        # Neither Enter nor Ctrl-C were seen.
        os.write(descriptor, b"\n")

    _hidden.append(show)
    try:
        termios.tcsetattr(descriptor, termios.TCSAFLUSH, hidden)
        yield
    finally:
        leave()
