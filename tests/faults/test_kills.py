"""Every command that changes something, ended by a signal at a request, and given once more.

The same as undisturbed is what must come of it: the second run ends with 0, or with the status of a
command whose work is done, and everything is there once. The moment is one of the requests that the
undisturbed run makes, chosen by KILLS_SEED; the server goes on with that request.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.wrappers import Request, Response

from support.editing import EDITING
from support.sandbox import XNAT
from support.scenarios import LOADING, Case, Scenario
from support.serving import SERVING

SEED = int(os.environ.get("KILLS_SEED", "4"))
CHANGING = {
    name: scenario
    for name, scenario in (LOADING | EDITING | SERVING).items()
    if scenario.module not in ("xnat_ls", "xnat_rest")
}
# The tools say how they ended; a killed one cannot.
SIGNALS = {signal.SIGKILL: -9, signal.SIGTERM: 143, signal.SIGINT: 130}
_numbers = itertools.count(1)


class Trap:
    """Sends a signal to a process when its server is asked for the nth time."""

    def __init__(self, xnat: XNAT) -> None:
        self.asked = 0
        self.at = 0
        self.signum = signal.SIGKILL
        self.process: subprocess.Popen[str] | None = None
        xnat.before(self._spring)

    def _spring(self, _: Request) -> Response | None:
        self.asked += 1
        if self.process is not None and self.asked == self.at:
            self.process.send_signal(self.signum)
        return None

    def set(self, at: int, signum: signal.Signals) -> None:
        """Wait for that request, counted from here; 0 for none."""
        self.asked, self.at, self.signum, self.process = 0, at, signum, None


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[XNAT]:
    """One server for all cases."""
    xnat = XNAT(tmp_path_factory.mktemp("xnat"))
    yield xnat
    xnat.stop()


@pytest.fixture(scope="module")
def trap(server: XNAT) -> Trap:
    """In the way of its requests."""
    return Trap(server)


@pytest.fixture(scope="module")
def requests_of() -> dict[str, int]:
    """How many requests each command makes undisturbed, found once."""
    return {}


@pytest.fixture
def case(server: XNAT, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Case]:
    """A project, and a home that knows no login."""
    yield from another(server, tmp_path, monkeypatch)


def another(server: XNAT, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Case]:
    """A case of its own below a folder."""
    number = next(_numbers)
    server.expires_sessions()
    home = folder / str(number)
    home.mkdir()
    for name in ("CONFIG", "CACHE", "DATA", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))
    for name, value in (("URL", server.url), ("USER", "admin"), ("PASS", "admin")):
        monkeypatch.setenv(f"XNAT_{name}", value)
    yield Case(server, server.url, home, number)


def run(scenario: Scenario, words: list[str], records: list[dict[str, object]], trap: Trap) -> str:
    """Run the tool as a process; returns its status and what it said."""
    program = [str(Path(sys.executable).parent / scenario.module.replace("_", "-")), *words]
    process = subprocess.Popen(
        program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    trap.process = process
    text = "".join(json.dumps(record) + "\n" for record in records)
    out, err = process.communicate(text, timeout=60)
    trap.process = None
    return f"{process.returncode}\n{out}{err}"


def status_of(said: str) -> int:
    """The status at the head of what `run` returns."""
    return int(said.partition("\n")[0])


def comes_right(scenario: Scenario, case: Case) -> bool:
    """Whether all is done, by the request as well that the server goes on with after a kill."""
    for _ in range(20):
        if scenario.right(case):
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("signum", SIGNALS, ids=lambda signum: signum.name)
@pytest.mark.parametrize("name", CHANGING)
def test_a_command_that_was_ended_is_completed_by_the_same_command(
    name: str,
    signum: signal.Signals,
    case: Case,
    trap: Trap,
    requests_of: dict[str, int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scenario = CHANGING[name]
    if name not in requests_of:
        for undisturbed in another(case.xnat, tmp_path, monkeypatch):
            words, records = scenario.furnish(undisturbed)
            trap.set(0, signum)
            said = run(scenario, words, records, trap)
            assert status_of(said) == 0 and scenario.right(undisturbed), said
            requests_of[name] = trap.asked
        for key in ("CONFIG", "CACHE", "DATA", "STATE"):
            monkeypatch.setenv(f"XDG_{key}_HOME", str(case.folder / key.lower()))
    words, records = scenario.furnish(case)
    at = random.Random(f"{SEED} {name} {signum}").randint(1, requests_of[name])
    trap.set(at, signum)
    first = run(scenario, words, records, trap)
    # The last request may be its farewell.
    assert status_of(first) in (SIGNALS[signum], 0), first
    assert "Traceback" not in first
    settled = comes_right(scenario, case)
    trap.set(0, signum)
    second = run(scenario, words, records, trap)
    wanted = {0, scenario.again} if settled else {0}
    told = f"at request {at} of {requests_of[name]}\n--- ended: {first}\n--- again: {second}"
    assert status_of(second) in wanted, told
    assert scenario.right(case), told
    assert "Traceback" not in second
