"""The recipes of transfers do what they say, word for word."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from docs.conftest import DOCS
from support.documents import Shell, follow
from support.sandbox import XNAT
from support.transfers import series


@pytest.fixture
def two(make_xnat: Callable[[], XNAT], tmp_path: Path) -> Shell:
    """A project with three sessions, and another server with empty ones."""
    source, dest = make_xnat(), make_xnat()
    for subject, label in (("SUB01", "SUB01_MR1"), ("SUB01", "SUB01_MR2"), ("SUB02", "SUB02_MR1")):
        scans = {"1": series(subject, label, 1, "MR", 1)}
        session = source.has_session("NEURO", subject, label, scans=scans)
        if label == "SUB01_MR1":
            source.has_resource(session, "NOTES", {"a.txt": b"a", "b.txt": b"b"})
    source.has_resource(source.has_project("NEURO"), "PROTOCOL", {"protocol.pdf": b"%PDF"})
    user, password = dest.has_user("keeper")
    for project in ("COPY", "RECENT", "PLAIN"):
        dest.has_project(project)
        dest.store.accounts.join(user, f"{project}_owner")
    login = {"XNAT_URL": source.url, "XNAT_USER": "admin", "XNAT_PASS": "admin"}
    folder = tmp_path / "work"
    folder.mkdir()
    return Shell(folder, {**login, "DEST_URL": dest.url, "DEST_PASS": password})


@pytest.mark.skipif(not shutil.which("jq"), reason="jq is not installed")
def test_a_transfer(two: Shell) -> None:
    assert follow(DOCS / "recipes/transfer.md", two) > 5


@pytest.mark.skipif(not shutil.which("parallel"), reason="GNU parallel is not installed")
@pytest.mark.skipif(not shutil.which("jq"), reason="jq is not installed")
def test_a_cluster(two: Shell) -> None:
    login = two.run(
        'xnat-auth profile add archive --url "$DEST_URL" -u keeper &&'
        ' echo "$DEST_PASS" | xnat-auth login -p archive --password-stdin'
    )
    assert login.returncode == 0, login.stderr
    assert follow(DOCS / "recipes/cluster.md", two) > 3
