"""Which project, subject and session an object asks for (contract 9.5)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .dicom_header import Header

DEFAULT_SESSION = "dicom_upload"


def clean(label: str) -> str:
    """Replace what no label may hold. The set is that of valid identifiers (contract 18)."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", label.strip())


def assigned(key: str, texts: tuple[str, ...]) -> str:
    """The value of `key:value` in the first text that has one."""
    pattern = re.compile(rf"(?:\A|[\s,;]){key}\s*:\s*([\w-]+)(?=[\s,;]|\Z)", re.IGNORECASE)
    for text in texts:
        if match := pattern.search(text):
            return match[1]
    return ""


def project_candidates(header: Header) -> Iterator[str]:
    """What may name the project, best first; only the id or alias of a project counts."""
    for text in header.comments:
        yield assigned("Project", (text,))
    yield header.study_description
    yield header.accession_number


def subject_label(header: Header) -> str:
    return clean(assigned("Subject", header.comments) or header.patient_name)


def session_label(header: Header) -> str:
    named = assigned("Session", header.comments) or header.patient_id
    return clean(named) or DEFAULT_SESSION


def auto_archive(header: Header) -> bool | None:
    """What `AA:true` or `AA:false` in the comments asks for."""
    answer = assigned("AA", header.comments).lower()
    return {"true": True, "false": False}.get(answer)
