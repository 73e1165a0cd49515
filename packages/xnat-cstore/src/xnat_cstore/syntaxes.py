"""Transfer syntaxes: how each is written, and what people call it."""

from __future__ import annotations

from xnat_core.dicom_elements import (
    BIG_ENDIAN,
    DEFLATED,
    EXPLICIT,
    GE_PRIVATE,
    IMPLICIT,
    encoding_of,
    syntax_without_meta,
)

__all__ = ["DEFLATED", "EXPLICIT", "encoding_of", "is_compressed", "name_of", "syntax_without_meta"]


def is_compressed(syntax: str) -> bool:
    """Whether the data set, or the pixels in it, must be unpacked to be read."""
    return syntax not in (IMPLICIT, EXPLICIT, BIG_ENDIAN, GE_PRIVATE)


def name_of(uid: str) -> str:
    """`MR Image Storage (1.2.840.10008.5.1.4.1.1.4)`; the UID alone where it has no known name."""
    from pydicom.uid import UID

    name = UID(uid).name
    return uid if name == uid else f"{name} ({uid})"
