"""Files on their way: beside their final name, hidden, locked while somebody writes them.

The lock is what tells a file that is being written from one that a killed run has left: the system
gives it back when a process ends, however it ends. Where a file system has no locks, a partial file
counts as left after a day.
"""

from __future__ import annotations

import errno
import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from xnat_core.behind import Behind
from xnat_core.errors import IntegrityError
from xnat_core.files import BLOCK, Block, new_md5, part_stem, unique_part_path
from xnat_download.trouble import disk_errors

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

# Less than this is quicker asked for again than read back.
WORTH_RESUMING = 1 << 20

PART = re.compile(r"\.(.+)\.\d+-[0-9a-f]{8}\.part")
_DAY = 86400.0
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
_FREE, _HELD, _UNKNOWN = range(3)


class Partial:
    """The bytes of `final` so far, and their MD5; with `resume` what another run has left of it.

    `version` is what the server said of the file (`Last-Modified`) when the bytes came. The MD5 is
    computed `behind`, where that is given.
    """

    def __init__(self, final: Path, *, resume: bool = False, behind: Behind | None = None) -> None:
        self.final = final
        self._behind = behind
        with disk_errors(final):
            taken = _take_over(final) if resume else None
            self.path, self._descriptor = taken or _create(final)
        self.size = 0
        self.version: str | None = None
        self._digest = new_md5()
        if taken:
            self._read_back()

    @property
    def md5(self) -> str:
        """The MD5 of the bytes so far."""
        if self._behind is not None:
            self._behind.wait()
        return self._digest.hexdigest()

    def write(self, block: Block) -> None:
        """Append."""
        view = memoryview(block)
        with disk_errors(self.path):
            while view:
                view = view[os.write(self._descriptor, view) :]
        self.size += len(block)
        if self._behind is not None:
            self._behind.do(self._digest.update, block)
        else:
            self._digest.update(block)

    def restart(self) -> None:
        """Forget the bytes so far."""
        with disk_errors(self.path):
            os.ftruncate(self._descriptor, 0)
            os.lseek(self._descriptor, 0, os.SEEK_SET)
        self.size = 0
        # What is still behind digests into the old one.
        self._digest = new_md5()

    def check(self, size: int | None, md5: str | None) -> None:
        """Raise IntegrityError when size or MD5 are not as expected."""
        if size is not None and size != self.size:
            raise IntegrityError(f"{self.final}: should have {size} bytes, received {self.size}")
        if md5 is not None and md5 != self.md5:
            raise IntegrityError(f"{self.final}: MD5 should be {md5}, received {self.md5}")

    def accept(self) -> None:
        """Give the file its final name; a link that has the name is replaced, not followed."""
        with disk_errors(self.final):
            # NFS tells of a full quota or a lost block only when a file is closed, whichever of its
            # descriptors; the lock must stay until the file has its name.
            os.close(os.dup(self._descriptor))
            self.path.replace(self.final)
        self.close()

    def leave(self, *, provable: bool = True) -> None:
        """Leave the bytes for a later attempt, here or in another run, if they are worth it: so
        many, and `provable` by a digest of the whole file."""
        if self.size < WORTH_RESUMING or not provable:
            self.discard()
        self.close()

    def close(self) -> None:
        """Let go of it."""
        # Never twice: the number may be that of another file by then.
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            with suppress(OSError):
                os.close(descriptor)

    def discard(self) -> None:
        """Remove the bytes; after `accept` nothing."""
        if self._descriptor >= 0:
            with suppress(OSError):
                self.path.unlink()
        self.close()

    def _read_back(self) -> None:
        """The whole file counts, so its first bytes are read again, not trusted."""
        with disk_errors(self.path):
            os.lseek(self._descriptor, 0, os.SEEK_SET)
            while block := os.read(self._descriptor, BLOCK):
                self.size += len(block)
                self._digest.update(block)


def left_parts(folder: Path) -> Iterator[tuple[str, Path]]:
    """The partial files in a folder, whoever they are of, each with the `part_stem` of its file.

    Those that the disk does not tell of only stay where they are.
    """
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(".part") and (found := PART.fullmatch(entry.name)):
                yield found[1], Path(entry.path)


def remove_left(path: Path) -> None:
    """Remove a partial file unless somebody writes it."""
    descriptor = _open_left(path)
    if descriptor is not None:
        with suppress(OSError):
            path.unlink()
        os.close(descriptor)


def remove_left_of(final: Path) -> None:
    """Remove what earlier attempts at one file have left."""
    for path in _left_of(final):
        remove_left(path)


def _left_of(final: Path) -> list[Path]:
    stem = part_stem(final.name)
    return [path for found, path in left_parts(final.parent) if found == stem]


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise NotADirectoryError(errno.ENOTDIR, "a file is where a folder must be") from error


def _create(final: Path) -> tuple[Path, int]:
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | _NO_FOLLOW
    while True:
        path = unique_part_path(final)
        try:
            descriptor = os.open(path, flags, 0o666)
        except FileExistsError:
            continue
        except (FileNotFoundError, NotADirectoryError):
            # Mostly the folder is there: it is made when it turns out not to be.
            _make_folder(final.parent)
            continue
        if _lock(descriptor) != _HELD and _is_still(path, descriptor):
            return path, descriptor
        os.close(descriptor)


def _take_over(final: Path) -> tuple[Path, int] | None:
    """The longest of the partial files that are left of `final`; the others are removed."""
    best: tuple[Path, int] | None = None
    for path in sorted(_left_of(final), key=_size, reverse=True):
        if best is not None:
            remove_left(path)
        elif (descriptor := _open_left(path)) is not None:
            best = path, descriptor
    return best


def _size(path: Path) -> int:
    try:
        return path.stat(follow_symlinks=False).st_size
    except OSError:
        return 0


def _open_left(path: Path) -> int | None:
    """Open a partial file that nobody writes, locked; None when there is no such."""
    try:
        descriptor = os.open(path, os.O_RDWR | _NO_FOLLOW)
    except OSError:
        return None
    lock = _lock(descriptor)
    old = time.time() - os.fstat(descriptor).st_mtime > _DAY
    if (lock == _FREE or (lock == _UNKNOWN and old)) and _is_still(path, descriptor):
        return descriptor
    os.close(descriptor)
    return None


def _is_still(path: Path, descriptor: int) -> bool:
    """Whether the locked file has that name: before the lock another run may have removed it, or
    finished it, and then it is a whole file that nobody writes to."""
    try:
        return os.path.samestat(os.lstat(path), os.fstat(descriptor))
    except OSError:
        return False


def _lock(descriptor: int) -> int:
    if fcntl is None:
        return _UNKNOWN
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return _HELD if error.errno in (errno.EWOULDBLOCK, errno.EACCES) else _UNKNOWN
    return _FREE
