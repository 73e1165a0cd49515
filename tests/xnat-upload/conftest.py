"""A folder to upload, and the command that uploads it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from support.resources import Records, Run
from support.sandbox import XNAT
from support.uploads import Uploader
from xnat_upload.cli import main


@pytest.fixture
def upload(
    xnat: XNAT,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Uploader:
    """`xnat-upload dicom` against a server with the project P1, which builds nothing by itself."""
    xnat.settings.rebuild_idle = 60
    xnat.has_project("P1")
    return Uploader(xnat, tmp_path / "incoming", capfd, monkeypatch)


@pytest.fixture
def session(xnat: XNAT, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A session with a scan, a login, and local files."""
    monkeypatch.setenv("XNAT_URL", xnat.url)
    monkeypatch.setenv("XNAT_USER", "admin")
    monkeypatch.setenv("XNAT_PASS", "admin")
    xnat.has_session("P1", "S1", "E1", scans={"4": {"a.dcm": b"a"}})
    folder = tmp_path / "files"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.txt").write_bytes(b"first")
    (folder / "sub" / "b.txt").write_bytes(b"second")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run(session: None, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """`xnat-upload resource`, where that session is."""

    def tool(*argv: str, records: Records | None = None) -> tuple[int, Records, str]:
        text = "".join(json.dumps(record) + "\n" for record in records or [])
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        status = main(["resource", *argv])
        out, err = capfd.readouterr()
        return status, [json.loads(line) for line in out.splitlines()], err

    return tool
