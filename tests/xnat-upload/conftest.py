"""A folder to upload, and the command that uploads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.sandbox import XNAT
from support.uploads import Uploader


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
