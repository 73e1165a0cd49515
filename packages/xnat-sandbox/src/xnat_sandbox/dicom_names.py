"""Names on disk: the folder of a scan, the file of an object."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from pathlib import Path

from .dicom_header import Header, Unparsable, read_file

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


def file_name(directory: Path, wanted: str, header: Header) -> str:
    """`wanted`, or the template's name where that is illegal or another object has it already."""
    if not is_legal(wanted) or wanted.endswith("_catalog.xml"):
        return template_name(header)
    holder = directory / wanted
    if not holder.exists():
        return wanted
    try:
        present = read_file(holder)
    except (Unparsable, OSError):
        return template_name(header)
    same = (present.sop_class_uid, present.sop_instance_uid) == (
        header.sop_class_uid,
        header.sop_instance_uid,
    )
    return wanted if same else template_name(header)


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
