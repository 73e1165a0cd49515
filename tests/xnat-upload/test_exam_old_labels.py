"""Exams whose session is there already, under a label that nothing new may have."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.sandbox import XNAT
from xnat_upload.cli import main

OLD = ("--experiment", "sub.01 (MR)", "--subject", "sub.01")


@pytest.fixture
def exam(xnat: XNAT, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name, value in {"URL": xnat.url, "USER": "admin", "PASS": "admin"}.items():
        monkeypatch.setenv(f"XNAT_{name}", value)
    xnat.has_project("P1")
    (tmp_path / "exam" / "Physio").mkdir(parents=True)
    (tmp_path / "exam" / "Physio" / "a.log").write_bytes(b"a")
    return tmp_path / "exam"


def test_resources_are_attached_to_it(
    xnat: XNAT, exam: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session = xnat.has_session("P1", "sub.01", "sub.01 (MR)")
    assert main(["exam", str(exam), "-P", "P1", *OLD, "--attach-only"]) == 0
    assert json.loads(capsys.readouterr().out)["outcome"] == "done"
    rows = xnat.rows(f"/data/experiments/{session.id}/resources/Physio/files?format=json")
    assert [row["Name"] for row in rows] == ["a.log"]


@pytest.mark.parametrize("more", [(), ("--skip-resources",)])
def test_dicom_is_not_uploaded_under_it(exam: Path, more: tuple[str, ...]) -> None:
    assert main(["exam", str(exam), "-P", "P1", *OLD, *more]) == 2


@pytest.mark.parametrize("label", ["../E2", "E1?x=y", ".."])
def test_what_could_lead_elsewhere_is_refused(exam: Path, label: str) -> None:
    assert main(["exam", str(exam), "-P", "P1", "-S", "S1", "-E", label, "--attach-only"]) == 2
