"""Local files are copied in blocks and appear only when they are whole."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from xnat_core.errors import IntegrityError, OperationError
from xnat_core.files import BLOCK, atomic_write, copy_blocks, md5_of, new_md5, unique_part_path
from xnat_core.parallel import Stopped

CONTENT = bytes(range(256)) * 5000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "folder").mkdir()
    return tmp_path / "folder"


def entries(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_a_device_is_not_replaced(folder: Path) -> None:
    os.mkfifo(folder / "device")
    with (
        pytest.raises(OperationError, match="device: not a regular file"),
        atomic_write(folder / "device"),
    ):
        pass
    assert entries(folder) == ["device"]
    assert stat.S_ISFIFO((folder / "device").stat().st_mode)


@pytest.mark.parametrize("links", [True, False])
def test_a_new_file_replaces_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    if not links:
        monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(PermissionError()))
    for name in ("first", "second"):
        with contextlib.suppress(OperationError), atomic_write(folder / "a", new=True) as file:
            file.write(name.encode())
    assert (entries(folder), (folder / "a").read_bytes()) == (["a"], b"first")


def test_a_copy_reaches_every_sink_and_the_digest() -> None:
    first, second, digest = io.BytesIO(), io.BytesIO(), new_md5()
    assert copy_blocks(io.BytesIO(CONTENT), [first, second], digest) == len(CONTENT)
    assert first.getvalue() == second.getvalue() == CONTENT
    assert digest.hexdigest() == hashlib.md5(CONTENT).hexdigest()


def test_a_copy_of_blocks_keeps_them_as_they_are() -> None:
    seen: list[int] = []

    class Sink:
        def write(self, block: bytes | bytearray | memoryview, /) -> None:
            seen.append(len(block))

    copy_blocks([b"123", memoryview(b"4")], [Sink()])
    copy_blocks(io.BytesIO(bytes(BLOCK + 1)), [Sink()])
    assert seen == [3, 1, BLOCK, 1]


def test_the_md5_of_a_file(folder: Path) -> None:
    for content in (b"", CONTENT):
        (folder / "a").write_bytes(content)
        assert md5_of(folder / "a") == hashlib.md5(content).hexdigest()


def test_a_file_appears_when_it_is_whole(folder: Path) -> None:
    final = folder / "new/folder/a"
    md5 = hashlib.md5(CONTENT).hexdigest()
    with atomic_write(final, size=len(CONTENT), md5=md5.upper(), sync=True) as file:
        file.write(CONTENT[:10])
        assert not final.exists()
        file.write(memoryview(CONTENT)[10:])
    assert (file.size, file.md5) == (len(CONTENT), md5)
    assert final.read_bytes() == CONTENT
    assert entries(final.parent) == ["a"]


def test_no_digest_is_computed_when_none_is_expected(folder: Path) -> None:
    with atomic_write(folder / "a") as plain:
        plain.write(b"1")
    assert plain.md5 is None


@pytest.mark.parametrize(
    ("size", "md5", "what"),
    [
        (4, None, "bytes should be 4, received 3"),
        (3, "0" * 32, f"MD5 should be {'0' * 32}, received"),
    ],
)
def test_other_bytes_than_expected_leave_the_old_file(
    folder: Path, size: int, md5: str | None, what: str
) -> None:
    (folder / "a").write_bytes(b"old")
    with (
        pytest.raises(IntegrityError, match=f"{folder}/a: {what}"),
        atomic_write(folder / "a", size=size, md5=md5) as file,
    ):
        file.write(b"new")
    assert (folder / "a").read_bytes() == b"old"
    assert entries(folder) == ["a"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_exception_leaves_nothing_behind(folder: Path, error: type[BaseException]) -> None:
    with pytest.raises(error), atomic_write(folder / "a") as file:
        file.write(b"half")
        raise error
    assert entries(folder) == []


def test_a_killed_process_leaves_only_a_hidden_part(folder: Path) -> None:
    program = """
import os, signal, sys
from pathlib import Path
from xnat_core.files import atomic_write
with atomic_write(Path(sys.argv[1])) as file:
    file.write(b"half")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    run = subprocess.run([sys.executable, "-c", program, str(folder / "a")])
    assert run.returncode == -signal.SIGKILL
    (name,) = entries(folder)
    assert name.startswith(".a.")
    assert name.endswith(".part")


def test_a_link_at_the_final_name_is_replaced_and_not_followed(folder: Path) -> None:
    (folder / "target").write_bytes(b"precious")
    (folder / "a").symlink_to("target")
    with atomic_write(folder / "a") as file:
        file.write(b"new")
    assert (folder / "target").read_bytes() == b"precious"
    assert not (folder / "a").is_symlink()
    assert (folder / "a").read_bytes() == b"new"


def test_what_the_disk_refuses_is_an_error_of_ours(folder: Path) -> None:
    (folder / "file").write_bytes(b"")
    with (
        pytest.raises(OperationError, match=f"write: {folder}/file: File exists"),
        atomic_write(folder / "file/a"),
    ):
        pass
    (folder / "a folder").mkdir()
    with (
        pytest.raises(OperationError, match=f"write: {folder}/a folder: Is a directory"),
        atomic_write(folder / "a folder"),
    ):
        pass
    assert entries(folder) == ["a folder", "file"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_disk_is_told_and_cleaned_up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = os.open
    monkeypatch.setattr(
        os, "open", lambda path, flags, mode=0o777: opened("/dev/full", os.O_WRONLY)
    )
    with (
        pytest.raises(OperationError, match="No space left on device"),
        atomic_write(folder / "a") as file,
    ):
        file.write(CONTENT)
    assert entries(folder) == []


@pytest.mark.parametrize("name", ["a", "x" * 255, "ü" * 127, "a.nii.gz"])
def test_part_names_are_hidden_siblings_that_differ_and_fit(folder: Path, name: str) -> None:
    parts = {unique_part_path(folder / name) for _ in range(50)}
    assert len(parts) == 50
    for part in parts:
        assert part.parent == folder
        assert part.name.startswith("." + name[:100])
        assert part.name.endswith(".part")
        part.touch()


def test_permissions_are_those_of_any_new_file(folder: Path) -> None:
    (folder / "usual").touch()
    with atomic_write(folder / "a"):
        pass
    assert (folder / "a").stat().st_mode == (folder / "usual").stat().st_mode


@pytest.mark.parametrize(("number", "fails"), [(errno.EINVAL, False), (errno.EIO, True)])
def test_a_file_system_may_sync_no_folders(
    folder: Path, monkeypatch: pytest.MonkeyPatch, number: int, fails: bool
) -> None:
    fsync = os.fsync

    def refuses_folders(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", refuses_folders)
    with (
        pytest.raises(OSError, match="Input/output") if fails else contextlib.nullcontext(),
        atomic_write(folder / "a", sync=True) as file,
    ):
        file.write(b"1")
    assert (folder / "a").read_bytes() == b"1"


def test_a_folder_that_may_be_written_need_not_be_readable(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = os.open

    def refuses_folders(path: Path, flags: int, *mode: int) -> int:
        if Path(path) == folder:
            raise PermissionError(errno.EACCES, "Permission denied")
        return opened(path, flags, *mode)

    monkeypatch.setattr(os, "open", refuses_folders)
    with atomic_write(folder / "a", sync=True) as file:
        file.write(b"1")
    assert (folder / "a").read_bytes() == b"1"


def test_a_copy_ends_between_two_blocks_when_nobody_waits_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    checks = iter([None, Stopped()])

    def check_stop() -> None:
        if error := next(checks):
            raise error

    monkeypatch.setattr("xnat_core.files.check_stop", check_stop)
    copied = io.BytesIO()
    with pytest.raises(Stopped):
        copy_blocks([b"1", b"2"], [copied])
    assert copied.getvalue() == b"1"
