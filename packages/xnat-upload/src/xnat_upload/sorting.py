"""Telling what goes into a session as its images from what becomes a resource of it."""

from __future__ import annotations

import errno
from contextlib import closing
from pathlib import Path

from xnat_core.archive import open_archive
from xnat_core.archive.members import ArchiveMember
from xnat_core.dicom_files import has_magic, head_of, is_named_dicom, is_named_gzipped_dicom
from xnat_core.errors import DicomParseError, UploadError, XNATCtlError
from xnat_upload.headers import read_file
from xnat_upload.inventory import Inventory
from xnat_upload.scan import Scan


def counts_as_dicom(path: Path) -> bool:
    """Whether a file is for the images of a session and not to be attached as it is.

    So is a damaged one, by its first bytes or its name, a zip that holds some, one that is gzipped,
    by its name, and a DICOMDIR: as files of a resource they would pass no anonymization. `.img`
    files of other formats are not.
    Raises UploadError for a file that cannot be read.
    """
    if path.name.lower().endswith(".zip"):
        return _holds_dicom(path)
    if is_named_gzipped_dicom(path.name):
        return True
    if path.name.upper() == "DICOMDIR" or has_magic(head_of(path)):
        return True
    if not is_named_dicom(path.name):
        return False
    try:
        return read_file(path) is not None
    except DicomParseError:
        return not path.name.lower().endswith(".img")


def _holds_dicom(archive: Path) -> bool:
    """Whether an upload would find an instance in it, or one that is damaged to tell of."""
    troubles: list[XNATCtlError] = []
    with closing(Inventory()) as inventory:
        scan = Scan(inventory, troubles.append)
        if next(scan.instances([archive]), None) is not None or scan.damaged > 0:
            return True
    return bool(troubles) and _may_hold_dicom(archive)


def _may_hold_dicom(archive: Path) -> bool:
    """The same of an archive that was given up at something that cannot be read: by what is behind
    it, and by names. One that is no zip at all is none."""
    try:
        for member in open_archive(archive):
            if member.kind == "file" and _may_be_dicom(member):
                return True
    except UploadError as error:
        _require_readable(error)
    return False


def _may_be_dicom(member: ArchiveMember) -> bool:
    # `.img` files of other formats are no reason to leave out what is packed with them.
    named = is_named_dicom(member.name) and not member.name.lower().endswith(".img")
    try:
        return has_magic(next(member.blocks(), b"")) or named
    except UploadError as error:
        _require_readable(error)
        return named


def _require_readable(error: UploadError) -> None:
    """Raise the error when the disk is the reason, which says nothing of what is in a file."""
    cause = error.__cause__
    # Damage may name a place where no file has bytes.
    if isinstance(cause, OSError) and cause.errno not in (None, errno.EINVAL):
        raise error
