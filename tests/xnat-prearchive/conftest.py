"""Sessions that wait in the prearchive, for the tests of this tool."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from support.imports import members, send_object, send_zip, uris
from support.sandbox import XNAT
from support.staging import dicom_bytes
from xnat_prearchive.cli import main
from xnat_sandbox.samples import write_series

Stage = Callable[..., list[str]]
Records = list[dict[str, Any]]
Run = Callable[..., tuple[int, Records, str]]


@pytest.fixture(autouse=True)
def connected(xnat: XNAT, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two projects that archive nothing by themselves, and a login."""
    monkeypatch.setenv("XNAT_URL", xnat.url)
    monkeypatch.setenv("XNAT_USER", "admin")
    monkeypatch.setenv("XNAT_PASS", "admin")
    for project in ("P1", "P2"):
        xnat.has_project(project)


@pytest.fixture
def stage(xnat: XNAT, tmp_path: Path) -> Stage:
    """Put a session of two series into the prearchive; returns PROJECT TIMESTAMP NAME."""

    def put(
        label: str = "E1",
        project: str = "P1",
        subject: str = "S1",
        study: str = "1.2.3",
    ) -> list[str]:
        folder = tmp_path / f"{project}{label}{study}"
        for number in (1, 2):
            write_series(folder, series=number, instances=2, study_uid=study)
        files = members(sorted(folder.rglob("*.dcm")))
        answer = send_zip(
            xnat,
            files,
            project=project,
            subject=subject,
            session=label,
            dest=f"/prearchive/projects/{project}",
        )
        return uris(answer)[0].split("/")[-3:]

    return put


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Run the tool, with records on standard input if any are given."""

    def tool(*argv: str, records: Records | None = None) -> tuple[int, Records, str]:
        text = "".join(json.dumps(record) + "\n" for record in records or [])
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        status = main(list(argv))
        out, err = capfd.readouterr()
        return status, [json.loads(line) for line in out.splitlines()], err

    return tool


@pytest.fixture
def slow(make_xnat: Any, monkeypatch: pytest.MonkeyPatch, xnat: XNAT) -> XNAT:
    """A server that takes what it receives for unfinished, as it has received one session."""
    server: XNAT = make_xnat(replace(xnat.settings, rebuild_idle=3600.0))
    monkeypatch.setenv("XNAT_URL", server.url)
    server.has_project("P1")
    send_object(server, dicom_bytes(), "a.dcm", PROJECT_ID="P1", SUBJECT_ID="S1", EXPT_LABEL="E9")
    return server
