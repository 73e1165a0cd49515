"""Data to send, and a server that does nothing with them by itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from support.imports import members, send_zip, uris
from support.sandbox import XNAT
from xnat_sandbox import samples

MakeXNAT = Callable[..., XNAT]


@pytest.fixture
def builds_nothing(xnat: XNAT) -> None:
    """The server builds nothing by itself, and has the projects P1 and P2."""
    xnat.settings.rebuild_idle = 600
    xnat.has_project("P1")
    xnat.has_project("P2")


@pytest.fixture
def series(tmp_path: Path) -> dict[str, bytes]:
    """The files of a series, by their names."""
    return members(samples.write_series(tmp_path / "series"))


@pytest.fixture
def staged(xnat: XNAT, series: dict[str, bytes]) -> str:
    """The address of a built session in P1."""
    (uri,) = uris(send_zip(xnat, series, dest="/prearchive/projects/P1"))
    return uri
