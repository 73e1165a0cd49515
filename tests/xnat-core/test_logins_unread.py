"""Logins that cannot be read at the moment are not lost to the next one that is kept."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from xnat_core.auth import AuthManager

HERE, THERE = "https://here.example.org", "https://there.example.org"


@pytest.mark.parametrize("change", ["save", "refuse"])
def test_a_read_that_failed_is_not_taken_for_an_empty_file(
    monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    manager = AuthManager()
    manager.save_session("1" * 32, HERE, "alice", profile="here")
    read = Path.read_bytes

    def fail(path: Path) -> bytes:
        if path.name == ".session":
            raise OSError(errno.ESTALE, "Stale file handle")
        return read(path)

    with monkeypatch.context() as failing:
        failing.setattr(Path, "read_bytes", fail)
        if change == "save":
            manager.save_session("2" * 32, THERE, "bob")
        else:
            manager.note_refusal(THERE, "bob", "wrong")
    found = manager.find(HERE, profile="here")
    assert found is not None
    assert found.token == "1" * 32
