"""Leases: one holder at a time, without locks."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from unittest.mock import Mock

import pytest

from xnat_core.leases import Lease, LeaseLost, take_one
from xnat_core.parallel import bounded_map

HOLD = "import sys, time; from pathlib import Path; from xnat_core.leases import Lease\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "lease"


def abandoned(folder: Path) -> None:
    """A lease whose holder, of another host, was heard of two minutes ago."""
    lease = Lease(folder)
    assert lease.take()
    (held,) = [path for path in folder.iterdir() if path.name.isdecimal()]
    held.write_text(held.read_text().replace(f'"pid": {os.getpid()}', '"pid": 1'))
    held.write_text(held.read_text().replace('"host": "', '"host": "elsewhere-'))
    past = time.time() - 120
    os.utime(held, (past, past))


def test_only_one_holds_a_lease(folder: Path) -> None:
    assert Lease(folder).take()
    assert not Lease(folder).take()


def test_a_lease_that_was_released_is_free_at_once(folder: Path) -> None:
    first = Lease(folder)
    assert first.take()
    first.release()
    assert Lease(folder).holder() is None
    assert Lease(folder).take()


def test_a_lease_ends_when_its_holder_is_not_heard_of(folder: Path) -> None:
    abandoned(folder)
    assert Lease(folder).take()


def test_a_sign_of_life_keeps_a_lease(folder: Path) -> None:
    lease = Lease(folder, seconds=0.4)
    assert lease.take()
    with lease.kept() as lost:
        time.sleep(1)
        assert not Lease(folder).take()
        assert not lost.is_set()
    assert Lease(folder).take()


def test_a_sign_of_life_that_takes_long_does_not_outlive_the_release(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, touch = threading.Event(), os.utime

    def slowly(path: Path, times: tuple[float, float] | None = None) -> None:
        if times is None and path.name.isdecimal():
            begun.set()
            time.sleep(0.3)
        touch(path, times)

    monkeypatch.setattr(os, "utime", slowly)
    lease = Lease(folder, seconds=20)
    assert lease.take()
    lease.seconds = 0.04  # of the signs of life alone
    with lease.kept():
        assert begun.wait(5)
    time.sleep(0.5)
    assert Lease(folder).holder() is None


def test_a_holder_that_stood_still_learns_that_it_has_lost(folder: Path) -> None:
    lease = Lease(folder, seconds=0.05)
    assert lease.take()
    time.sleep(0.1)
    assert Lease(folder).take()
    with pytest.raises(LeaseLost):
        lease.renew()


def test_a_lease_of_a_time_to_come_ends_as_well(folder: Path) -> None:
    """A machine whose clock was ahead was cut off while it held it; the clock is right again."""
    assert Lease(folder, 60).take()
    (held,) = (path for path in folder.iterdir() if path.name.isdecimal())
    held.write_text(held.read_text().replace('"host": "', '"host": "elsewhere-'))
    ahead = time.time() + 30
    os.utime(held, (ahead, ahead))
    assert not Lease(folder).take()
    ahead += 86400
    os.utime(held, (ahead, ahead))
    assert Lease(folder).take()


def test_a_holder_that_was_killed_here_is_not_waited_for(folder: Path) -> None:
    program = HOLD + "Lease(Path(sys.argv[1])).take(); print('held', flush=True); time.sleep(60)"
    held = subprocess.Popen([sys.executable, "-c", program, str(folder)], stdout=subprocess.PIPE)
    assert held.stdout is not None and held.stdout.readline() == b"held\n"
    assert not Lease(folder).take()
    held.send_signal(signal.SIGKILL)
    held.wait()
    held.stdout.close()
    assert Lease(folder).take()


def test_a_holder_on_another_host_of_the_same_name_is_not_taken_for_dead(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As copies of one virtual machine are called."""
    program = HOLD + "Lease(Path(sys.argv[1])).take()"
    subprocess.run([sys.executable, "-c", program, str(folder)], check=True)
    (tmp_path / "boot_id").write_text("another")
    monkeypatch.setattr("xnat_core.leases._BOOT", tmp_path / "boot_id", raising=False)
    assert not Lease(folder).take()


def test_of_many_that_find_a_lease_abandoned_one_takes_it(folder: Path) -> None:
    for _ in range(20):
        abandoned(folder)
        start = threading.Barrier(8)
        taken: list[bool] = []

        def take(start: threading.Barrier = start, taken: list[bool] = taken) -> None:
            start.wait()
            taken.append(Lease(folder).take())

        threads = [threading.Thread(target=take) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert taken.count(True) == 1
        (held,) = [path for path in folder.iterdir() if path.name.isdecimal()]
        os.utime(held, (0, 0))


def test_processes_take_turns(folder: Path, tmp_path: Path) -> None:
    program = HOLD + (
        "from xnat_core import leases; leases._PAUSE = 0.002\n"
        "lease, count = Lease(Path(sys.argv[1])), Path(sys.argv[2])\n"
        "for _ in range(20):\n"
        "    assert lease.wait(60)\n"
        "    number = int(count.read_text())\n"
        "    time.sleep(0.001); count.write_text(str(number + 1))\n"
        "    lease.release()\n"
    )
    count = tmp_path / "count"
    count.write_text("0")
    words = [sys.executable, "-c", program, str(folder), str(count)]
    for process in [subprocess.Popen(words) for _ in range(6)]:
        assert process.wait() == 0
    assert count.read_text() == "120"


def test_whichever_is_free_is_taken(tmp_path: Path) -> None:
    first, second = Lease(tmp_path / "1"), Lease(tmp_path / "2")
    assert Lease(tmp_path / "1").take()
    assert take_one([first, second], 0) is second
    assert take_one([first, second], 0) is None


def test_who_waits_says_so_once_and_stops_when_nobody_needs_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xnat_core.leases._WORTH_TELLING", 0.01)
    assert Lease(folder).take()
    told: list[str] = []
    assert take_one([Lease(folder)], 0.5, lambda: told.append("waiting")) is None
    assert told == ["waiting"]

    def work(number: int) -> bool:
        return number > 0 or Lease(folder).wait(600)

    for outcome in bounded_map(work, [0, 1], workers=2):
        assert outcome.item == 1
        break


def test_a_file_system_without_links_will_do(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*names: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    assert Lease(folder).take()
    assert not Lease(folder).take()
    holder = Lease(folder).holder()
    assert holder is not None
    assert holder.pid == os.getpid()


@pytest.mark.parametrize("links", [True, False])
def test_of_two_that_see_it_free_only_one_takes_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    link = os.link

    def late(offer: Path, name: Path) -> None:
        monkeypatch.setattr(os, "link", link)
        assert Lease(folder).take()
        if not links:
            raise PermissionError(1, "Operation not permitted")
        link(offer, name)

    monkeypatch.setattr(os, "link", late)
    assert not Lease(folder).take()
    assert [path.name for path in folder.iterdir()] == ["00000001"]


def test_a_link_whose_answer_was_lost_is_known(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = os.link

    def again(offer: Path, name: Path) -> None:
        link(offer, name)
        link(offer, name)

    monkeypatch.setattr(os, "link", again)
    lease = Lease(folder)
    assert lease.take()
    lease.renew()
    assert not Lease(folder).take()


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError):
        Lease(tmp_path / "file" / "lease").take()


def test_a_full_disk_is_an_error_that_leaves_no_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = Mock(side_effect=OSError(errno.ENOSPC, "No space left on device"))
    monkeypatch.setattr("os.write", full)
    with pytest.raises(OSError, match="No space left"):
        Lease(folder).take()
    assert list(folder.iterdir()) == []


def test_who_comes_late_with_an_old_number_gives_up(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    abandoned(folder)
    slow, is_free = Lease(folder), Lease._is_free

    def overtaken(lease: Lease, number: int, now: float) -> bool:
        if lease is slow:
            # Two others have had it meanwhile, and the lower numbers are gone.
            other = Lease(folder)
            assert other.take()
            other.release()
            assert Lease(folder).take()
            return True
        return is_free(lease, number, now)

    monkeypatch.setattr(Lease, "_is_free", overtaken)
    assert not slow.take()
    assert [path.name for path in folder.iterdir()] == ["00000003"]
    assert Lease(folder).holder() is not None


@pytest.mark.parametrize("gone", [True, False])
def test_a_lease_that_was_taken_or_taken_away_is_told(folder: Path, gone: bool) -> None:
    lease = Lease(folder, seconds=0.2)
    assert lease.take()
    with lease.kept() as lost:
        (held,) = folder.iterdir()
        if gone:
            held.unlink()
        else:
            (folder / "00000002").write_bytes(held.read_bytes())
        assert lost.wait(5)
        with pytest.raises(LeaseLost):
            lease.renew()
    assert not (folder / held.name).exists() or not gone
