"""What an upload needs to know of a DICOM file: whose it is, and which one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from xnat_core.errors import DicomParseError, UploadError

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

MEDIA_DIRECTORY = "1.2.840.10008.1.3.10"
_CHARACTER_SET = 0x00080005
_LAST_GROUP = 0x0032
_LARGEST_HEADER = 32 << 20

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
        with path.open("rb") as stream:
            return _read(stream, str(path))
    except OSError as error:
        raise UploadError(f"{path}: {error.strerror or error}", path) from error


def read_blocks(name: str, blocks: Iterable[memoryview]) -> Header | None:
    """The header of an object that arrives in blocks, taking no more of them than it needs.

    As `read_file`; `name` is for errors.
    """
    head = bytearray()
    reason = DicomParseError(name, "empty")
    for block in blocks:
        head += block
        try:
            return _read(BytesIO(head), name)
        except DicomParseError as error:
            # Perhaps only cut: more may help.
            reason = error
        if len(head) > _LARGEST_HEADER:
            break
    raise reason


def _read(stream: BinaryIO, name: str) -> Header | None:
    from pydicom.filereader import read_partial
    from pydicom.tag import BaseTag

    def behind(tag: BaseTag, _vr: str | None, _length: int) -> bool:
        return tag.group > _LAST_GROUP

    try:
        # A file without the preamble is read, too; one that is no DICOM at all has no UIDs.
        dataset = read_partial(
            stream, behind, force=True, specific_tags=[_CHARACTER_SET, *_TAGS.values()]
        )
        meta_class = str(dataset.file_meta.get("MediaStorageSOPClassUID", ""))
        header = Header(**{field: _text(dataset, tag) for field, tag in _TAGS.items()})
    except OSError:
        raise
    except Exception as error:
        # The parser reports damage in many ways: struct, value, key, overflow, zlib errors.
        raise DicomParseError(name, str(error) or type(error).__name__) from error
    if MEDIA_DIRECTORY in (meta_class, header.sop_class):
        return None
    if not header.uid or not header.sop_class:
        raise DicomParseError(name, "no SOP Class UID and SOP Instance UID")
    return header


def _text(dataset: Dataset, tag: int) -> str:
    if tag not in dataset:
        return ""
    value = dataset[tag].value
    return "" if value is None else str(value).strip().rstrip("\0")
