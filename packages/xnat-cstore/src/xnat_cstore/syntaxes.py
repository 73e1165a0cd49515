"""Transfer syntaxes: which must be unpacked to be read, and what people call each."""

from __future__ import annotations

from xnat_core.dicom_elements import BIG_ENDIAN, EXPLICIT, GE_PRIVATE, IMPLICIT


def is_compressed(syntax: str) -> bool:
    """Whether the data set, or the pixels in it, must be unpacked to be read."""
    return syntax not in (IMPLICIT, EXPLICIT, BIG_ENDIAN, GE_PRIVATE)


def name_of(uid: str) -> str:
    """`MR Image Storage (1.2.840.10008.5.1.4.1.1.4)`; the UID alone where it has no known name."""
    from pydicom.uid import UID

    name = UID(uid).name
    return uid if name == uid else f"{name} ({uid})"
