"""A server to send raw requests to."""

from __future__ import annotations

import pytest

from support.sandbox import XNAT


@pytest.fixture(autouse=True)
def connected(xnat: XNAT, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment names the server and its administrator; it has the project P1."""
    monkeypatch.setenv("XNAT_URL", xnat.url)
    monkeypatch.setenv("XNAT_USER", "admin")
    monkeypatch.setenv("XNAT_PASS", "admin")
    xnat.has_project("P1")
