"""Run xnat-ls in this process, with real words, against the sandbox."""

from __future__ import annotations

import io
import json
import sys

import pytest

from support.answers import Answer, Record, Run
from support.sandbox import XNAT
from xnat_ls.cli import main


@pytest.fixture
def ls(xnat: XNAT, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """`ls("sessions", "-P", "P1", records=[…])`; everything must work with nothing on input."""
    monkeypatch.setenv("XNAT_URL", xnat.url)
    monkeypatch.setenv("XNAT_USER", "admin")
    monkeypatch.setenv("XNAT_PASS", "admin")
    monkeypatch.setattr("xnat_core.http.retries.FIRST_PAUSE", 0)

    def run(*argv: str, records: list[Record] | None = None) -> Answer:
        lines = "".join(json.dumps(record) + "\n" for record in records or ())
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines.encode())))
        capfd.readouterr()
        status = main(list(argv))
        out, err = capfd.readouterr()
        return Answer(status, out, err)

    return run
