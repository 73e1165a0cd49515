"""A downloader in a folder of its own, in no hurry that a test would have to wait for."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.downloads import Downloader
from support.sandbox import XNAT


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
