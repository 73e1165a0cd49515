"""Telling what goes into a session as its images from what becomes a resource of it."""

from __future__ import annotations

from pathlib import Path

from xnat_core.dicom_files import has_magic, head_of, is_named_dicom
from xnat_core.errors import XNATCtlError
from xnat_upload.headers import read_file
from xnat_upload.inventory import Inventory
from xnat_upload.scan import Scan


def counts_as_dicom(path: Path) -> bool:
    """Whether a file is for the images of a session and not to be attached as it is.

    So is a damaged one, a zip that holds some, and a DICOMDIR: as files of a resource they would
    pass no anonymization. `.img` files of other formats are not. Raises UploadError for a file that
    cannot be read.
    """
    if path.name.lower().endswith(".zip"):
        return _holds_dicom(path)
    if path.name.upper() == "DICOMDIR" or has_magic(head_of(path)):
        return True
    if not is_named_dicom(path.name):
        return False
    try:
        return read_file(path) is not None
    except XNATCtlError:
        return False


def _holds_dicom(archive: Path) -> bool:
    """Whether an upload would find an instance in it, or one that is damaged to tell of."""
    scan = Scan(Inventory(), lambda error: None)
    return next(scan.instances([archive]), None) is not None or scan.damaged > 0
