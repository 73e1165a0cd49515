"""Standard output at its end."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import pytest

from support.toy import COMMANDS, main
from xnat_core.run import run

TESTS = Path(__file__).parents[1]


def test_what_a_disk_tells_when_a_file_is_closed_is_a_failure(
    capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As NFS does, for a full quota and for blocks that it has lost."""
    told = Mock(side_effect=OSError(errno.EDQUOT, "Disk quota exceeded"))
    with monkeypatch.context() as context:
        context.setattr(os, "close", told)
        status = main(["say", "a"])
    assert status == 1
    assert capfdbinary.readouterr().err == b"toy: standard output: Disk quota exceeded\n"


def test_help_is_shown_also_where_standard_output_has_few_characters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With LANG=en_US, for one, Python writes Latin-1."""
    shown = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(shown, "latin-1"))
    assert run("toy", "1.2.3", "One\u2026 two.\n", COMMANDS, ["--help"]) == 0
    assert shown.getvalue() == b"One? two.\n"


@pytest.mark.parametrize(("word", "status"), [("stop", 5), ("defect", 1)])
@pytest.mark.parametrize("output", ["ndjson", "json", "table"])
@pytest.mark.parametrize("full", [True, False])
def test_an_error_is_what_is_told_also_where_standard_output_takes_nothing(
    word: str, status: int, output: str, full: bool
) -> None:
    """`tool | head` and a full disk: Python flushes once more at the end, and would complain."""
    reading, writing = os.pipe()
    os.close(reading)
    with Path("/dev/full").open("wb") as disk, os.fdopen(writing, "wb") as gone:
        ended = subprocess.run(
            [sys.executable, "-m", "support.toy", "say", word, "--output", output],
            cwd=TESTS,
            stdout=disk if full else gone,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert ended.stderr.startswith("toy: ")
    assert len(ended.stderr.splitlines()) == 1
    assert ended.returncode == status


@pytest.mark.parametrize(("word", "status"), [("stop", 5), ("confirm", 2)])
def test_an_array_that_was_begun_is_ended_whatever_stops_the_work(
    word: str,
    status: int,
    capfdbinary: pytest.CaptureFixture[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("xnat_core.terminal.ask", lambda question, secret: None)
    assert main(["say", "a", word, "--output", "json"]) == status
    out = capfdbinary.readouterr().out
    assert [record["id"] for record in json.loads(out)] == ["a"]
