"""Signals as exceptions, wherever an exception can be raised and does no harm."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import CodeType, FrameType, TracebackType

from xnat_core.start import at_once

_STOPPING = (signal.SIGINT, signal.SIGTERM)
# A signal that comes while it cannot be obeyed is sent again after so many seconds, at most so
# many times.
_MOMENT, _PATIENCE = 0.01, 50


class Terminated(BaseException):
    """SIGTERM: take no new work, keep what is there, say what is left."""


class Signals:
    """Entered, SIGTERM stops like Ctrl-C; a second signal of either kind ends at once."""

    def __init__(self) -> None:
        self._before: dict[signal.Signals, object] = {}
        self._hook = sys.unraisablehook
        self._patience = _PATIENCE

    def __enter__(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        self._before = {number: signal.getsignal(number) for number in _STOPPING}
        self._listen()
        if sys.platform != "win32":
            self._before[signal.SIGCONT] = signal.signal(signal.SIGCONT, _go_on)
        sys.unraisablehook = self._unraised

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self._before:
            return
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # it was one
        sys.unraisablehook = self._hook

    def _listen(self) -> None:
        # A shell starts background jobs with SIGINT ignored; that wish is kept.
        for number in _STOPPING:
            if self._before[number] is not signal.SIG_IGN:
                signal.signal(number, self._stop)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        # Not every compiled module survives an exception while it is imported: orjson crashes.
        if _is_in_hook(frame) or (self._patience and _is_importing(frame)):
            self._send_again(number)
            return
        for one in _STOPPING:
            signal.signal(one, at_once)
        raise KeyboardInterrupt if number == signal.SIGINT else Terminated

    def _unraised(self, what: sys.UnraisableHookArgs) -> None:
        """Send the signal once more if it was raised where an object was being destroyed.

        There Python prints an exception and goes on.
        """
        if not issubclass(what.exc_type, (KeyboardInterrupt, Terminated)):
            self._hook(what)
            return
        self._listen()
        number = signal.SIGTERM if issubclass(what.exc_type, Terminated) else signal.SIGINT
        self._send_again(number)

    def _send_again(self, number: int) -> None:
        self._patience = max(self._patience - 1, 0)
        again = threading.Timer(_MOMENT, os.kill, (os.getpid(), number))
        again.daemon = True
        again.start()


def _is_importing(frame: FrameType | None) -> bool:
    return any(code.co_filename == "<frozen importlib._bootstrap>" for code in _running(frame))


def _is_in_hook(frame: FrameType | None) -> bool:
    """Whether `Signals._unraised` runs: an exception there would be dropped, too."""
    return any(code is Signals._unraised.__code__ for code in _running(frame))


def _running(frame: FrameType | None) -> Iterator[CodeType]:
    while frame is not None:
        yield frame.f_code
        frame = frame.f_back


def _go_on(number: int, frame: FrameType | None) -> None:
    from xnat_core.terminal import ask_again

    ask_again()
