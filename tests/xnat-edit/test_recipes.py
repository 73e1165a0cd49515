"""The recipes about editing do what they say, word for word."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.documents import Shell, follow
from support.sandbox import XNAT

RECIPES = Path(__file__).parents[2] / "docs" / "recipes"


@pytest.fixture
def shell(xnat: XNAT, tmp_path: Path) -> Shell:
    """A project that needs tidying."""
    for subject in ("sub-1", "sub-01", "sub-2"):
        session = xnat.has_session("TIDY", subject, f"{subject}_MR1")
        xnat.has_scan(session, "1", {"a.dcm": b"a"})
    xnat.has_scan(session, "2", {"b.dcm": b"b"}, type="localizer")
    folder = tmp_path / "work"
    folder.mkdir()
    return Shell(folder, {"XNAT_URL": xnat.url, "XNAT_USER": "admin", "XNAT_PASS": "admin"})


def test_the_recipe_can_be_followed(shell: Shell) -> None:
    assert follow(RECIPES / "tidy-labels.md", shell) > 0
