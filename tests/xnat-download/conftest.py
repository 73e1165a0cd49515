"""A downloader in a folder of its own, in no hurry that a test would have to wait for."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.downloads import Downloader
from support.kept import SCANS
from support.sandbox import XNAT
from xnat_download.engine import Engine


@pytest.fixture
def download(
    xnat: XNAT,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Downloader:
    """Runs `xnat-download`; what it fetches goes to `download.out`."""
    from xnat_core.http import retries

    monkeypatch.setattr(retries, "FIRST_PAUSE", 0.01)
    return Downloader(xnat, tmp_path / "out", capfd, monkeypatch)


@pytest.fixture
def session(download: Downloader) -> Downloader:
    """A session with two scans and a resource of its own."""
    download.xnat.has_session("P1", "S1", "MR1", SCANS, resources={"NOTES": {"n.txt": b"n"}})
    return download


@pytest.fixture(params=["at once", "behind"])
def digests(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same must hold whether MD5 and the final name follow at once or on another thread."""
    monkeypatch.setattr(Engine, "hashes_behind", lambda *_: request.param == "behind")
