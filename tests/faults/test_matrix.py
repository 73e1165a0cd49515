"""Tool by fault by moment, and one promise for all of them.

Exit 0 only if the server and the disk hold exactly what was asked for. Otherwise a status that is
not 0, a line that says why, and the same command completes the work when the fault is gone.

A moment is one kind of request that the undisturbed command makes. Each cell of the table takes
one, chosen by FAULTS_SEED; FAULTS_EVERY_MOMENT=1 in the environment takes all.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.editing import EDITING
from support.fault_proxy import FaultProxy, faulty
from support.matrix import Laboratory, Ran
from support.network_faults import FAULTS
from support.odd_faults import ODD_FAULTS
from support.sandbox import XNAT
from support.scenarios import LOADING, Scenario
from support.serving import SERVING

SCENARIOS = LOADING | EDITING | SERVING
ALL_FAULTS = FAULTS | ODD_FAULTS
MOMENTS = None if os.environ.get("FAULTS_EVERY_MOMENT") else 1
SEED = int(os.environ.get("FAULTS_SEED", "9"))
ALWAYS = 10**6

# What comes once and is known to pass must not even be noticed where the request only reads.
PASSES = {
    *("reset at once", "answer lost", "502", "503", "503 with Retry-After", "429 until a date"),
    *("401", "to the login page", "ends in its head"),
}
HARMLESS = {"delay", "drip", "hint"}
# Nobody can tell without a digest that a byte is another.
CORRUPT = {"corrupt answer", "corrupt request"}
# The raw tool hands on what the server says, whatever it is.
WORDS = {"another page", "error text", "nothing", "corrupt request"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[XNAT]:
    """One server for all cases."""
    xnat = XNAT(tmp_path_factory.mktemp("xnat"))
    yield xnat
    xnat.stop()


@pytest.fixture(scope="module")
def proxy(server: XNAT) -> Iterator[FaultProxy]:
    """In front of it."""
    with faulty(server.server.port, SEED) as proxy:
        yield proxy


@pytest.fixture
def laboratory(
    server: XNAT,
    proxy: FaultProxy,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Laboratory:
    """Where commands meet faults; pauses between attempts take no time there."""
    from xnat_core.http import retries
    from xnat_core.imports import sending, settling
    from xnat_core.services import once

    monkeypatch.setattr(retries, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(sending, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(settling, "FIRST_LOOK", 0.02)
    monkeypatch.setattr(once, "PAUSE", 0.05)
    monkeypatch.setattr(once, "SHORT_WAIT", 0.5)
    return Laboratory(server, proxy, tmp_path, capfd, monkeypatch)


@pytest.fixture(scope="module")
def known() -> dict[str, list[str]]:
    """The moments of each scenario, found once."""
    return {}


@pytest.mark.parametrize("times", [1, ALWAYS], ids=["once", "always"])
@pytest.mark.parametrize("fault", ALL_FAULTS)
@pytest.mark.parametrize("name", SCENARIOS)
def test_whatever_happens_nothing_wrong_is_called_done(
    laboratory: Laboratory, known: dict[str, list[str]], name: str, fault: str, times: int
) -> None:
    scenario = SCENARIOS[name]
    if name not in known:
        known[name] = laboratory.moments(scenario)
    moments = [m for m in known[name] if applies(fault, m, scenario)]
    if MOMENTS and len(moments) > MOMENTS:
        moments = random.Random(f"{SEED} {name} {fault} {times}").sample(moments, MOMENTS)
    more = (scenario.verify or (), scenario.mend) if fault == "corrupt request" else ((), ())
    told = []
    for moment in moments:
        first, second = laboratory.endure(scenario, ALL_FAULTS[fault], moment, times, more)
        wanted = {0, scenario.again} if first.right else {0}
        for wrong in complaints(first, second, must_pass(fault, moment, times), wanted):
            told.append(f"{moment}: {wrong}\n--- with the fault: {first}\n--- then: {second}")
    assert not told, "\n\n".join(told)


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_server_that_refuses_connections_is_an_error_of_the_network(
    laboratory: Laboratory, name: str
) -> None:
    refused, then = laboratory.refuse(SCENARIOS[name])
    assert (refused.status, refused.err.count("connection refused")) == (4, 1), refused
    assert (then.status, then.right) == (0, True), then


def applies(fault: str, moment: str, scenario: Scenario) -> bool:
    """Whether the promise covers it."""
    if "/data/JSESSION" in moment and fault == "401":
        return False  # That is a wrong password, which is not tried again for ten minutes.
    if scenario.module == "xnat_rest" and fault in WORDS | CORRUPT:
        return "/data/JSESSION" in moment
    if fault == "corrupt answer":
        return scenario.module == "xnat_download" and "/files" in moment and "json" not in moment
    if fault == "corrupt request" and scenario.verify is None:
        return False
    if fault == "corrupt request" and "/data/services/archive" in moment:
        return False  # It names another session then, as if somebody had asked for that.
    if fault in ("corrupt request", "reset in the request"):
        return moment.startswith(("PUT", "POST"))
    return True


def must_pass(fault: str, moment: str, times: int) -> bool:
    """Whether the command must succeed in spite of the fault."""
    return fault in HARMLESS or (times == 1 and fault in PASSES and moment.startswith("GET"))


def complaints(first: Ran, second: Ran, must_pass: bool, wanted: set[int]) -> Iterator[str]:
    """What is wrong with a run in trouble and the one after it, whose status is to be `wanted`."""
    if first.status == 0 and not first.right:
        yield "called done and is not"
    if first.status and must_pass:
        yield "should have passed"
    if first.status and not first.err.strip():
        yield "failed without a word"
    if "Traceback" in first.err + second.err:
        yield "a traceback"
    if second.status not in wanted:
        yield "the same command again fails"
    if not second.right:
        yield "the same command again does not complete it"
