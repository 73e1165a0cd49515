"""Which subject and session an object asks for, as the server would read it from its header."""

from __future__ import annotations

import re

from xnat_core.validation import label_there
from xnat_upload.headers import Header

DEFAULT_SESSION = "dicom_upload"
# What `.*` is in Java: nothing that ends a line.
_ANY = r"[^\n\r\x85\u2028\u2029]*"


def subject_of(header: Header) -> str:
    """`Subject:…` in one of the comments, else the patient's name; may be empty."""
    return label_there(_assigned("Subject", header.comments) or header.patient_name)


def session_of(header: Header) -> str:
    """`Session:…` in one of the comments, else the patient's ID, else `dicom_upload`."""
    return (
        label_there(_assigned("Session", header.comments) or header.patient_id) or DEFAULT_SESSION
    )


def _assigned(key: str, texts: tuple[str, ...]) -> str:
    """What stands behind `key:` in the first text that has it.

    As XNAT matches: of several the last one counts unless the text begins with one, and out of
    several lines none.
    """
    pattern = re.compile(
        rf"(?:\A|{_ANY}[\s,;]){key}\s*:\s*([\w-]*)(?:[\s,;]{_ANY})?", re.IGNORECASE | re.ASCII
    )
    for text in texts:
        if (found := pattern.fullmatch(text)) and found[1]:
            return found[1]
    return ""
