"""Archives on this machine, read for an upload."""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from xnat_core.archive.members import ArchiveMember, Kind
from xnat_core.archive.tar_reader import read_tar
from xnat_core.errors import UploadError
from xnat_core.files import BLOCK
from xnat_core.validation import ARCHIVE_SUFFIXES

try:
    from lzma import LZMAError
except ImportError:  # A Python without it; its zipfile refuses such members by itself.
    LZMAError = zlib.error  # type: ignore[misc,assignment]

DAMAGE = (
    *(EOFError, RuntimeError, ValueError),
    *(zipfile.BadZipFile, zlib.error, LZMAError, struct.error),
)
"""What `zipfile` raises for damage, encryption, and methods and versions that it does not know."""
_TROUBLE = (OSError, *DAMAGE)


def open_archive(path: Path) -> Iterator[ArchiveMember]:
    """Yield the members of a `.zip`, `.tar`, `.tar.gz` or `.tgz`, one at a time.

    Raises `UploadError` naming the archive when it has another suffix, cannot be read, or is
    damaged.
    """
    name = path.name.lower()
    if not name.endswith(ARCHIVE_SUFFIXES):
        raise UploadError(f"{path}: not one of {', '.join(ARCHIVE_SUFFIXES)}", path)
    return _zip_members(path) if name.endswith(".zip") else _tar_members(path)


def _tar_members(path: Path) -> Iterator[ArchiveMember]:
    try:
        file = path.open("rb", buffering=0)
    except OSError as error:
        raise UploadError(f"{path}: {error.strerror}", path) from error
    with file:
        yield from read_tar(file, fail=lambda text: UploadError(f"{path}: {text}", path))


def _zip_members(path: Path) -> Iterator[ArchiveMember]:
    """Read by way of the central directory: it tells of links, and lets members be passed over."""
    try:
        archive = zipfile.ZipFile(path)
    except OSError as error:
        raise UploadError(f"{path}: {error.strerror}", path) from error
    except _TROUBLE as error:
        raise UploadError(f"{path}: damaged, or not a zip: {error}", path) from error
    with archive:
        for info in archive.infolist():
            if not info.filename:
                raise UploadError(f"{path}: damaged: a member without a name", path)
            content = _zip_content(path, archive, info)
            member = ArchiveMember(info.filename, info.file_size, _kind(info), content)
            yield member
            member.close()


def _kind(info: zipfile.ZipInfo) -> Kind:
    mode = info.external_attr >> 16 if info.create_system == 3 else 0
    if stat.S_ISLNK(mode):
        return "link"
    if info.is_dir():
        return "directory"
    return "file" if stat.S_IFMT(mode) in (0, stat.S_IFREG) else "other"


def _zip_content(
    path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo
) -> Iterator[memoryview]:
    if _kind(info) != "file":
        return
    try:
        with archive.open(info) as file:
            while block := file.read(BLOCK):
                yield memoryview(block)
    except _TROUBLE as error:
        raise UploadError(f"{path}: {info.filename}: {error or 'cut short'}", path) from error
