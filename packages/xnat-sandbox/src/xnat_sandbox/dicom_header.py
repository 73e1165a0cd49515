"""Read the few DICOM attributes that decide where an object goes.

Only the part before group 0033 is read, so that a multi-frame object of gigabytes costs as little
as a slice. Objects without the 128-byte preamble and `DICM` are refused: whether the real server
guesses their encoding is not known, and a client that relies on it deserves to find out here.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

ESCAPE = b"\x1b"
UNDEFINED_LENGTH = 0xFFFFFFFF
LAST_GROUP = 0x0032
FIRST_TRY = 1 << 20
LARGEST_HEADER = 32 << 20

TAGS = {
    "sop_class_uid": 0x00080016,
    "sop_instance_uid": 0x00080018,
    "study_uid": 0x0020000D,
    "series_uid": 0x0020000E,
    "series_number": 0x00200011,
    "instance_number": 0x00200013,
    "modality": 0x00080060,
    "study_date": 0x00080020,
    "study_time": 0x00080030,
    "study_description": 0x00081030,
    "series_description": 0x0008103E,
    "accession_number": 0x00080050,
    "patient_name": 0x00100010,
    "patient_id": 0x00100020,
    "patient_comments": 0x00104000,
    "patient_history": 0x001021B0,
    "study_comments": 0x00324000,
    "manufacturer": 0x00080070,
    "model": 0x00081090,
    "frames": 0x00280008,
}


class Unparsable(Exception):
    """These bytes are not a DICOM object, or one without identity."""


@dataclass(frozen=True, slots=True)
class Header:
    """The attributes as text; an absent one is empty."""

    sop_class_uid: str = ""
    sop_instance_uid: str = ""
    study_uid: str = ""
    series_uid: str = ""
    series_number: str = ""
    instance_number: str = ""
    modality: str = ""
    study_date: str = ""
    study_time: str = ""
    study_description: str = ""
    series_description: str = ""
    accession_number: str = ""
    patient_name: str = ""
    patient_id: str = ""
    patient_comments: str = ""
    patient_history: str = ""
    study_comments: str = ""
    manufacturer: str = ""
    model: str = ""
    frames: str = ""

    @classmethod
    def of(cls, dataset: Dataset) -> Header:
        values = {name: _text(dataset, tag) for name, tag in TAGS.items()}
        header = cls(**values)
        if not header.sop_class_uid or not header.sop_instance_uid:
            raise Unparsable("missing SOP Class UID or SOP Instance UID")
        return header

    @property
    def comments(self) -> tuple[str, ...]:
        """The free texts that may hold `Project:`, `Subject:` and `Session:`, in their order."""
        return (self.patient_comments, self.study_comments, self.patient_history)


def read_header(stream: BinaryIO, size: int | None = None) -> Header:
    """Parse the object that `stream` (seekable) holds from its start.

    `size` is the number of bytes there; None means that this is only the beginning of the object,
    in which case a header that does not end within it raises EOFError.
    """
    from pydicom.errors import InvalidDicomError
    from pydicom.filereader import read_partial
    from pydicom.tag import BaseTag

    stopped = cut = False

    def stop(tag: BaseTag, _vr: str | None, length: int) -> bool:
        nonlocal stopped, cut
        stopped = tag.group > LAST_GROUP
        # A deflated object has been read to its end by now and is not checked.
        if size and not stopped and length != UNDEFINED_LENGTH and (at := stream.tell()) < size:
            cut = cut or at + length > size
        return stopped

    try:
        dataset = read_partial(stream, stop, specific_tags=list(TAGS.values()))
    except InvalidDicomError as error:
        raise Unparsable("not a DICOM object") from error
    except Exception as error:
        # pydicom reports damage in many ways (struct, value, overflow, zlib errors).
        if size is None:
            raise EOFError from error
        raise Unparsable(str(error)) from error
    if size is None and not stopped:
        raise EOFError
    if cut:
        raise Unparsable("the object ends within its header")
    try:
        return Header.of(dataset)
    except (ValueError, TypeError, LookupError) as error:
        raise Unparsable(str(error)) from error


def read_file(path: Path) -> Header:
    """Parse the header of a stored object."""
    with path.open("rb") as stream:
        return read_header(stream, path.stat().st_size)


def peek(stream: BinaryIO) -> tuple[Header, bytes]:
    """Read as much of an arriving object as its header needs; the bytes read come back too."""
    head = b""
    while True:
        wanted = max(FIRST_TRY, 2 * len(head)) - len(head)
        more = read_exactly(stream, wanted)
        head += more
        whole = len(more) < wanted
        try:
            return read_header(BytesIO(head), len(head) if whole else None), head
        except EOFError:
            if len(head) >= LARGEST_HEADER:
                raise Unparsable("header too large") from None


def read_exactly(stream: BinaryIO, count: int) -> bytes:
    """Read `count` bytes, fewer only at the end of the stream."""
    data = stream.read(count)
    if len(data) == count or not data:
        return data
    parts = [data]
    count -= len(data)
    while count and (data := stream.read(count)):
        parts.append(data)
        count -= len(data)
    return b"".join(parts)


def _text(dataset: Dataset, tag: int) -> str:
    if tag not in dataset:
        return ""
    raw = dataset.get_item(tag)
    value = raw.value
    if not (isinstance(value, bytes) and value.isascii() and ESCAPE not in value):
        # Another character set: pydicom knows them all, but takes five times as long.
        value = dataset[tag].value
    text = value.decode("ascii") if isinstance(value, bytes) else str(value or "")
    return text.strip(" \0\r\n\t")
