"""Copies that say where they belong: the labels go into Patient Comments, where XNAT reads them.

Only this one element is made; every other byte of the data set is sent as the file has it.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import IO, BinaryIO, cast

from xnat_core.dicom_elements import Element, Encoding, Malformed, elements
from xnat_core.errors import InvalidIdentifierError

_GROUP_LENGTH, _COMMENTS = 0x00100000, 0x00104000
_LONGEST_COMMENT = 10240
_LARGEST_HEAD = 32 << 20
# What XNAT reads behind `Project:`; a label with anything else would be none to it.
_LABEL = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Route:
    """Labels to write into the copies; None leaves that one to what the file says."""

    project: str | None = None
    subject: str | None = None
    session: str | None = None

    def __post_init__(self) -> None:
        """Raise InvalidIdentifierError for a label that the comment cannot carry."""
        for kind, label in self.labels.items():
            if not _LABEL.fullmatch(label):
                raise InvalidIdentifierError(
                    kind, label, "a comment carries only letters, digits, '_' and '-'"
                )

    @property
    def labels(self) -> dict[str, str]:
        """The labels that are given, by what they are."""
        known = {"project": self.project, "subject": self.subject, "session": self.session}
        return {kind: label for kind, label in known.items() if label is not None}

    def __bool__(self) -> bool:
        return bool(self.labels)

    def __str__(self) -> str:
        """As XNAT reads it: `Project:P1 Subject:S1 Session:E1`."""
        return " ".join(f"{kind.title()}:{label}" for kind, label in self.labels.items())


def spliced(file: IO[bytes], start: int, encoding: Encoding, route: Route) -> tuple[bytes, int]:
    """A data set up to and with its new comment, and where the file goes on behind it.

    The route stands before what the comment said. Raises Malformed.
    """
    place, behind, old = start, start, b""
    group_length: Element | None = None
    for element in elements(cast(BinaryIO, file), start, encoding):
        place = behind = element.start
        if element.tag == _GROUP_LENGTH:
            group_length = element
        if element.tag == _COMMENTS:
            old = _exactly(file, element.value, min(element.end - element.value, _LONGEST_COMMENT))
            behind = element.end
        if element.tag >= _COMMENTS:
            break
        place = behind = element.end
    if place - start > _LARGEST_HEAD:
        raise Malformed("its first elements are too long to be routed")
    comment = _comment(route, old, encoding)
    head = bytearray(_exactly(file, start, place - start))
    if group_length is not None:
        more = len(comment) - (behind - place)
        _correct(head, group_length.value - start, more, encoding)
    return bytes(head) + comment, behind


def _comment(route: Route, old: bytes, encoding: Encoding) -> bytes:
    """The element Patient Comments."""
    words = str(route).encode("ascii"), _without_labels(old, route).strip(b"\0 ")
    text = b" ".join(filter(None, words))[:_LONGEST_COMMENT]
    text += b" " * (len(text) % 2)
    order = "<" if encoding.little else ">"
    tag = struct.pack(order + "HH", _COMMENTS >> 16, _COMMENTS & 0xFFFF)
    if encoding.explicit:
        return tag + b"LT" + struct.pack(order + "H", len(text)) + text
    return tag + struct.pack(order + "L", len(text)) + text


def _without_labels(comment: bytes, route: Route) -> bytes:
    """A comment on one line, with `=` behind the names of labels that the route gives.

    XNAT takes some labels from where they stand last, and none out of several lines.
    """
    kinds = "|".join(route.labels).encode("ascii")
    labels = re.compile(rb"((?:^|[\s,;])(?:" + kinds + rb")\s*):", re.IGNORECASE)
    return labels.sub(rb"\1=", re.sub(rb"[\r\n]+", b" ", comment))


def _correct(head: bytearray, place: int, more: int, encoding: Encoding) -> None:
    """Correct the length of the group, which old files state."""
    order = "<L" if encoding.little else ">L"
    (length,) = struct.unpack_from(order, head, place)
    struct.pack_into(order, head, place, length + more)


def _exactly(file: IO[bytes], start: int, count: int) -> bytes:
    file.seek(start)
    data = bytearray()
    # An unbuffered file may give less than it is asked for.
    while len(data) < count and (block := file.read(count - len(data))):
        data += block
    return bytes(data)
