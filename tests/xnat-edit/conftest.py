"""Run xnat-edit in this process, with real words, against the sandbox."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TextIO

import pytest

from support.answers import Answer, Record, Run
from support.sandbox import XNAT
from xnat_core import terminal
from xnat_edit.cli import main

Types = Callable[..., list[str]]


@pytest.fixture
def edit(xnat: XNAT, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """`edit("rename", "subject", …, records=[…])`, with nobody at a terminal; `stdin=[stream]` is
    another standard input, or none."""
    monkeypatch.setenv("XNAT_URL", xnat.url)
    monkeypatch.setenv("XNAT_USER", "admin")
    monkeypatch.setenv("XNAT_PASS", "admin")
    monkeypatch.setattr("xnat_core.http.retries.FIRST_PAUSE", 0)
    monkeypatch.setattr("xnat_core.services.once.PAUSE", 0.01)
    monkeypatch.setattr(terminal, "_TERMINAL", Path("/no/terminal"))

    def run(
        *argv: str, records: list[Record] | None = None, stdin: Sequence[TextIO | None] = ()
    ) -> Answer:
        lines = "".join(json.dumps(record) + "\n" for record in records or ())
        (given,) = stdin or (io.TextIOWrapper(io.BytesIO(lines.encode())),)
        monkeypatch.setattr(sys, "stdin", given)
        capfd.readouterr()
        status = main(list(argv))
        out, err = capfd.readouterr()
        return Answer(status, out, err)

    return run


@pytest.fixture
def types(monkeypatch: pytest.MonkeyPatch) -> Types:
    """`asked = types("y", "n")`: a person who answers so, and the questions that were asked."""

    def sits_down(*answers: str) -> list[str]:
        asked: list[str] = []
        left = iter(answers)

        def ask(question: str, *, secret: bool) -> str:
            asked.append(question)
            return next(left)

        monkeypatch.setattr(terminal, "is_there", lambda: True)
        monkeypatch.setattr(terminal, "ask", ask)
        return asked

    return sits_down
