"""Which subject and session an object asks for, as the server would read it from its header."""

from __future__ import annotations

import re

from xnat_upload.headers import Header

DEFAULT_SESSION = "dicom_upload"


def clean(label: str) -> str:
    """Replace what no label may hold by underscores."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", label.strip())


def subject_of(header: Header) -> str:
    """`Subject:…` in one of the comments, else the patient's name; may be empty."""
    return clean(_assigned("Subject", header.comments) or header.patient_name)


def session_of(header: Header) -> str:
    """`Session:…` in one of the comments, else the patient's ID, else `dicom_upload`."""
    return clean(_assigned("Session", header.comments) or header.patient_id) or DEFAULT_SESSION


def _assigned(key: str, texts: tuple[str, ...]) -> str:
    pattern = rf"(?i)(?:\A|[\s,;]){key}\s*:\s*([\w-]+)(?=[\s,;]|\Z)"
    for text in texts:
        if found := re.search(pattern, text):
            return found[1]
    return ""
