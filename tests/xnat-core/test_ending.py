"""How a process begins and ends: without taking apart what it leaves, and with no traceback.

A program that calls a tool goes on.
"""

from __future__ import annotations

import gc
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.toy import main

TESTS = Path(__file__).parents[1]
LEAVING = """
import atexit, sys, time
from xnat_core.start import start
atexit.register(lambda: (print("leaving", flush=True), [time.sleep(0.1) for _ in range(300)]))
sys.exit(start("support.toy"))
"""
ENDS_ITSELF = "import os, signal, time; os.kill(os.getpid(), signal.{signal}); time.sleep(0.1)"
LATE = """'''Import late.

Usage:
  toy late [options]
'''
import time
def work(job):
    import loaded
    yield {"kind": "word", "id": str(loaded.whole)}
    time.sleep(20)
"""
DESTROYED = """
import os, signal, time
class One:
    def __del__(self):
        os.kill(os.getpid(), signal.{signal}); time.sleep(0.1)
class Loaded:
    @property
    def whole(self):
        One()
        return True
import sys
sys.modules["loaded"] = Loaded()
"""
# The machine is busy: the timer that sends the signal again has come before it is seen to run.
BUSY = """
import threading, time
start = threading.Timer.start
def late(timer):
    threading.Timer.start = start
    start(timer)
    time.sleep(0.2)
threading.Timer.start = late
"""
EARLY = """
from xnat_core.commandline import Command
from xnat_core.run import run
def main():
    return run("toy", "1", "Toy.", {"late": Command("late", server=False)})
"""
TOLD = "import gc; from support.toy import main; main(); print(gc.get_freeze_count() > 0)"


def test_who_calls_a_tool_keeps_its_collector() -> None:
    before = gc.get_freeze_count()
    assert main(["--version"]) == 0
    assert gc.get_freeze_count() == before


def test_the_process_of_a_tool_looks_for_no_cycles_at_its_end() -> None:
    command = [sys.executable, "-c", TOLD, "--version"]
    found = subprocess.run(command, cwd=TESTS, check=True, capture_output=True, text=True)
    assert found.stdout.split() == ["toy", "1.2.3", "True"]


def test_a_signal_at_the_very_end_leaves_no_traceback() -> None:
    command = [sys.executable, "-c", LEAVING, "say", "a"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=TESTS, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        assert '"id":"a"' in process.stdout.readline()
        assert process.stdout.readline() == "leaving\n"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (130, "")


def test_who_calls_a_tool_keeps_its_signals() -> None:
    before = signal.getsignal(signal.SIGINT)
    assert main(["--version"]) == 0
    assert signal.getsignal(signal.SIGINT) is before


SIGNALS = pytest.mark.parametrize(("name", "status"), [("SIGINT", 130), ("SIGTERM", 143)])


def _ended(folder: Path, *words: str) -> tuple[int, str, str]:
    program = "import sys; from xnat_core.start import start; sys.exit(start('early'))"
    command = [sys.executable, "-c", program, *words]
    found = subprocess.run(
        command, cwd=folder, check=False, capture_output=True, text=True, timeout=15
    )
    return found.returncode, found.stdout, found.stderr


@SIGNALS
def test_a_signal_before_there_is_anything_to_interrupt_leaves_no_traceback(
    tmp_path: Path, name: str, status: int
) -> None:
    (tmp_path / "early.py").write_text(ENDS_ITSELF.format(signal=name))
    assert _ended(tmp_path) == (status, "", "")


@SIGNALS
def test_a_signal_while_an_object_is_destroyed_is_heard(
    tmp_path: Path, name: str, status: int
) -> None:
    """Python drops what is raised there, and would show it."""
    (tmp_path / "early.py").write_text(EARLY)
    (tmp_path / "late.py").write_text(LATE)
    (tmp_path / "loaded.py").write_text(DESTROYED.format(signal=name))
    found, out, err = _ended(tmp_path, "late")
    assert (found, '"id":"True"' in out) == (status, True)
    assert "Traceback" not in err
    assert err.count("\n") == 1


@SIGNALS
def test_a_signal_is_heard_that_comes_again_too_early(
    tmp_path: Path, name: str, status: int
) -> None:
    (tmp_path / "early.py").write_text(EARLY)
    (tmp_path / "late.py").write_text(LATE)
    (tmp_path / "loaded.py").write_text(BUSY + DESTROYED.format(signal=name))
    found, out, err = _ended(tmp_path, "late")
    assert (found, '"id":"True"' in out) == (status, True)
    assert "Traceback" not in err


@SIGNALS
def test_a_signal_in_the_middle_of_an_import_waits_for_its_end(
    tmp_path: Path, name: str, status: int
) -> None:
    """An exception inside would crash modules that are not written in Python."""
    (tmp_path / "early.py").write_text(EARLY)
    (tmp_path / "late.py").write_text(LATE)
    (tmp_path / "loaded.py").write_text(f"{ENDS_ITSELF.format(signal=name)}\nwhole = True\n")
    found, out, err = _ended(tmp_path, "late")
    assert (found, '"id":"True"' in out) == (status, True)
    assert "Traceback" not in err
    assert err.count("\n") == 1


def test_an_import_that_never_ends_is_interrupted_after_all(tmp_path: Path) -> None:
    (tmp_path / "early.py").write_text(EARLY)
    (tmp_path / "late.py").write_text(LATE)
    (tmp_path / "loaded.py").write_text(f"{ENDS_ITSELF.format(signal='SIGINT')}\ntime.sleep(20)\n")
    begun = time.monotonic()
    assert _ended(tmp_path, "late")[:2] == (130, "")
    assert time.monotonic() - begun < 10
