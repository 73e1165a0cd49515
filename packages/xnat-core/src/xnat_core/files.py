"""Local files: copied in blocks, digested on the way, and never seen half written."""

from __future__ import annotations

import errno
import hashlib
import os
import random
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol

from xnat_core.errors import IntegrityError, OperationError, UploadError
from xnat_core.parallel import check_stop
from xnat_core.presence import exists
from xnat_core.private_files import refuse_special

BLOCK = 1 << 20
_LONGEST_NAME = 255
# What stands around a name: a dot, the numbers of a process and of a try, the suffix.
_MARK = len(".") + len(".4294967295-01234567.part")
# One of our own: a program that seeds the common one would get the same names everywhere.
_random = random.Random()

Block = bytes | bytearray | memoryview


class Sink(Protocol):
    """Takes blocks: a file, a digest behind a method, an archive."""

    def write(self, block: Block, /) -> object:
        """Take all of the block."""


class Digest(Protocol):
    """What `hashlib` objects are."""

    def update(self, block: Block, /) -> None:
        """Digest more."""

    def hexdigest(self) -> str:
        """Return what has been digested so far, as lower-case hexadecimal text."""


def new_md5() -> Digest:
    """Return an MD5 that also works where policy forbids MD5 for security (FIPS hosts)."""
    return hashlib.md5(usedforsecurity=False)


def md5_of(path: Path) -> str:
    """Return the MD5 of a file as lower-case hexadecimal text."""
    digest = new_md5()
    with path.open("rb", buffering=0) as file:
        buffer = memoryview(bytearray(BLOCK))
        while size := file.readinto(buffer):
            digest.update(buffer[:size])
    return digest.hexdigest()


def blocks_of(source: Iterable[Block] | IO[bytes]) -> Iterator[Block]:
    """Return the blocks of something that is iterated or read, about 1 MiB each when read."""
    read = getattr(source, "read", None)
    if read is None:
        return iter(source)
    return iter(lambda: read(BLOCK), b"")


def copy_blocks(
    source: Iterable[Block] | IO[bytes], sinks: Iterable[Sink], digest: Digest | None = None
) -> int:
    """Write every block to every sink, digest it on the way, and return the number of bytes.

    Raises `Stopped` between two blocks when the `bounded_map` it works for has been closed.
    """
    sinks = tuple(sinks)
    total = 0
    for block in blocks_of(source):
        check_stop()
        for sink in sinks:
            sink.write(block)
        if digest is not None:
            digest.update(block)
        total += len(block)
    return total


def size_and_md5(source: Iterable[Block] | IO[bytes]) -> tuple[int, str]:
    """Read to the end and return the number of bytes and their MD5. Raises as `copy_blocks`."""
    digest = new_md5()
    size = copy_blocks(source, (), digest)
    return size, digest.hexdigest()


def unique_part_path(final: Path) -> Path:
    """Return a hidden sibling of `final`, different in each call, process and host.

    `.{name}.{process}-{random}.part`, the name as `part_stem` has it.
    """
    mark = f".{os.getpid()}-{_random.getrandbits(32):08x}.part"
    return final.with_name(f".{part_stem(final.name)}{mark}")


def part_stem(name: str) -> str:
    """How the partial files of a file are called: by its name, shortened where a file system's 255
    bytes would not hold it, always to the same that no other name is shortened to."""
    encoded = os.fsencode(name)
    if len(encoded) <= _LONGEST_NAME - _MARK:
        return name
    digest = new_md5()
    digest.update(encoded)
    ending = f"~{digest.hexdigest()[:16]}"
    begin = encoded[: _LONGEST_NAME - _MARK - len(ending)]
    # Cutting may have split a character; what is left of it would be no name on some systems.
    return f"{begin.decode('utf-8', 'ignore')}{ending}"


class PartFile:
    """A file being written under a name that nobody looks for."""

    def __init__(self, path: Path, digest: Digest | None) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
        with _disk_errors(path):
            self._file = os.fdopen(os.open(path, flags, 0o666), "wb")
        self.path = path
        self.size = 0
        self._digest = digest

    @property
    def md5(self) -> str | None:
        """The MD5 of what was written, where one was expected."""
        return None if self._digest is None else self._digest.hexdigest()

    def write(self, block: Block) -> int:
        """Write the whole block and return its length in bytes."""
        with _disk_errors(self.path):
            self._file.write(block)
        self.size += len(block)
        if self._digest is not None:
            self._digest.update(block)
        return len(block)

    def close(self, *, sync: bool = False) -> None:
        """Hand the rest to the system, or with `sync` to the disk; a second time does nothing."""
        if self._file.closed:
            return
        with _disk_errors(self.path):
            try:
                self._file.flush()
                if sync:
                    os.fsync(self._file.fileno())
            finally:
                self._file.close()


@contextmanager
def atomic_write(
    final: Path,
    *,
    size: int | None = None,
    md5: str | None = None,
    sync: bool = False,
    new: bool = False,
) -> Iterator[PartFile]:
    """Write a file that appears under its final name only when it is whole.

    Bytes go to a sibling `.part` file, which replaces `final` (a link there is replaced, not
    followed) when the block ends without an exception and `size` in bytes and `md5` in hexadecimal
    are as expected. Otherwise the `.part` file is removed; a killed process leaves it. Folders are
    made. `sync` returns only when the disk has it; with `new` nothing is replaced.

    Raises `IntegrityError` when size or MD5 differ, `OperationError` when the disk fails, the name
    is that of a device, or with `new` when there is something of that name by then.
    """
    with _disk_errors(final.parent):
        final.parent.mkdir(parents=True, exist_ok=True)
    with _disk_errors(final):
        refuse_special(final)
    part = PartFile(unique_part_path(final), None if md5 is None else new_md5())
    try:
        yield part
        part.close(sync=sync)
        _expect(final, "bytes", size, part.size)
        _expect(final, "MD5", md5.lower() if md5 is not None else None, part.md5)
        with _disk_errors(final):
            if new:
                _appear(part.path, final)
            else:
                part.path.replace(final)
    except BaseException:
        with suppress(OperationError):
            part.close()
        with suppress(OSError):
            part.path.unlink()
        raise
    if sync:
        sync_directory(final.parent)


def _appear(part: Path, final: Path) -> None:
    """Give a file a name that nothing has yet. Raises FileExistsError."""
    try:
        final.hardlink_to(part)
    except FileExistsError:
        raise
    except OSError:
        # A file system without links.
        if exists(final):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from None
        part.replace(final)
    else:
        part.unlink()


def _expect(final: Path, what: str, expected: int | str | None, actual: int | str | None) -> None:
    if expected is not None and expected != actual:
        raise IntegrityError(f"{final}: {what} should be {expected}, received {actual}")


def sync_directory(directory: Path) -> None:
    """Make names that were given in a directory outlive a power failure, where that is possible."""
    try:
        descriptor = os.open(directory, os.O_RDONLY)
    except PermissionError:
        return  # Who may give names in it need not be allowed to list them.
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems sync no directories, and say so in this way.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


@contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OperationError("write", f"{path}: {error.strerror or error}") from error


class SentFile:
    """A local file open for sending, held to the size that was promised for it.

    A body whose length has been announced cannot be mended once bytes are out: every difference
    raises `UploadError` naming the file. With `mtime_ns` so does a file that is not the one that
    was looked at, though it has its size.
    """

    def __init__(self, path: Path, size: int, mtime_ns: int | None = None) -> None:
        self.path = path
        self.size = size
        try:
            self._file = path.open("rb", buffering=0)
        except OSError as error:
            raise UploadError(f"{path}: {error.strerror}", path) from error
        self._opened = os.fstat(self._file.fileno())
        if self._opened.st_size != size:
            self._file.close()
            raise self._changed(self._opened.st_size)
        if mtime_ns not in (None, self._opened.st_mtime_ns):
            self._file.close()
            raise UploadError(f"{path}: changed since it was looked at", path)

    def __enter__(self) -> SentFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()

    def readinto(self, buffer: memoryview) -> int:
        """Read up to the length of the buffer, at least one byte, and return how many."""
        try:
            count = self._file.readinto(buffer)
        except OSError as error:
            raise UploadError(f"{self.path}: {error.strerror}", self.path) from error
        if not count:
            raise self._changed(os.fstat(self._file.fileno()).st_size)
        return count

    def rewind(self) -> None:
        """Go back to the first byte."""
        self._file.seek(0)

    def check(self) -> None:
        """Raise `UploadError` when the file changed since it was opened."""
        now = os.fstat(self._file.fileno())
        if now.st_size != self.size:
            raise self._changed(now.st_size)
        if now.st_mtime_ns != self._opened.st_mtime_ns:
            raise UploadError(f"{self.path}: was written to while it was being sent", self.path)

    def _changed(self, size: int) -> UploadError:
        return UploadError(
            f"{self.path}: changed from {self.size} to {size} bytes while it was being sent",
            self.path,
        )


def leads_nowhere(path: Path, error: OSError) -> bool:
    """Whether a name was not found because it is a link, to what was moved or never fetched, or in
    a circle."""
    # The error first: where a path cannot be looked up at all, `is_symlink` would fail, too.
    return error.errno in (errno.ENOENT, errno.ELOOP) and path.is_symlink()


def no_file(path: Path, error: OSError) -> UploadError:
    """Why a name cannot be uploaded."""
    reason = error.strerror
    if leads_nowhere(path, error):
        reason = f"a link to {path.readlink()}, which is not there"
    return UploadError(f"{path}: {reason}", path)


def unreadable(error: OSError) -> None:
    """For `os.walk`, which leaves out in silence what it cannot read."""
    raise error
