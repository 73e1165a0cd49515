"""What a person is told who has taken the wrong thing, or is in the wrong place."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from support.toy import main


@pytest.mark.parametrize(
    ("record", "other"), [({"kind": "scan"}, "not 'scan'"), ({"id": "w"}, "and this has no kind")]
)
def test_a_record_of_another_kind_is_told_what_is_read(
    record: object,
    other: str,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    lines = io.TextIOWrapper(io.BytesIO(json.dumps(record).encode()))
    monkeypatch.setattr("sys.stdin", lines)
    assert main(["say", "-"]) == 1
    told = f"toy: line 1 of standard input: toy reads records of kind word, {other}\n"
    assert capfdbinary.readouterr().err.decode().startswith(told)


def test_who_works_where_nothing_is_any_more_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    left = tmp_path / "left"
    left.mkdir()
    monkeypatch.chdir(left)
    left.rmdir()
    assert main(["say", "here"]) == 1
    told = "toy: the current directory: No such file or directory\n"
    assert capfdbinary.readouterr().err.decode().startswith(told)
