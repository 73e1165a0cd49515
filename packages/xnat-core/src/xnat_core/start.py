"""The first step of every executable. It imports next to nothing, so that it comes early."""

from __future__ import annotations

import os
import signal
from importlib import import_module
from types import FrameType

INTERRUPTED, TERMINATED = 130, 143  # as in errors, which takes long to import


def start(module: str) -> int:
    """Run `main` of a module; until it has set up itself, and after it, signals end all at once.

    Python would show the traceback of what is being imported.
    """
    of_python = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    for number, own in of_python.items():
        # A shell starts background jobs with SIGINT ignored; that wish is kept.
        if signal.getsignal(number) is own:
            signal.signal(number, at_once)
    status: int = import_module(module).main()
    return status


def at_once(number: int, frame: FrameType | None) -> None:
    """A handler that ends the process, with nothing flushed and nothing said."""
    os._exit(INTERRUPTED if number == signal.SIGINT else TERMINATED)
