"""Asking the person at the terminal, beside whatever standard input carries."""

from __future__ import annotations

import atexit
import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from xnat_core.tables import safe

_TERMINAL = Path("/dev/tty")
# How to make typing visible again, while it is not.
_hidden: list[Callable[[], None]] = []
# What to do to ask again, while a question waits for its answer.
_steps: list[Callable[[], None]] = []


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

    def put() -> None:
        os.write(descriptor, safe(question).encode())

    asking = _unseen if secret else _seen
    with os.fdopen(descriptor, "rb+", buffering=0), _repeated(put), asking(descriptor, put):
        text = _line(descriptor)
        if not secret and not text.endswith(b"\n"):
            os.write(descriptor, b"\n")  # Ctrl-D
    # What is not UTF-8 is kept as it is: a password that was not meant must not be tried.
    return text.decode("utf-8", "surrogateescape").rstrip("\r\n")


def leave() -> None:
    """Stop asking: typing is seen again, though the thread that asked may wait for ever."""
    while _hidden:
        with contextlib.suppress(IndexError, OSError):
            _hidden.pop()()


atexit.register(leave)


def ask_again() -> None:
    """Ask once more after Ctrl-Z and fg: the shell has written lines, and made typing visible."""
    for step in list(_steps):
        with contextlib.suppress(OSError):
            step()


def _line(descriptor: int) -> bytes:
    text = b""
    while not text.endswith(b"\n") and (block := os.read(descriptor, 1024)):
        text += block
    return text


@contextlib.contextmanager
def _seen(descriptor: int, put: Callable[[], None]) -> Iterator[None]:
    try:
        put()
        yield
    except BaseException:
        os.write(descriptor, b"\n")  # behind ^C
        raise


@contextlib.contextmanager
def _unseen(descriptor: int, put: Callable[[], None]) -> Iterator[None]:
    import termios

    put()
    before = termios.tcgetattr(descriptor)
    hidden = termios.tcgetattr(descriptor)
    hidden[3] &= ~termios.ECHO

    def hide() -> None:
        termios.tcsetattr(descriptor, termios.TCSAFLUSH, hidden)

    def show() -> None:
        termios.tcsetattr(descriptor, termios.TCSAFLUSH, before)
        # Neither Enter nor Ctrl-C was echoed, so the cursor still stands after the question.
        os.write(descriptor, b"\n")

    _hidden.append(show)
    try:
        with _repeated(hide):
            hide()
            yield
    finally:
        leave()


@contextlib.contextmanager
def _repeated(step: Callable[[], None]) -> Iterator[None]:
    """Do this step, too, when the question is asked again."""
    _steps.append(step)
    try:
        yield
    finally:
        _steps.remove(step)
