"""The tool in this process, with records on its standard input."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from support.shards import Records, Run
from xnat_shard.cli import main


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Run the tool; returns its status, its records and its messages."""

    def tool(*argv: object, records: Iterable[Any] = ()) -> tuple[int, Records, str]:
        text = "".join(json.dumps(record) + "\n" for record in records)
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        status = main([str(word) for word in argv])
        out, err = capfd.readouterr()
        return status, [json.loads(line) for line in out.splitlines()], err

    return tool


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "plan"
