"""What a local folder or archive will put into a resource."""

from __future__ import annotations

import os
import stat
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from xnat_core.archive.members import Member
from xnat_core.errors import UploadError
from xnat_core.files import BLOCK, no_file, size_and_md5, unreadable
from xnat_core.urls import is_plain
from xnat_core.validation import ARCHIVE_SUFFIXES

_UNPACKED = (".zip", ".tar.gz", ".tgz", ".tar", ".gz", ".zar", ".xar")
_CATALOG = "_catalog.xml"


def members_below(folder: Path) -> list[Member]:
    """The files of a folder with their paths in it.

    Raises UploadError for one without files, and where something in it cannot be read: what is
    left out in silence would be taken for uploaded.
    """
    try:
        files = sorted(file for file in _all_below(folder) if _is_file(file))
    except OSError as error:
        raise UploadError(f"{error.filename}: {error.strerror}", error.filename) from error
    members = [Member.of(file, file.relative_to(folder).as_posix()) for file in files]
    if not members:
        raise UploadError(f"{folder}: no files in it", folder)
    return members


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError as error:
        raise no_file(path, error) from error


def _all_below(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder, onerror=unreadable, followlinks=True):
        folders[:] = [name for name in folders if not _leads_up(Path(place, name))]
        for name in names:
            yield Path(place, name)


def _leads_up(folder: Path) -> bool:
    """Whether a folder is a link to one of those above it: to follow that would have no end."""
    if not folder.is_symlink():
        return False
    target = folder.resolve()
    return any(above.resolve().is_relative_to(target) for above in folder.parents)


def contents_of_archive(archive: Path) -> dict[str, tuple[int, str]]:
    """Size in bytes and MD5 of the files in an archive, by the paths that they will have; nothing
    for one that cannot be read here. Raises UploadError for one that is damaged or has no files."""
    from xnat_core.archive.local import open_archive

    if not archive.name.lower().endswith(ARCHIVE_SUFFIXES):
        return {}
    found: dict[str, tuple[int, str]] = {}
    for member in open_archive(archive):
        if member.kind == "file":
            found[plain_path(member.name)] = size_and_md5(member.blocks())
    if not found:
        raise UploadError(f"{archive}: no files in it", archive)
    require_kept(found)
    return found


def inside_gz(packed: Path) -> tuple[int, str] | None:
    """Size and MD5 of what is in a single `.gz`; None for another archive. Raises UploadError."""
    import gzip

    if _suffix_of(packed) != ".gz":
        return None
    try:
        with gzip.open(packed) as content:
            return size_and_md5(iter(lambda: content.read(BLOCK), b""))
    except (OSError, EOFError, zlib.error) as error:
        raise UploadError(f"{packed}: {error}", packed) from error


def _suffix_of(archive: Path) -> str | None:
    """The suffix by which the server knows how to unpack it."""
    name = archive.name.lower()
    return next((suffix for suffix in _UNPACKED if name.endswith(suffix)), None)


def require_kept(names: Iterable[str]) -> None:
    """Raise UploadError for a file that the server would pass over in silence."""
    for name in names:
        if name.endswith(_CATALOG):
            raise UploadError(
                f"{name}: the server keeps no file of such a name, the one of its catalogs: "
                "rename it or leave it out",
                name,
            )


def name_to_unpack(archive: Path) -> str:
    """What an archive is to be called, so that the server knows how to unpack it.

    A single `.gz` gives its name to what is in it. Raises UploadError for one whose name the server
    would change, and for what it does not unpack.
    """
    suffix = _suffix_of(archive)
    if suffix is not None:
        stem = archive.name[: -len(suffix)] if suffix == ".gz" else "upload"
        if not is_plain(stem):
            reason = "the server would change the name of what is in it: rename it"
            raise UploadError(f"{archive}: {reason}", archive)
        return stem + suffix
    raise UploadError(f"{archive}: the server unpacks only {', '.join(_UNPACKED)}", archive)


def plain_path(name: str) -> str:
    """A path without `./`, which some archives and some servers keep."""
    return PurePosixPath(name).as_posix()
