"""What journals leave behind, and what looking for that costs."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from xnat_core import journal
from xnat_core.journal import FORGOTTEN_AFTER_DAYS, Accepted, Journal, JournalBusy

ONE = Accepted("a", "/a", 1, 2, "d", "/p")


def aged(path: Path) -> Path:
    """As if nobody had come for too long."""
    then = time.time() - (FORGOTTEN_AFTER_DAYS + 1) * 86400
    os.utime(path, (then, then))
    return path


def test_a_complete_upload_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "uploads"
    with Journal("s", "p", folder=folder) as kept:
        kept.add([ONE])
        kept.forget()
        with pytest.raises(JournalBusy), Journal("s", "p", folder=folder):
            pass
    assert not list(folder.iterdir())
    with Journal("s", "p", folder=folder) as again:
        again.add([ONE])
        assert list(again.accepted()) == [ONE]


def test_one_that_goes_on_stays(tmp_path: Path) -> None:
    with Journal("s", "p", folder=tmp_path) as kept:
        kept.add([ONE])
    with Journal("s", "p", folder=tmp_path) as again:
        assert list(again.accepted()) == [ONE]


def test_the_folder_is_looked_through_once_for_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[Path] = []
    monkeypatch.setattr(journal, "_forget_old", looked.append)
    for number in range(50):
        with Journal("s", str(number), folder=tmp_path):
            pass
    assert looked == [tmp_path]


def test_old_locks_go_but_for_those_in_use(tmp_path: Path) -> None:
    with Journal("s", "held", folder=tmp_path):
        (held,) = map(aged, tmp_path.glob("*.lock"))
        (its_journal,) = tmp_path.glob("*.ndjson")
        with Journal("s", "waiting", folder=tmp_path) as waiting:
            waiting.add([ONE])
        (waits,) = (aged(path) for path in tmp_path.glob("*.lock") if path != held)
        left = aged_lock(tmp_path)
        its_journal.unlink()
        journal._forget_old(tmp_path)
        assert not left.exists()
        assert held.exists() and waits.exists()


def aged_lock(folder: Path) -> Path:
    """A lock that an upload has left long ago."""
    path = folder / "0123.lock"
    path.touch()
    return aged(path)
