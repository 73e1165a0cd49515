"""What an upload needs to know of a DICOM file: whose it is, and which one.

Read without pydicom, which takes as much memory as an upload may have in all; it is asked only for
names in character sets that switch within a text.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from xnat_core.dicom_elements import MEDIA_DIRECTORY, META_CLASS, Malformed, Values, values_of
from xnat_core.errors import DicomParseError, UploadError

_CHARACTER_SET = 0x00080005
_LARGEST_HEADER = 32 << 20
_BUFFER = 8192

_TAGS = {
    "sop_class": 0x00080016,
    "uid": 0x00080018,
    "study": 0x0020000D,
    "series": 0x0020000E,
    "number": 0x00200011,
    "modality": 0x00080060,
    "date": 0x00080020,
    "patient_name": 0x00100010,
    "patient_id": 0x00100020,
    "patient_comments": 0x00104000,
    "study_comments": 0x00324000,
    "patient_history": 0x001021B0,
}
_WANTED = frozenset({_CHARACTER_SET, *_TAGS.values()})
_CODECS = {
    "": "latin-1",
    "ISO_IR 6": "latin-1",
    "ISO_IR 100": "latin-1",
    "ISO_IR 101": "iso8859-2",
    "ISO_IR 109": "iso8859-3",
    "ISO_IR 110": "iso8859-4",
    "ISO_IR 144": "iso8859-5",
    "ISO_IR 127": "iso8859-6",
    "ISO_IR 126": "iso8859-7",
    "ISO_IR 138": "iso8859-8",
    "ISO_IR 148": "iso8859-9",
    "ISO_IR 203": "iso8859-15",
    "ISO_IR 13": "shift_jis",
    "ISO_IR 166": "tis-620",
    "ISO_IR 192": "utf-8",
    "GB18030": "gb18030",
    "GBK": "gbk",
}


@dataclass(frozen=True, slots=True)
class Header:
    """Attributes as text, empty where absent; `uid` is the SOP Instance UID, `number` the series'.

    Of these, names, IDs and comments are the patient's: they become labels, and nothing else.
    """

    sop_class: str
    uid: str
    study: str
    series: str
    number: str
    modality: str
    date: str
    patient_name: str
    patient_id: str
    patient_comments: str
    study_comments: str
    patient_history: str

    @property
    def comments(self) -> tuple[str, str, str]:
        """The texts in which the server looks for labels, in its order."""
        return self.patient_comments, self.study_comments, self.patient_history


def read_file(path: Path) -> Header | None:
    """The header of a file; None for a DICOMDIR, which is no instance.

    Raises UploadError when the file cannot be read, DicomParseError when it is not DICOM.
    """
    try:
        with path.open("rb", _BUFFER) as stream:
            return _header(_uncut(_values(stream, str(path)), str(path)), str(path))
    except OSError as error:
        raise UploadError(f"{path}: {error.strerror or error}", path) from error


def read_blocks(name: str, blocks: Iterable[memoryview]) -> Header | None:
    """The header of an object that arrives in blocks, taking no more of them than it needs.

    As `read_file`; `name` is for errors.
    """
    head = bytearray()
    trouble: DicomParseError | None = None
    for block in blocks:
        head += block
        try:
            values = _values(BytesIO(head), name)
        except DicomParseError as error:
            # Perhaps only cut: more may help.
            trouble = error
        else:
            trouble = None
            if values.whole:
                return _header(values, name)
        if len(head) > _LARGEST_HEADER:
            break
    if trouble is not None:
        raise trouble
    values = _values(BytesIO(head), name)
    return _header(values if len(head) > _LARGEST_HEADER else _uncut(values, name), name)


def _values(stream: BinaryIO, name: str) -> Values:
    try:
        return values_of(stream, _WANTED)
    except (Malformed, zlib.error) as error:
        raise DicomParseError(name, str(error)) from error


def _uncut(values: Values, name: str) -> Values:
    """Half a UID would be another one, and a study that is not reached none."""
    if values.cut:
        raise DicomParseError(name, "the file ends in the middle of its header")
    return values


def _header(values: Values, name: str) -> Header | None:
    codes = _plain(values.found.get(_CHARACTER_SET, b"")).split("\\")
    header = Header(
        **{field: _text(values.found.get(tag, b""), codes) for field, tag in _TAGS.items()}
    )
    if MEDIA_DIRECTORY in (values.meta.get(META_CLASS), header.sop_class):
        return None
    if not header.uid or not header.sop_class:
        raise DicomParseError(name, "no SOP Class UID and SOP Instance UID")
    return header


def _plain(value: bytes) -> str:
    return value.strip(b"\0 ").decode("ascii", "replace")


def _text(value: bytes, codes: list[str]) -> str:
    raw = value.strip(b"\0 \t\r\n")
    if raw.isascii() and b"\x1b" not in raw:
        return raw.decode("ascii")
    codec = _CODECS.get(codes[0].strip()) if len(codes) == 1 else None
    if codec is not None:
        return raw.decode(codec, "replace").strip()
    from pydicom.charset import convert_encodings, decode_bytes

    encodings = convert_encodings([code.strip() for code in codes])
    return str(decode_bytes(raw, encodings, set(b"\r\n\t\f\\^="))).strip()
