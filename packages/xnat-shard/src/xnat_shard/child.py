"""The command that works on a shard, as a process."""

from __future__ import annotations

import ctypes
import os
import selectors
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from xnat_core.errors import UsageError
from xnat_core.files import BLOCK
from xnat_core.leases import LeaseLost
from xnat_core.tally import IN_SHARD

_OWN_ACCORD = 2.0
_GRACE = 100.0
_SILENCE = 1.0
_SET_DEATH_SIGNAL = 1


def start(command: Sequence[str], records: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start it; it is terminated when this process is killed, for nobody would publish its work.

    Raises UsageError when there is no such command.
    """
    try:
        return subprocess.Popen(
            command,
            stdin=records,
            stdout=subprocess.PIPE,
            env={**os.environ, IN_SHARD: "1"},
            preexec_fn=_death_signal(),
        )
    except FileNotFoundError:
        raise UsageError(f"{command[0]}: no such command") from None
    except PermissionError:
        raise UsageError(f"{command[0]} cannot be executed") from None


def wait(
    process: subprocess.Popen[bytes],
    output: Path,
    lost: threading.Event,
    left_behind: Callable[[], None],
) -> int:
    """Write what it prints to a file until it ends, and return its status.

    `left_behind` is called when something that it began could still print after that. A signal to
    this process ends it first. Raises LeaseLost, having ended it, when `lost` is set: somebody else
    does the same work. Raises OSError when the file could not be written.
    """
    printed = _Printed(process, output)
    try:
        printed.start()
        while not lost.is_set():
            printed.join(timeout=1)
            if not printed.is_alive():
                printed.check()
                with suppress(subprocess.TimeoutExpired):
                    status = process.wait(timeout=1)
                    if printed.is_cut:
                        left_behind()
                    return status
        raise LeaseLost("this shard was taken by somebody else, because this process stood still")
    finally:
        _stop(process)


class _Printed(threading.Thread):
    """What a command prints, on its way to a file.

    Were the file its standard output, only the command would learn that the disk is full.
    """

    def __init__(self, process: subprocess.Popen[bytes], output: Path) -> None:
        super().__init__(daemon=True)
        assert process.stdout is not None
        self._process = process
        self._source = process.stdout
        self._output = output
        self._error: OSError | None = None
        self.is_cut = False
        """Whether it could go on after the command has ended."""

    def run(self) -> None:
        try:
            with (
                self._source,
                self._output.open("wb") as file,
                selectors.DefaultSelector() as waiting,
            ):
                waiting.register(self._source, selectors.EVENT_READ)
                while block := self._next(waiting):
                    file.write(block)
        except OSError as error:
            self._error = OSError(error.errno, error.strerror, str(self._output))

    def _next(self, waiting: selectors.BaseSelector) -> bytes:
        """Wait for more; nothing at the end. What the command leaves behind when it ends may hold
        its output open for ever, and is not waited for."""
        while True:
            has_ended = self._process.poll() is not None
            if waiting.select(_SILENCE):
                return os.read(self._source.fileno(), BLOCK)
            if has_ended:
                self.is_cut = True
                return b""

    def check(self) -> None:
        """Raise the OSError that kept something out of the file."""
        if self._error is not None:
            raise self._error


def _stop(process: subprocess.Popen[bytes]) -> None:
    # It may have been told as well; a second signal would cut its orderly end short.
    for patience, send in ((_OWN_ACCORD, process.terminate), (_GRACE, process.kill)):
        try:
            process.wait(timeout=patience if process.returncode is None else 0)
        except subprocess.TimeoutExpired:
            send()
        else:
            return
    process.wait()


def _death_signal() -> Callable[[], None] | None:
    if not sys.platform.startswith("linux"):
        return None
    # Looked up here: little may be done between fork and exec.
    set_option = ctypes.CDLL(None).prctl
    return lambda: set_option(_SET_DEATH_SIGNAL, signal.SIGTERM)
