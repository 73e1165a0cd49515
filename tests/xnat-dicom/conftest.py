"""A folder of DICOM, and the tool that looks at it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from support.answers import Answer, Record, Run
from xnat_dicom.cli import main
from xnat_sandbox.samples import write_series


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: two series of one study in `a`, one of another patient in `b`."""
    monkeypatch.chdir(tmp_path)
    write_series(tmp_path / "a/1", series=1, instances=2, patient="ANNA")
    write_series(tmp_path / "a/2", series=2, instances=1, patient="ANNA")
    write_series(tmp_path / "b", series=1, instances=1, patient="BOB", modality="CT")
    return tmp_path


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
