"""Plans that are killed before they are done."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.shards import Run, scans
from xnat_core.leases import Lease


@contextmanager
def planning(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A plan that waits for more records."""
    words = [sys.executable, "-m", "xnat_shard", "plan", str(folder), "-n", "2"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as ran:
        assert ran.stdin is not None
        ran.stdin.write(json.dumps(scans(1)[0]).encode() + b"\n")
        ran.stdin.flush()
        end = time.monotonic() + 30
        while not list(folder.glob(".plan.*.part/records")):
            assert time.monotonic() < end
            time.sleep(0.02)
        try:
            yield ran
        finally:
            ran.kill()


def hidden(folder: Path) -> list[Path]:
    return list(folder.glob(".*"))


def test_the_next_plan_removes_what_a_killed_one_has_left(run: Run, folder: Path) -> None:
    with planning(folder):
        pass
    assert hidden(folder)
    assert run("plan", folder, "-n", 2, records=scans(1, 2))[0] == 0
    assert hidden(folder) == []
    assert len(list(folder.glob("shard.*.in"))) == 2


def test_what_a_plan_elsewhere_is_about_to_write_stays(run: Run, folder: Path) -> None:
    with planning(folder) as ran:
        assert run("plan", folder, "-n", 2, records=scans(1, 2))[0] == 0
        assert len(hidden(folder)) == 1
        assert ran.communicate(timeout=30)[0].count(b"\n") == 2
        assert ran.returncode == 0
    assert hidden(folder) == []


def test_a_place_that_was_taken_is_told(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take: Callable[[Lease], bool] = Lease.take
    monkeypatch.setattr(Lease, "take", lambda lease: take(lease) and False)
    status, _, err = run("plan", folder, "-n", 2, records=scans(1))
    assert (status, err.count("another plan has removed it: try again")) == (1, 1)
