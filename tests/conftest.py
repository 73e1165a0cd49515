"""Fixtures for every test: an XNAT, and a home of its own."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import settings

from support.sandbox import XNAT
from xnat_sandbox.settings import Settings

MakeXNAT = Callable[..., XNAT]

# Whoever starts the tests in the background of a script hands down that Ctrl-C is ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)

# No deadline: how long one example takes says more about the machine than about the code.
settings.register_profile("brief", deadline=None)
settings.register_profile("fuzz", deadline=None, max_examples=3000)
settings.load_profile("brief")

# Threads that change places all the time meet where they should not: see docs/design/core.md.
if interval := os.environ.get("SWITCH_INTERVAL"):
    sys.setswitchinterval(float(interval))


@pytest.fixture(autouse=True)
def isolated_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the settings, caches or servers of whoever runs it."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    # Pipelines of real processes find the tools that are tested here, not others.
    monkeypatch.setenv(
        "PATH", os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    )
    for name in ("CONFIG", "CACHE", "DATA", "STATE", "RUNTIME"):
        suffix = "DIR" if name == "RUNTIME" else "HOME"
        monkeypatch.setenv(f"XDG_{name}_{suffix}", str(home / name.lower()))
    # Tools that are started here buffer what they print, as they do for users.
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    for name in list(os.environ):
        if name.startswith("XNAT_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def listings_are_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not listed is not waited for; tests of listings that lag ask for patience."""
    # The sandbox is tested where xnat-core is not installed.
    if find_spec("xnat_core") is not None:
        monkeypatch.setattr("xnat_core.lagging.PATIENCE", 0.0)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not listed is waited for."""
    monkeypatch.setattr("xnat_core.lagging.PATIENCE", 10.0)


@pytest.fixture
def make_xnat(tmp_path: Path) -> Iterator[MakeXNAT]:
    """Start as many servers as a test needs, each with its own data and settings."""
    running: list[XNAT] = []

    def make(settings: Settings | None = None) -> XNAT:
        running.append(XNAT(tmp_path / f"xnat{len(running)}", settings))
        return running[-1]

    yield make
    for server in running:
        server.stop()


@pytest.fixture
def xnat(make_xnat: MakeXNAT) -> XNAT:
    """A running server with an administrator and nothing else."""
    return make_xnat()
