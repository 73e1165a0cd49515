"""Run xnat-admin in this process, with real words, against the sandbox."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from support.answers import Answer, Record, Run
from support.sandbox import XNAT
from xnat_admin.cli import main
from xnat_core import terminal


@pytest.fixture
def admin(xnat: XNAT, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """`admin("user", "list", "-P", "P1", records=[…])`, with nobody at a terminal."""
    monkeypatch.setenv("XNAT_URL", xnat.url)
    monkeypatch.setenv("XNAT_USER", "admin")
    monkeypatch.setenv("XNAT_PASS", "admin")
    monkeypatch.setattr("xnat_core.http.retries.FIRST_PAUSE", 0)
    monkeypatch.setattr(terminal, "_TERMINAL", Path("/no/terminal"))

    def run(*argv: str, records: list[Record] | None = None) -> Answer:
        lines = "".join(json.dumps(record) + "\n" for record in records or ())
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines.encode())))
        capfd.readouterr()
        status = main(list(argv))
        out, err = capfd.readouterr()
        return Answer(status, out, err)

    return run
