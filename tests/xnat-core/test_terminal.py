"""Asking at the terminal: what is typed unseen, and that typing is seen again afterwards."""

from __future__ import annotations

import os
import pty
import signal
import sys
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


def test_a_password_is_unseen_also_after_the_shell_has_had_the_terminal(typed: int) -> None:
    asking = ask_aside(typed)
    seen = termios.tcgetattr(typed)
    seen[3] |= termios.ECHO
    termios.tcsetattr(typed, termios.TCSANOW, seen)
    terminal.ask_again()
    assert not is_seen(typed)
    os.write(typed, b"secret\n")
    asking.join(5)
    assert is_seen(typed)
    assert line_of(typed) == b"Password: Password: \r\n"


@pytest.fixture
def confirming() -> Iterator[tuple[int, int]]:
    """The process of a tool that asks for a confirmation, and its terminal."""
    child, ours = pty.fork()
    if not child:
        os.chdir(Path(__file__).parents[1])
        os.execv(sys.executable, [sys.executable, "-m", "support.toy", "say", "confirm"])
    read_to(ours, b"[y/N] ")
    yield child, ours
    os.close(ours)


def read_to(ours: int, end: bytes) -> bytes:
    text = b""
    while not text.endswith(end):
        text += os.read(ours, 1000)
    return text


def test_a_question_is_asked_again_by_who_was_stopped_and_goes_on(
    confirming: tuple[int, int],
) -> None:
    child, ours = confirming
    os.kill(child, signal.SIGCONT)
    assert read_to(ours, b"[y/N] ") == b"really? [y/N] "
    os.write(ours, b"y\n")
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


@pytest.mark.parametrize(
    ("key", "last", "status"),
    [(b"\x04", b"cancelled: nothing was changed", 7), (b"\x03", b"takes up what is left", 130)],
)
def test_what_is_said_after_ctrl_d_or_ctrl_c_has_a_line_of_its_own(
    confirming: tuple[int, int], key: bytes, last: bytes, status: int
) -> None:
    child, ours = confirming
    os.write(ours, key)
    answer = read_to(ours, last + b"\r\n")
    assert answer.splitlines()[1].startswith(b"toy: ")
    _, ended = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(ended) == status


def test_a_question_cannot_drive_the_terminal(typed: int) -> None:
    asking = threading.Thread(
        target=terminal.ask,
        args=("Delete \x1b[2Ka\u202eb\udce9? ",),
        kwargs={"secret": False},
        daemon=True,
    )
    asking.start()
    assert read_to(typed, b"? ") == rb"Delete \x1b[2Ka\u202eb\udce9? "
    os.write(typed, b"y\n")
    asking.join(5)


def test_a_password_in_another_encoding_is_told_from_every_text(typed: int) -> None:
    answers: list[str | None] = []
    asking = threading.Thread(
        target=lambda: answers.append(terminal.ask("Password: ", secret=True)), daemon=True
    )
    asking.start()
    read_to(typed, b"Password: ")
    until = time.monotonic() + 5
    while is_seen(typed) and time.monotonic() < until:
        time.sleep(0.01)
    os.write(typed, b"stra\xdfe\n")
    asking.join(5)
    assert answers == ["stra\udcdfe"]
