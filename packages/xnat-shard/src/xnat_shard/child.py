"""The command that works on a shard, as a process."""

from __future__ import annotations

import ctypes
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from typing import IO

from xnat_core.errors import UsageError
from xnat_core.leases import LeaseLost

_OWN_ACCORD = 2.0
_GRACE = 100.0
_SET_DEATH_SIGNAL = 1


def start(command: Sequence[str], records: IO[bytes], output: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start it; it is terminated when this process is killed, for nobody would publish its work.

    Raises UsageError when there is no such command.
    """
    try:
        return subprocess.Popen(command, stdin=records, stdout=output, preexec_fn=_death_signal())
    except FileNotFoundError:
        raise UsageError(f"{command[0]}: no such command") from None
    except PermissionError:
        raise UsageError(f"{command[0]} cannot be executed") from None


def wait(process: subprocess.Popen[bytes], lost: threading.Event) -> int:
    """Wait for its end and return its status; a signal to this process ends it first.

    Raises LeaseLost, having ended it, when `lost` is set: somebody else does the same work.
    """
    try:
        while not lost.is_set():
            try:
                return process.wait(timeout=1)
            except subprocess.TimeoutExpired:
                continue
        raise LeaseLost("this shard was taken by somebody else, because this process stood still")
    finally:
        _stop(process)


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
