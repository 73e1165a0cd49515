"""Logins that cannot be read at the moment are not taken for none."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.sandbox import XNAT
from xnat_core.auth import AuthManager
from xnat_core.connect import connect
from xnat_core.errors import AuthenticationError
from xnat_core.targets import resolve

HERE, THERE = "https://here.example.org", "https://there.example.org"


@contextmanager
def unread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """While the disk does not give the file."""
    read = Path.read_bytes

    def fail(path: Path) -> bytes:
        if path.name == ".session":
            raise OSError(errno.ESTALE, "Stale file handle")
        return read(path)

    with monkeypatch.context() as failing:
        failing.setattr(Path, "read_bytes", fail)
        yield


@pytest.mark.parametrize("change", ["save", "refuse"])
def test_a_read_that_failed_is_not_taken_for_an_empty_file(
    monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    manager = AuthManager()
    manager.save_session("1" * 32, HERE, "alice", profile="here")
    with unread(monkeypatch):
        if change == "save":
            manager.save_session("2" * 32, THERE, "bob")
        else:
            manager.note_refusal(THERE, "bob", "wrong")
    found = manager.find(HERE, profile="here")
    assert found is not None
    assert found.token == "1" * 32


def test_who_has_only_a_login_that_cannot_be_read_is_no_guest(
    xnat: XNAT, monkeypatch: pytest.MonkeyPatch
) -> None:
    xnat.store.preferences.set("requireLogin", False)
    xnat.has_project("P1")
    for name in ("XNAT_USER", "XNAT_PASS", "XNAT_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XNAT_URL", xnat.url)
    token = xnat.call("POST", "/data/JSESSION").text
    AuthManager().save_session(token, xnat.url, "admin", profile="default")
    with (
        unread(monkeypatch),
        connect(resolve()) as client,
        pytest.raises(AuthenticationError, match="cannot be read: Stale file handle"),
    ):
        client.rows("/data/projects")
    with connect(resolve()) as client:
        assert [row["ID"] for row in client.rows("/data/projects")] == ["P1"]
