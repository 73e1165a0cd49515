"""Runs a command with a fault in its way, then without, and says what was wrong with that."""

from __future__ import annotations

import io
import itertools
import json
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.exchanges import Asked
from support.fault_proxy import FaultProxy
from support.network_faults import Fault
from support.sandbox import XNAT
from support.scenarios import Case, Scenario

_NAMES = re.compile(r"XNAT_[A-Z]\d+|\b\d{8}_\d{6,9}\b|\bP\d+\b|[0-9a-f]{12,}")
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Ran:
    """What one run came to."""

    status: int
    out: str
    err: str
    right: bool

    def __str__(self) -> str:
        return f"status {self.status}, right: {self.right}\n{self.out[-600:]}{self.err[-1500:]}"


class Laboratory:
    """A server, a proxy in front of it, and one case after the other."""

    def __init__(
        self,
        xnat: XNAT,
        proxy: FaultProxy,
        folder: Path,
        capfd: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        self.xnat = xnat
        self.proxy = proxy
        self._folder = folder
        self._capfd = capfd
        self._monkeypatch = monkeypatch
        for name, value in (("URL", proxy.url), ("USER", "admin"), ("PASS", "admin")):
            monkeypatch.setenv(f"XNAT_{name}", value)

    def moments(self, scenario: Scenario) -> list[str]:
        """The requests of an undisturbed run, each kind once, the login among them."""
        begin = len(self.proxy.passed)
        with self._case() as case:
            words, records = scenario.furnish(case)
            ran = self._run(scenario, case, words, records)
            assert (ran.status, ran.right) == (0, True), ran
            again = self._run(scenario, case, words, records)
            assert (again.status, again.right) == (scenario.again, True), again
        return list(dict.fromkeys(map(moment_of, self.proxy.passed[begin:])))

    def endure(
        self,
        scenario: Scenario,
        fault: Fault,
        moment: str,
        times: int,
        more: tuple[Sequence[str], Sequence[str]] = ((), ()),
    ) -> tuple[Ran, Ran]:
        """Run with the fault at the first `times` requests of a moment; then run without it.

        `more` are further words for the first and the second run.
        """
        left = [times]

        def rule(asked: Asked) -> Fault | None:
            if left[0] and moment_of(asked) == moment:
                left[0] -= 1
                return fault
            return None

        with self._case() as case:
            words, records = scenario.furnish(case)
            self.proxy.rule = rule
            first = self._run(scenario, case, [*words, *more[0]], records)
            self.proxy.rule = lambda asked: None
            return first, self._run(scenario, case, [*words, *more[1]], records)

    def refuse(self, scenario: Scenario) -> tuple[Ran, Ran]:
        """Run while nobody listens; then run."""
        with self._case() as case:
            words, records = scenario.furnish(case)
            self.proxy.close()
            try:
                first = self._run(scenario, case, words, records)
            finally:
                self.proxy.open()
            return first, self._run(scenario, case, words, records)

    def _run(
        self, scenario: Scenario, case: Case, words: list[str], records: list[dict[str, object]]
    ) -> Ran:
        text = "".join(json.dumps(record) + "\n" for record in records)
        self._monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        self._capfd.readouterr()
        status = scenario.main(words)
        case.printed, err = self._capfd.readouterr()
        return Ran(status, case.printed, err, scenario.right(case))

    @contextmanager
    def _case(self) -> Iterator[Case]:
        """A case of its own, with a home that knows no login."""
        number = next(_numbers)
        # A real server as well allows a user only so many sessions at once.
        self.xnat.expires_sessions()
        folder = self._folder / str(number)
        folder.mkdir(parents=True)
        for name in ("CONFIG", "CACHE", "DATA", "STATE"):
            self._monkeypatch.setenv(f"XDG_{name}_HOME", str(folder / name.lower()))
        yield Case(self.xnat, self.proxy.url, folder, number)
        shutil.rmtree(folder)


def moment_of(asked: Asked) -> str:
    """A request without the names that differ from case to case."""
    return _NAMES.sub("…", f"{asked.method} {asked.target}")
