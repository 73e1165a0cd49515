"""Telling DICOM instances from other files that only look alike."""

from __future__ import annotations

from pathlib import Path

from xnat_core.dicom_files import may_be_dicom
from xnat_core.errors import XNATCtlError
from xnat_upload.headers import read_file


def is_dicom(path: Path) -> bool:
    """Whether a file is a DICOM instance; `.img` files of other formats are none.

    Raises UploadError for a file that cannot be read.
    """
    if not may_be_dicom(path):
        return False
    try:
        return read_file(path) is not None
    except XNATCtlError:
        return False
