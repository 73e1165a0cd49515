"""A process ends without taking apart what it leaves; a program that calls a tool goes on."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

from support.toy import main

TESTS = Path(__file__).parents[1]
TOLD = "import gc; from support.toy import main; main(); print(gc.get_freeze_count() > 0)"


def test_who_calls_a_tool_keeps_its_collector() -> None:
    before = gc.get_freeze_count()
    assert main(["--version"]) == 0
    assert gc.get_freeze_count() == before


def test_the_process_of_a_tool_looks_for_no_cycles_at_its_end() -> None:
    command = [sys.executable, "-c", TOLD, "--version"]
    found = subprocess.run(command, cwd=TESTS, check=True, capture_output=True, text=True)
    assert found.stdout.split() == ["toy", "1.2.3", "True"]
