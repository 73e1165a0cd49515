"""Resources that are filled at the same time are measured by one bar."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from support.resources import Run
from xnat_core.progress import DrawnProgress, Progress


def test_several_resources_are_expected_together(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bars: list[DrawnProgress] = []

    def reporter(quiet: bool) -> Progress:
        bars.append(DrawnProgress(io.StringIO()))
        return bars[-1]

    monkeypatch.setattr("xnat_core.progress.reporter", reporter)
    known = {"kind": "upload", "project": "P1", "session": "E1"}
    for number in range(3):
        (tmp_path / f"{number}.txt").write_text(f"file {number}")
    status, _, err = run(
        records=[{**known, "resource": f"R{n}", "path": f"{n}.txt"} for n in range(3)]
    )
    assert status == 0, err
    (bar,) = bars
    assert (bar._bytes, bar._total_bytes) == (18, 18)
