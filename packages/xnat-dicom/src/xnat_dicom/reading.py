"""DICOM files read as far as is needed, and no pixel of them unless all is asked for."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from xnat_core.dicom_elements import DEFLATED, Encoding, Malformed, elements, file_meta
from xnat_core.dicom_files import HEAD, has_magic
from xnat_core.errors import DicomError, DicomParseError, XNATCtlError
from xnat_core.wording import counted
from xnat_dicom.pixels import LARGE_PIXELS, PIXELS, leave_pixels

if TYPE_CHECKING:
    from pydicom.dataset import Dataset, FileDataset
    from pydicom.tag import BaseTag

MEDIA_DIRECTORY = "1.2.840.10008.1.3.10"
_SOP_CLASS = 0x00080016
_STUDY = 0x0020000D
_LAST_GROUP = 0x0020
_PIXEL_GROUP = 0x7FE0
_LARGE = 1 << 16
_UNDEFINED = 0xFFFFFFFF
# A tag, and a length with or without a VR.
_ELEMENT_HEAD = 8


def read_elements(path: Path, tags: Iterable[int]) -> Dataset:
    """These elements of the groups up to 0020, reading no further.

    Raises DicomParseError for what is no DICOM instance, DicomError when it cannot be read.
    """

    def behind(tag: BaseTag, _vr: str | None, _length: int) -> bool:
        return tag.group > _LAST_GROUP

    return _read(path, stop_when=behind, specific_tags=[_SOP_CLASS, _STUDY, *tags])


def read_header(path: Path, *, pixels: bool = False) -> FileDataset:
    """Everything but the pixels; values of more than 64 KiB are left on disk. Raises likewise, with
    `pixels` also when these are not there to their end."""

    def are_pixels(tag: BaseTag, _vr: str | None, _length: int) -> bool:
        return tag.group == _PIXEL_GROUP

    return _read(path, pixels=pixels, stop_when=are_pixels, defer_size=_LARGE)


def read_whole(path: Path) -> FileDataset:
    """All of a file; large pixels are read when they are written. Raises likewise, also when its
    end is missing."""
    return _read(path, whole=True, defer_size=LARGE_PIXELS)


def _read(path: Path, *, whole: bool = False, pixels: bool = False, **options: Any) -> FileDataset:
    from pydicom.filereader import read_partial

    with damage(path), path.open("rb") as file:
        magic = has_magic(file.read(HEAD))
        file.seek(0)
        # Old files have no preamble; that it is DICOM at all is looked at below.
        dataset: FileDataset = read_partial(file, force=True, **options)
        position = file.tell()
        if whole:
            _check_rest(path, file, dataset)
            if not leave_pixels(dataset, file):
                file.seek(0)
                dataset = read_partial(file, force=True)
        class_uid = dataset.file_meta.get("MediaStorageSOPClassUID") if magic else None
        if MEDIA_DIRECTORY in (class_uid, dataset.get("SOPClassUID")):
            raise DicomParseError(path, "a DICOMDIR, which is no instance")
        if not (magic or _SOP_CLASS in dataset or _STUDY in dataset):
            raise DicomParseError(path, "not DICOM")
        _settle_encoding(dataset)
        _check_end(path, file, position, dataset)
        if pixels:
            _check_pixels(path, position, dataset)
        if 0 in dataset and not dataset.get_item(0).value:
            # So zeros read with which a file was filled up to whole blocks.
            del dataset[0]
    return dataset


@contextmanager
def damage(path: Path) -> Iterator[None]:
    """Turn what goes wrong with a file into DicomError, whatever the library calls it."""
    try:
        yield
    except XNATCtlError:
        raise
    except Exception as error:
        # The parser reports damage in many ways: struct, value, key, overflow, zlib errors; some
        # only when an element is looked at. It may put a traceback behind the first line.
        said = str(error).partition("\n")[0]
        if isinstance(error, OSError):
            raise DicomError(f"{path}: {error.strerror or said}", path) from error
        raise DicomParseError(path, said or type(error).__name__) from error


def _check_rest(path: Path, file: BinaryIO, dataset: FileDataset) -> None:
    """See to it that the parser has understood a file to its last byte."""
    from pydicom.dataelem import RawDataElement

    end, tags = file.tell(), tags_of(dataset)
    if not tags or end < path.stat().st_size:
        # It has given up there, and hands back what is before that or nothing at all.
        raise DicomParseError(path, f"is damaged at byte {end}")
    last = dataset.get_item(tags[-1], keep_deferred=True)
    if dataset.file_meta.get("TransferSyntaxUID") == DEFLATED:
        return
    if isinstance(last, RawDataElement) and last.length != _UNDEFINED:
        end = last.value_tell + last.length
        file.seek(end)
        # A part of the head of an element is no end to it; zeros fill a file up.
        if file.read().strip(b"\0"):
            raise DicomParseError(path, f"is damaged at byte {end}")


def _check_pixels(path: Path, position: int, dataset: FileDataset) -> None:
    """See to it that the pixels before which the parser has stopped are there to their end."""
    if dataset.file_meta.get("TransferSyntaxUID") == DEFLATED:
        return
    implicit, little = dataset.original_encoding
    whole = True
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            for element in elements(file, position, Encoding(not implicit, bool(little))):
                whole = element.end <= size
                # A length of the group and offsets of frames stand before them.
                if not whole or element.tag in PIXELS or element.tag >> 16 != _PIXEL_GROUP:
                    break
    except Malformed:
        whole = False
    if not whole:
        raise DicomParseError(path, "ends in the middle of the pixels")


def _check_end(path: Path, file: BinaryIO, position: int, dataset: FileDataset) -> None:
    """The parser takes a file that ends inside an element, or before the first, for a shorter one.

    `position` is where it has stopped.
    """
    from pydicom.tag import Tag

    if not tags_of(dataset):
        raise DicomParseError(path, "has no data set")
    size = file.seek(0, os.SEEK_END)
    if position < size or dataset.file_meta.get("TransferSyntaxUID") == DEFLATED:
        return
    implicit, little = dataset.original_encoding
    end = 0
    try:
        _, end = file_meta(file)
        for element in elements(file, end, Encoding(not implicit, bool(little))):
            if element.end > size:
                raise DicomParseError(path, f"ends in the middle of {Tag(element.tag)}")
            end = element.end
    except Malformed:
        file.seek(end)
        rest = file.read(_ELEMENT_HEAD)
        # The parser has understood what is more than that; zeros fill a file up.
        if len(rest) < _ELEMENT_HEAD and rest.strip(b"\0"):
            raise DicomParseError(path, "ends in the middle of an element") from None


def _settle_encoding(dataset: Dataset) -> None:
    """Say how the elements are encoded: in some files otherwise than the head has it.

    The writer copies bytes as they are where it believes that nothing changes.
    """
    from pydicom.dataelem import RawDataElement

    for tag in tags_of(dataset):
        element = dataset.get_item(tag, keep_deferred=True)
        if isinstance(element, RawDataElement):
            dataset.set_original_encoding(element.is_implicit_VR, element.is_little_endian)
            return


def tags_of(dataset: Dataset) -> list[BaseTag]:
    """The tags in their order; the elements are not decoded by that."""
    return list(dataset.keys())


def text(dataset: Dataset, tag: int) -> str | None:
    """A value as text; None when it is absent or empty."""
    return shown(dataset, tag) or None if tag in dataset else None


def shown(dataset: Dataset, tag: int) -> str:
    """A value as a person reads it; of bytes and sequences only how much there is."""
    from pydicom.dataelem import RawDataElement

    raw = dataset.get_item(tag, keep_deferred=True)
    if isinstance(raw, RawDataElement) and raw.value is None and raw.length:
        # Left on disk because it is large, and what is large is not for reading.
        return f"<{raw.length} bytes>"
    element = dataset[tag]
    value = element.value
    if element.VR == "SQ":
        return f"<{counted(len(value), 'item')}>"
    if isinstance(value, (bytes, bytearray)):
        return f"<{len(value)} bytes>"
    if value is None:
        return ""
    values = value if element.VM > 1 else [value]
    return "\\".join(str(one) for one in values).strip().rstrip("\0")
