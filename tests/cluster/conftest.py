"""A Slurm for all tests of this folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from support.arrays import SESSIONS
from support.sandbox import FAST, XNAT
from support.slurm import Slurm, cluster


@pytest.fixture(scope="session")
def slurm() -> Iterator[Slurm]:
    """A Slurm of one node that declares eight processors."""
    with cluster() as running:
        yield running


@pytest.fixture
def archive(make_xnat: Callable[..., XNAT], monkeypatch: pytest.MonkeyPatch) -> XNAT:
    """A server that lets nobody have more than five sessions; its login is in the environment."""
    xnat = make_xnat(replace(FAST, concurrent_sessions=SESSIONS))
    for name, value in {"URL": xnat.url, "USER": "admin", "PASS": "admin"}.items():
        monkeypatch.setenv(f"XNAT_{name}", value)
    return xnat
