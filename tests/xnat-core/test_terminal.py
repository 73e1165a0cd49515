"""Asking at the terminal: what is typed unseen, and that typing is seen again afterwards."""

from __future__ import annotations

import os
import pty
import termios
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from xnat_core import terminal


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Where to type, and where to read what the terminal shows."""
    ours, theirs = pty.openpty()
    monkeypatch.setattr(terminal, "_TERMINAL", Path(os.ttyname(theirs)))
    yield ours
    os.close(ours)
    os.close(theirs)


def is_seen(ours: int) -> bool:
    return bool(termios.tcgetattr(ours)[3] & termios.ECHO)


def line_of(ours: int) -> bytes:
    text = b""
    while not text.endswith(b"\n"):
        text += os.read(ours, 100)
    return text


def ask_aside(ours: int) -> threading.Thread:
    """Ask in a thread, as the workers of a tool do; back when typing is hidden."""
    asking = threading.Thread(
        target=terminal.ask, args=("Password: ",), kwargs={"secret": True}, daemon=True
    )
    asking.start()
    until = time.monotonic() + 5
    while is_seen(ours) and time.monotonic() < until:
        time.sleep(0.01)
    assert not is_seen(ours)
    return asking


def test_a_password_is_typed_unseen_and_what_follows_is_seen(typed: int) -> None:
    asking = ask_aside(typed)
    os.write(typed, b"secret\n")
    asking.join(5)
    assert is_seen(typed)
    assert line_of(typed) == b"Password: \r\n"


def test_who_stops_while_a_worker_asks_sees_again_what_he_types(typed: int) -> None:
    asking = ask_aside(typed)
    terminal.leave()
    assert is_seen(typed)
    assert line_of(typed) == b"Password: \r\n"
    os.write(typed, b"\n")
    asking.join(5)
    assert not asking.is_alive()
