"""A process ends without taking apart what it leaves; a program that calls a tool goes on."""

from __future__ import annotations

import gc
import signal
import subprocess
import sys
from pathlib import Path

from support.toy import main

TESTS = Path(__file__).parents[1]
LEAVING = """
import atexit, sys, time
from support.toy import main
atexit.register(lambda: (print("leaving", flush=True), time.sleep(30)))
sys.exit(main())
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
