"""What must be known of a DICOM file to send it, read from its first elements."""

from __future__ import annotations

import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from xnat_core.dicom_elements import (
    DEFLATED,
    MEDIA_DIRECTORY,
    META_CLASS,
    META_INSTANCE,
    META_SYNTAX,
    Malformed,
    beginning_of_deflated,
    elements,
    encoding_of,
    file_meta,
    syntax_without_meta,
    text_of,
)
from xnat_core.dicom_files import LocalFile
from xnat_core.errors import DicomParseError, UploadError

_CLASS, _INSTANCE, _STUDY = 0x00080016, 0x00080018, 0x0020000D
_BUFFER = 8192


@dataclass(frozen=True, slots=True)
class Instance:
    """A DICOM file to send.

    `offset` is the place of its data set in the file, `study` the Study Instance UID or empty.
    """

    path: Path
    size: int
    mtime_ns: int
    offset: int
    sop_class: str
    uid: str
    study: str
    syntax: str

    @property
    def name(self) -> str:
        """The path as text that every format can hold, whatever bytes it has."""
        return shown(self.path)

    @property
    def pair(self) -> tuple[str, str]:
        """What an association must have agreed upon: SOP class and transfer syntax."""
        return self.sop_class, self.syntax


def shown(path: Path) -> str:
    """A path as text; bytes that are no UTF-8 as escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def read_instance(found: LocalFile) -> Instance | None:
    """The instance in a file; None for a DICOMDIR, which is none.

    Raises UploadError when the file cannot be read, DicomParseError when it is not DICOM.
    """
    try:
        with found.path.open("rb", _BUFFER) as file:
            return _read(file, found)
    except OSError as error:
        raise UploadError(f"{found.path}: {error.strerror or error}", found.path) from error
    except (Malformed, zlib.error) as error:
        raise DicomParseError(found.path, str(error)) from error


def _read(file: BinaryIO, found: LocalFile) -> Instance | None:
    if not found.size:
        raise DicomParseError(found.path, "the file is empty")
    meta, offset = file_meta(file)
    file.seek(offset)
    syntax = meta.get(META_SYNTAX) or syntax_without_meta(file.read(8))
    values = _values(file, offset, syntax, found.size)
    sop_class = values.get(_CLASS) or meta.get(META_CLASS, "")
    uid = values.get(_INSTANCE) or meta.get(META_INSTANCE, "")
    if sop_class == MEDIA_DIRECTORY:
        return None
    # One that is none in a request for an association may cost all that go with it.
    named = {"SOP Class UID": sop_class, "SOP Instance UID": uid, "Transfer Syntax UID": syntax}
    for name, value in named.items():
        if not value:
            raise DicomParseError(found.path, f"no {name}")
        if len(value) > 64 or not set(value) <= set("0123456789."):
            raise DicomParseError(found.path, f"{name} is no UID")
    if offset >= found.size:
        raise DicomParseError(found.path, "no data set")
    return Instance(
        path=found.path,
        size=found.size,
        mtime_ns=found.mtime_ns,
        offset=offset,
        sop_class=sop_class,
        uid=uid,
        study=values.get(_STUDY, ""),
        syntax=syntax,
    )


def _values(file: BinaryIO, offset: int, syntax: str, size: int) -> dict[int, str]:
    if syntax == DEFLATED:
        file, offset = beginning_of_deflated(file, offset), 0
    found: dict[int, str] = {}
    for element in elements(file, offset, encoding_of(syntax)):
        if element.tag > _STUDY:
            break
        # Of what is deflated only the beginning is known.
        if element.end > size and syntax != DEFLATED:
            group, number = element.tag >> 16, element.tag & 0xFFFF
            raise Malformed(f"ends in the middle of ({group:04X},{number:04X})")
        if element.tag in (_CLASS, _INSTANCE, _STUDY):
            found[element.tag] = text_of(file, element)
    return found
