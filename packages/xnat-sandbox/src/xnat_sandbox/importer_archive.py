"""The files inside an upload, one after another as the bytes arrive."""

from __future__ import annotations

import gzip
import tarfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO, cast

from .importer_stream import Entry
from .importer_zip import ZipError, zip_entries

BLOCK = 1 << 20
CONTENT_TYPE_SUFFIXES = {
    "application/zip": ".zip",
    "application/x-tar": ".tar",
    "application/x-gtar": ".tar.gz",
}
FORMATS = {
    ".zip": "ZIP",
    ".zar": "ZIP",
    ".tar": "TAR",
    ".xar": "TAR",
    ".tgz": "TGZ",
    ".tar.gz": "TGZ",
    ".gz": "GZ",
}


class ArchiveError(Exception):
    """An archive that cannot be read, or is of a kind that cannot be."""


def format_of(name: str) -> str:
    """What the suffix says, `UNKNOWN` when it says nothing. Case matters."""
    return next((kind for suffix, kind in FORMATS.items() if name.endswith(suffix)), "UNKNOWN")


def base_name(name: str) -> str:
    """The last component of a path, whichever way its slashes lean."""
    return name.replace("\\", "/").rpartition("/")[2]


def entries(name: str, stream: BinaryIO) -> Iterator[Entry]:
    """The files of the archive `name`, nested archives unpacked.

    An entry's data must be used before the next entry is asked for.
    """
    try:
        yield from _unpacked(name, stream)
    except (ZipError, tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise ArchiveError(str(error) or "unexpected end of the archive") from error


def _unpacked(name: str, stream: BinaryIO) -> Iterator[Entry]:
    for entry in _members(format_of(name), stream):
        if format_of(entry.name) == "UNKNOWN":
            yield Entry(base_name(entry.name), entry.data)
        else:
            yield from _unpacked(entry.name, entry.data)


def _members(kind: str, stream: BinaryIO) -> Iterator[Entry]:
    match kind:
        case "ZIP":
            return zip_entries(stream)
        case "TAR":
            return _tar_entries(stream)
        case "TGZ":
            return _tar_entries(cast(BinaryIO, gzip.GzipFile(fileobj=stream, mode="rb")))
    raise ArchiveError(f"Unsupported format {kind}")


def _tar_entries(stream: BinaryIO) -> Iterator[Entry]:
    with tarfile.open(fileobj=stream, mode="r|", bufsize=BLOCK) as tar:
        while (member := tar.next()) is not None:
            data = tar.extractfile(member) if member.isreg() else None
            if data is not None:
                yield Entry(member.name, cast(BinaryIO, data))
            # tarfile remembers every member; an upload may have millions.
            tar.members.clear()  # type: ignore[attr-defined]  # unknown to typeshed
