"""The first step of every executable. It imports next to nothing, so that it comes early."""

from __future__ import annotations

# `signal` makes enumerations of these first, for half of the time that a signal would find Python's
# own handler.
import _signal  # type: ignore[import-not-found]
import os

TYPE_CHECKING = False  # the one of `typing` takes as long as all the rest
if TYPE_CHECKING:
    from types import FrameType

_INTERRUPTED, _TERMINATED = 130, 143  # as in errors, which takes long to import


def start(module: str) -> int:
    """Run `main` of a module; until it has set up itself, and after it, signals end all at once.

    Python would show the traceback of what is being imported.
    """
    of_python = {_signal.SIGINT: _signal.default_int_handler, _signal.SIGTERM: _signal.SIG_DFL}
    for number, own in of_python.items():
        # A shell starts background jobs with SIGINT ignored; that wish is kept.
        if _signal.getsignal(number) == own:
            _signal.signal(number, at_once)
    from importlib import import_module

    status: int = import_module(module).main()
    return status


def at_once(number: int, frame: FrameType | None) -> None:
    """A handler that ends the process, with nothing flushed and nothing said."""
    os._exit(_INTERRUPTED if number == _signal.SIGINT else _TERMINATED)
