"""The journal of an upload survives kills, and keeps two runs apart."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest

from xnat_core.journal import Accepted, Journal, JournalBusy

ONE = Accepted("1.dcm", "/in/ä#1.dcm", 10, 123, "d" * 32, "/xapi/direct-archive/P1/1.2/MR1")
TWO = Accepted("2.dcm", "/in/2.dcm", 20, 456, "e" * 32, "/xapi/direct-archive/P1/1.2/MR1")
TARGET = ("https://xnat.example.org", "P1", "MR1")


def test_what_was_added_is_there_the_next_time() -> None:
    with Journal(*TARGET) as journal:
        journal.note({"fresh": True})
        journal.add([ONE])
        journal.add([TWO])
    with Journal(*TARGET) as journal:
        assert list(journal.accepted()) == [ONE, TWO]
        assert journal.facts() == {"fresh": True}


def test_names_that_are_text_are_kept_where_the_system_takes_only_ascii(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from xnat_core.journal import Accepted, Journal\n"
        "one = Accepted('1', '/in/\\xe4\\udcff.dcm', 1, 2, 'd', 'p')\n"
        "with Journal('T', folder=Path(sys.argv[1])) as journal:\n"
        "    journal.add([one])\n"
        "print(*(entry.path.encode() for entry in journal.accepted()))"
    )
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    ran = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        env={**os.environ, **ascii_only},
        capture_output=True,
        text=True,
    )
    kept = "/in/ä\\xff.dcm".encode()
    assert (ran.stdout, ran.stderr) == (f"{kept!r}\n", "")


def test_another_target_has_another_journal() -> None:
    with Journal(*TARGET) as journal, Journal("https://xnat.example.org", "P1", "MR2") as other:
        journal.add([ONE])
        assert list(other.accepted()) == []


def test_a_forgotten_upload_leaves_nothing() -> None:
    with Journal(*TARGET) as journal:
        journal.add([ONE])
        journal.forget()
    with Journal(*TARGET) as journal:
        assert list(journal.accepted()) == []
        assert journal.facts() == {}


def test_a_line_cut_short_costs_only_itself(tmp_path: Path) -> None:
    with Journal(*TARGET, folder=tmp_path) as journal:
        journal.add([ONE])
    (path,) = tmp_path.glob("*.ndjson")
    with path.open("ab") as file:
        file.write(b'{"name": "half')
    with Journal(*TARGET, folder=tmp_path) as journal:
        journal.add([TWO])
        assert list(journal.accepted()) == [ONE, TWO]


def test_two_runs_for_one_target_exclude_each_other() -> None:
    with Journal(*TARGET), pytest.raises(JournalBusy, match="P1/MR1: another process"):
        Journal(*TARGET).__enter__()


@pytest.mark.parametrize("error", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_without_locks_nothing_is_remembered_and_nobody_hindered(
    monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    monkeypatch.setattr("fcntl.flock", Mock(side_effect=OSError(error, "no locks")))
    with Journal(*TARGET) as journal:
        journal.add([ONE])
        assert list(journal.accepted()) == []


def test_a_killed_run_leaves_no_lock_behind() -> None:
    hold = (
        "import os, sys; from xnat_core.journal import Journal;"
        f"held = Journal(*{TARGET!r}).__enter__(); print('held', flush=True); sys.stdin.read()"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert run.stdout is not None and run.stdin is not None
    assert run.stdout.readline() == b"held\n"
    with pytest.raises(JournalBusy):
        Journal(*TARGET).__enter__()
    run.kill()
    run.wait()
    run.stdin.close()
    run.stdout.close()
    with Journal(*TARGET) as journal:
        journal.add([ONE])
        assert list(journal.accepted()) == [ONE]


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "uploads"
    old = os.umask(0)
    try:
        with Journal(*TARGET, folder=folder) as journal:
            journal.add([ONE])
    finally:
        os.umask(old)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in folder.iterdir())


def test_where_nothing_can_be_written_it_hinders_nobody(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with Journal(*TARGET, folder=tmp_path / "file" / "uploads") as journal:
        journal.add([ONE])
        assert list(journal.accepted()) == []
        journal.forget()


@pytest.mark.parametrize("what", ["a folder", "a pipe", "no permission"])
def test_one_that_cannot_be_read_is_as_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    with Journal(*TARGET, folder=tmp_path) as journal:
        journal.add([ONE])
    (path,) = tmp_path.glob("*.ndjson")
    if what == "no permission":
        # As after a run by root. Where the tests are root, no mode keeps them out.
        for name in ("os.open", "pathlib.Path.open"):
            monkeypatch.setattr(name, _refused_for(path, name))
    else:
        path.unlink()
        path.mkdir() if what == "a folder" else os.mkfifo(path)
    with Journal(*TARGET, folder=tmp_path) as journal:
        assert (list(journal.accepted()), journal.facts()) == ([], {})
        journal.note({"begun": True})
        journal.add([ONE])


def _refused_for(path: Path, name: str) -> Callable[..., Any]:
    opened = os.open if name == "os.open" else Path.open

    def open_others(where: Any, *arguments: Any, **more: Any) -> Any:
        if where == path:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return opened(where, *arguments, **more)

    return open_others


def test_facts_that_are_none_are_passed_over(tmp_path: Path) -> None:
    with Journal(*TARGET, folder=tmp_path) as journal:
        journal.note({"begun": True})
    (path,) = tmp_path.glob("*.ndjson")
    path.write_bytes(path.read_bytes() + b'{"facts": 3}\n')
    with Journal(*TARGET, folder=tmp_path) as journal:
        assert journal.facts() == {"begun": True}


def test_journals_that_nobody_came_back_for_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Journal(*TARGET, folder=tmp_path) as journal:
        journal.add([ONE])
    (path,) = tmp_path.glob("*.ndjson")
    long_ago = time.time() - 100 * 86400
    os.utime(path, (long_ago, long_ago))
    # As in another process: one process looks once.
    monkeypatch.setattr("xnat_core.journal._tidied", set())
    with Journal("https://xnat.example.org", "P1", "MR2", folder=tmp_path):
        assert not path.exists()


def test_a_path_that_is_not_unicode_is_remembered_as_far_as_it_can_be_written() -> None:
    odd = replace(ONE, path=os.fsdecode(b"/in/\xff.dcm"))
    with Journal(*TARGET) as journal:
        journal.add([odd])
        assert list(journal.accepted()) == [replace(odd, path="/in/\\xff.dcm")]


class Disk:
    """What would be left of the only journal in a folder without power, on a clock that is set."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        self.left = b""
        self._folder = folder
        clock = SimpleNamespace(monotonic=lambda: self.now, time=time.time)
        monkeypatch.setattr("xnat_core.journal.time", clock)
        monkeypatch.setattr("xnat_core.journal.os.fsync", self._sync)

    @property
    def file(self) -> bytes:
        (path,) = self._folder.glob("*.ndjson")
        return path.read_bytes()

    def _sync(self, descriptor: int) -> None:
        self.left = self.file


def test_a_kill_loses_nothing_and_a_power_cut_the_last_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(tmp_path, monkeypatch)
    with Journal(*TARGET, folder=tmp_path) as journal:
        journal.add([ONE])
        assert b"1.dcm" in disk.left
        disk.now += 0.9
        journal.add([TWO])
        assert b"2.dcm" in disk.file
        assert b"2.dcm" not in disk.left
        disk.now += 0.1
        journal.add([replace(ONE, name="3.dcm")])
        assert disk.left == disk.file
        journal.note({"fresh": True})
        assert disk.left == disk.file
        journal.add([replace(ONE, name="4.dcm")])
    assert disk.left == disk.file
    assert b"4.dcm" in disk.left


def test_no_worker_waits_for_the_disk_of_another_but_for_its_own_notes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(tmp_path, monkeypatch)
    begun, go_on = threading.Event(), threading.Event()

    def slow_sync(descriptor: int) -> None:
        begun.set()
        assert go_on.wait(20)
        disk.left = disk.file

    with Journal(*TARGET, folder=tmp_path) as journal:
        monkeypatch.setattr("xnat_core.journal.os.fsync", slow_sync)
        first = threading.Thread(target=journal.add, args=([ONE],))
        first.start()
        assert begun.wait(20)
        journal.add([TWO])
        last = threading.Thread(target=journal.note, args=({"fresh": True},))
        last.start()
        assert not disk.left
        go_on.set()
        first.join()
        last.join()
        assert disk.left == disk.file
