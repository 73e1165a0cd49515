"""Local files that may be DICOM: found by walking, told from others by name and first bytes.

Nothing here parses DICOM; that needs a library which not every tool wants to carry.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from xnat_core.errors import UploadError, XNATCtlError
from xnat_core.files import leads_nowhere, no_file
from xnat_core.presence import exists

SUFFIXES = (".dcm", ".ima", ".img", ".dicom")
PREAMBLE = 128
MAGIC = b"DICM"
BACKUP = ".bak"
HEAD = PREAMBLE + len(MAGIC)

Trouble = Callable[[XNATCtlError], None]


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A regular file as it was seen; `identity` is the same for all names of one file."""

    path: Path
    size: int
    mtime_ns: int
    identity: tuple[int, int]


@dataclass(slots=True)
class LostLinks:
    """Links that lead nowhere, met on a walk and passed over."""

    count: int = 0
    first: Path | None = None

    def add(self, path: Path) -> None:
        """Count one more."""
        self.count += 1
        self.first = self.first or path

    def __str__(self) -> str:
        return f"links that lead nowhere ({self.count}) were passed over, the first: {self.first}"


def walk(
    roots: Iterable[Path], trouble: Trouble, lost: LostLinks | None = None
) -> Iterator[LocalFile]:
    """Yield the regular files at and below `roots` as they are met, sorted within a directory.

    Names beginning with a dot and everything that is neither file nor directory are passed over
    below a root; a directory that several names lead to is entered once. `trouble` is told of what
    cannot be read, and of a root that does not exist; of links that lead nowhere only where `lost`
    does not count them.
    """
    entered: set[tuple[int, int]] = set()
    for root in roots:
        try:
            found = root.stat()
        except OSError as error:
            trouble(no_file(root, error))
            continue
        if stat.S_ISDIR(found.st_mode):
            yield from _below(root, found, entered, trouble, lost)
        else:
            yield from _file(root, found)


def _below(
    directory: Path,
    found: os.stat_result,
    entered: set[tuple[int, int]],
    trouble: Trouble,
    lost: LostLinks | None,
) -> Iterator[LocalFile]:
    # A stack: recursion would hold a frame for each level, and names may link in circles.
    waiting = [(directory, found)]
    while waiting:
        directory, found = waiting.pop()
        identity = found.st_dev, found.st_ino
        if identity in entered:
            continue
        entered.add(identity)
        directories = []
        for path in _children(directory, trouble):
            try:
                found = path.stat()
            except OSError as error:
                if lost is not None and leads_nowhere(path, error):
                    lost.add(path)
                else:
                    trouble(no_file(path, error))
                continue
            if stat.S_ISDIR(found.st_mode):
                directories.append((path, found))
            else:
                yield from _file(path, found)
        waiting += reversed(directories)


def _children(directory: Path, trouble: Trouble) -> Iterator[Path]:
    try:
        with os.scandir(directory) as entries:
            # Names only: the entries of a directory with 100,000 files would take 30 MB.
            names = sorted(entry.name for entry in entries if not entry.name.startswith("."))
    except OSError as error:
        trouble(UploadError(f"{directory}: {error.strerror}", directory))
        return
    for name in names:
        yield directory / name


def _file(path: Path, found: os.stat_result) -> Iterator[LocalFile]:
    if stat.S_ISREG(found.st_mode):
        yield LocalFile(path, found.st_size, found.st_mtime_ns, (found.st_dev, found.st_ino))


def is_other(path: Path) -> bool:
    """Whether there is something that is neither a file nor a directory: a pipe, a device."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def is_named_dicom(name: str) -> bool:
    """Whether a name has one of the suffixes that DICOM files have, in any case."""
    return name.lower().endswith(SUFFIXES)


def is_named_gzipped_dicom(name: str) -> bool:
    """Whether a file is called like a DICOM file that was compressed by itself."""
    stem, dot, suffix = name.lower().rpartition(".")
    # Images of other formats are called so, too.
    return bool(dot) and suffix == "gz" and is_named_dicom(stem) and not stem.endswith(".img")


def is_backup(path: Path) -> bool:
    """Whether it is what a file was before `xnat-dicom modify --backup` changed it.

    Without that file beside it, it is the only one and no backup.
    """
    name = path.name.removesuffix(BACKUP)
    # Of a name that is nothing but the suffix no name of a file is left.
    return name != path.name and name.strip(".") != "" and exists(path.with_name(name))


def has_magic(head: bytes | memoryview) -> bool:
    """Whether the first bytes of a file are those of DICOM; `HEAD` of them are enough."""
    return bytes(head[PREAMBLE:HEAD]) == MAGIC


def head_of(path: Path) -> bytes:
    """The first bytes of a file, as many as `has_magic` wants. Raises UploadError."""
    try:
        with path.open("rb", buffering=0) as file:
            return file.read(HEAD)
    except OSError as error:
        raise UploadError(f"{path}: {error.strerror}", path) from error


def may_be_dicom(path: Path) -> bool:
    """Whether a file has a DICOM suffix or, whatever its name, the first bytes of DICOM.

    Raises UploadError when its name does not tell and it cannot be read.
    """
    return is_named_dicom(path.name) or has_magic(head_of(path))
