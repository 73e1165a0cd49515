"""Files on their way: locked, left, taken over, cleaned up."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
from pathlib import Path

import pytest

from xnat_core.errors import IntegrityError
from xnat_download import partial
from xnat_download.partial import WORTH_RESUMING, Partial, left_parts, remove_left
from xnat_download.trouble import DiskError

DATA = b"0123456789abcdef" * (WORTH_RESUMING // 16 + 1)


def left(folder: Path) -> list[Path]:
    """The partial files in a folder."""
    return [path for _, path in left_parts(folder)]


def left_behind(final: Path, data: bytes = DATA) -> Path:
    """A partial file that a dead run has left."""
    part = Partial(final)
    part.write(data)
    part.close()
    return part.path


def test_a_file_gets_its_name_when_it_is_accepted(tmp_path: Path) -> None:
    final = tmp_path / "a/b.dcm"
    part = Partial(final)
    part.write(b"whole")
    assert not final.exists()
    part.check(5, hashlib.md5(b"whole").hexdigest())
    part.accept()
    part.discard()
    assert final.read_bytes() == b"whole"
    assert left(tmp_path / "a") == []


def test_one_that_is_removed_is_let_go_of(tmp_path: Path) -> None:
    part = Partial(tmp_path / "a")
    descriptor = part._descriptor
    part.discard()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)
    assert left(tmp_path) == []


def test_what_a_disk_tells_when_a_file_is_closed_keeps_it_from_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As NFS does, for a full quota and for blocks that it has lost."""
    closed: list[int] = []
    close = os.close

    def refuse(descriptor: int) -> None:
        close(descriptor)
        closed.append(descriptor)
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    part = Partial(tmp_path / "a")
    part.write(b"whole")
    with monkeypatch.context() as context:
        context.setattr(os, "close", refuse)
        with pytest.raises(DiskError, match="quota") as told:
            part.accept()
        part.discard()
        part.close()
    assert told.value.is_final
    assert not (tmp_path / "a").exists() and left(tmp_path) == []
    assert len(closed) == len(set(closed)) == 2


@pytest.mark.parametrize(("size", "md5"), [(6, None), (None, "0" * 32), (4, None)])
def test_other_bytes_are_refused(tmp_path: Path, size: int | None, md5: str | None) -> None:
    part = Partial(tmp_path / "a")
    part.write(b"whole")
    with pytest.raises(IntegrityError):
        part.check(size, md5)


def test_two_runs_never_write_the_same_part(tmp_path: Path) -> None:
    one, other = Partial(tmp_path / "a"), Partial(tmp_path / "a", resume=True)
    assert one.path != other.path


def test_what_is_left_is_taken_over_and_hashed_again(tmp_path: Path) -> None:
    path = left_behind(tmp_path / "a")
    part = Partial(tmp_path / "a", resume=True)
    assert (part.path, part.size) == (path, len(DATA))
    part.write(b"more")
    part.accept()
    assert (tmp_path / "a").read_bytes() == DATA + b"more"


def test_the_longest_is_taken_over_and_the_others_removed(tmp_path: Path) -> None:
    left_behind(tmp_path / "a", b"short")
    long = left_behind(tmp_path / "a")
    left_behind(tmp_path / "b")
    part = Partial(tmp_path / "a", resume=True)
    assert part.path == long
    assert len(left(tmp_path)) == 2


def test_what_is_being_written_is_neither_taken_nor_removed(tmp_path: Path) -> None:
    writing = Partial(tmp_path / "a")
    writing.write(DATA)
    remove_left(writing.path)
    assert writing.path.exists()
    other = Partial(tmp_path / "a", resume=True)
    assert other.size == 0


def test_what_is_left_is_removed(tmp_path: Path) -> None:
    remove_left(left_behind(tmp_path / "a"))
    assert left(tmp_path) == []


def test_little_is_not_worth_leaving(tmp_path: Path) -> None:
    part = Partial(tmp_path / "a")
    part.write(b"little")
    part.leave()
    assert left(tmp_path) == []


def test_without_locks_age_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = left_behind(tmp_path / "a")

    def no_locks(descriptor: int, how: int) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    remove_left(path)
    assert path.exists()
    os.utime(path, (0, 0))
    remove_left(path)
    assert not path.exists()


def test_a_part_taken_by_a_cleaner_at_birth_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = partial._lock
    taken: list[int] = []

    def contested(descriptor: int) -> int:
        if not taken:
            taken.append(1)
            for path in left(tmp_path):
                path.unlink()
        return lock(descriptor)

    monkeypatch.setattr(partial, "_lock", contested)
    part = Partial(tmp_path / "a")
    part.write(b"x")
    part.accept()
    assert (tmp_path / "a").read_bytes() == b"x"


def test_a_link_called_like_a_part_is_not_followed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_bytes(b"precious")
    (tmp_path / ".a.1-00000000.part").symlink_to(precious)
    part = Partial(tmp_path / "a", resume=True)
    part.write(b"x")
    part.accept()
    assert precious.read_bytes() == b"precious"


def test_names_up_to_the_limit_of_the_disk(tmp_path: Path) -> None:
    part = Partial(tmp_path / ("ä" * 127))
    part.write(b"x")
    part.accept()
    assert (tmp_path / ("ä" * 127)).exists()


def test_a_file_in_the_place_of_a_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with pytest.raises(DiskError, match=r"a file is where a folder must be|Not a directory"):
        Partial(tmp_path / "a/b")


def test_a_part_that_gets_its_name_just_then_is_not_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lock is free once it is the whole file of another run."""
    other = Partial(tmp_path / "a")
    other.write(DATA)
    lock = partial._lock

    def late(descriptor: int) -> int:
        if left(tmp_path) == [other.path]:
            other.accept()
        return lock(descriptor)

    monkeypatch.setattr(partial, "_lock", late)
    part = Partial(tmp_path / "a", resume=True)
    part.restart()
    assert (tmp_path / "a").read_bytes() == DATA
    part.write(b"x")
    part.accept()
    assert (tmp_path / "a").read_bytes() == b"x"


def test_a_part_that_another_run_has_finished_at_birth_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = partial._lock

    def late(descriptor: int) -> int:
        if not (tmp_path / "a").exists():
            (path,) = left(tmp_path)
            path.write_bytes(b"whole")
            path.replace(tmp_path / "a")
        return lock(descriptor)

    monkeypatch.setattr(partial, "_lock", late)
    part = Partial(tmp_path / "a")
    part.write(b"x")
    assert (tmp_path / "a").read_bytes() == b"whole"
    part.discard()
