"""The recipes about editing and administration do what they say, word for word."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.conftest import DOCS
from support.documents import Shell, follow
from support.sandbox import XNAT


@pytest.fixture
def login(xnat: XNAT, tmp_path: Path) -> Shell:
    """A shell that is logged in as the administrator."""
    folder = tmp_path / "work"
    folder.mkdir()
    return Shell(folder, {"XNAT_URL": xnat.url, "XNAT_USER": "admin", "XNAT_PASS": "admin"})


def test_labels_are_tidied(xnat: XNAT, login: Shell) -> None:
    for subject in ("sub-1", "sub-01", "sub-2"):
        session = xnat.has_session("TIDY", subject, f"{subject}_MR1")
        xnat.has_scan(session, "1", {"a.dcm": b"a"})
    xnat.has_scan(session, "2", {"b.dcm": b"b"}, type="localizer")
    assert follow(DOCS / "recipes" / "tidy-labels.md", login) > 0


def test_members_and_changes_are_told(xnat: XNAT, login: Shell) -> None:
    xnat.has_project("NEURO", code=0)
    xnat.has_project("OPEN", code=4)
    xnat.has_session("NEURO", "SUB01", "SUB01_MR1")
    xnat.has_user("rita")
    assert follow(DOCS / "recipes" / "who-may-and-who-did.md", login) > 0
