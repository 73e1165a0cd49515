"""A sandbox and a shell for documents whose commands are run."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.documents import Shell
from support.sandbox import XNAT

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def shell(xnat: XNAT, tmp_path: Path) -> Shell:
    """A bash in an empty folder that knows where the sandbox is, and nothing else."""
    folder = tmp_path / "work"
    folder.mkdir()
    return Shell(folder, {"XNAT_URL": xnat.url})
