"""Sessions to run something on, and the tool that does."""

from __future__ import annotations

import io
import json

import pytest

from support.answers import Answer, Record, Run
from support.sandbox import XNAT
from xnat_core.client import XNATClient
from xnat_pipeline.cli import main


@pytest.fixture(autouse=True)
def connected(xnat: XNAT, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project with two sessions, and a login."""
    monkeypatch.setenv("XNAT_URL", xnat.url)
    monkeypatch.setenv("XNAT_USER", "admin")
    monkeypatch.setenv("XNAT_PASS", "admin")
    for label in ("E1", "E2"):
        xnat.has_session("P1", "S1", label, scans={"1": {"a.dcm": b"x"}})


@pytest.fixture
def classic(xnat: XNAT) -> XNAT:
    """The server with the classic engine and without the Container Service."""
    xnat.settings.pipelines, xnat.settings.containers = True, False
    return xnat


@pytest.fixture
def client(xnat: XNAT) -> XNATClient:
    """A client of the server."""
    return XNATClient(xnat.url, "admin", "admin")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Run the tool, with records on standard input if any are given."""

    def tool(*argv: object, records: list[Record] | None = None) -> Answer:
        text = "".join(json.dumps(record) + "\n" for record in records or [])
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        capfd.readouterr()
        status = main(list(map(str, argv)))
        return Answer(status, *capfd.readouterr())

    return tool
