"""Transfer syntaxes: how each is written, and what people call it."""

from __future__ import annotations

from xnat_cstore.elements import Encoding

IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
BIG_ENDIAN = "1.2.840.10008.1.2.2"
# A private one of GE: implicit, but with the pixels in big endian.
_GE_PRIVATE = "1.2.840.113619.5.2"


def encoding_of(syntax: str) -> Encoding:
    """How data sets of this transfer syntax are written; all compressed ones are explicit."""
    if syntax in (IMPLICIT, _GE_PRIVATE):
        return Encoding(explicit=False, little=True)
    return Encoding(explicit=True, little=syntax != BIG_ENDIAN)


def is_compressed(syntax: str) -> bool:
    """Whether the data set, or the pixels in it, must be unpacked to be read."""
    return syntax not in (IMPLICIT, EXPLICIT, BIG_ENDIAN, _GE_PRIVATE)


def syntax_without_meta(head: bytes) -> str:
    """The transfer syntax of a data set that begins with these bytes and says nothing about it.

    The file meta group is absent only from files of the time before compression.
    """
    if not (head[4:6].isalpha() and head[4:6].isupper()):
        return IMPLICIT
    # The first group is small: 0x0008 read in the wrong order would be 0x0800.
    return EXPLICIT if int.from_bytes(head[:2], "little") < 0x0400 else BIG_ENDIAN


def name_of(uid: str) -> str:
    """`MR Image Storage (1.2.840.10008.5.1.4.1.1.4)`; the UID alone where it has no known name."""
    from pydicom.uid import UID

    name = UID(uid).name
    return uid if name == uid else f"{name} ({uid})"
