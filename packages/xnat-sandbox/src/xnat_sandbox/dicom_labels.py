"""Which project, subject and session an object asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .dicom_header import Header

DEFAULT_SESSION = "dicom_upload"
# What `.*` is in Java: nothing that ends a line.
_ANY = r"[^\n\r\x85\u2028\u2029]*"


def clean(label: str) -> str:
    """Replace what no label may hold. The set is that of valid identifiers."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", label.strip())


def assigned(key: str, texts: tuple[str, ...]) -> str:
    """The value of `key:value` in the first text that has one.

    As XNAT's `ContainedAssignmentExtractor` matches: of several the last one counts unless the text
    begins with one, and behind or before a line break there are none.
    """
    pattern = re.compile(
        rf"(?:\A|{_ANY}[\s,;]){key}\s*:\s*([\w-]*)(?:[\s,;]{_ANY})?", re.IGNORECASE | re.ASCII
    )
    for text in texts:
        if (match := pattern.fullmatch(text)) and match[1]:
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
