"""Names on disk: the folder of a scan, the file of an object."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable

from .dicom_header import Header

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def scan_folder(header: Header) -> str:
    """The series number, or something made of the series UID where that is missing."""
    number = re.sub(r"[^A-Za-z0-9_.-]", "_", header.series_number).strip(".")
    return number or re.sub(r"[^A-Za-z0-9]", "_", header.series_uid) or "0"


def template_name(header: Header) -> str:
    """The site's default `dicomFileNameTemplate`, with its suffix."""
    identity = _base36(zlib.crc32((header.sop_class_uid + header.sop_instance_uid).encode()))
    parts = (header.study_uid, header.series_number, header.instance_number, identity)
    return re.sub(r"[^A-Za-z0-9_.-]", "_", "-".join(part for part in parts if part)) + ".dcm"


def is_legal(name: str) -> bool:
    """Whether a name that came with the data may be kept."""
    return re.fullmatch(r"[A-Za-z0-9_. +()\[\]{}=,~@^!-]{1,200}", name) is not None and not set(
        name
    ) <= {"."}


def renumbered(number: str, modality: str, taken: Callable[[str], bool]) -> str:
    """Another id for a series whose number a different series holds: `1-MR1`, `1-MR2`."""
    k = 1
    while taken(name := f"{number}-{modality or 'OT'}{k}"):
        k += 1
    return name


def _base36(number: int) -> str:
    text = ""
    while True:
        number, digit = divmod(number, 36)
        text = DIGITS[digit] + text
        if not number:
            return text
