"""Pixels that stay in their file until they are written into another: they may be gigabytes."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, BinaryIO

from xnat_core.dicom_elements import DEFLATED

if TYPE_CHECKING:
    from pydicom.dataelem import RawDataElement
    from pydicom.dataset import FileDataset

PIXELS = (0x7FE00008, 0x7FE00009, 0x7FE00010)
"""Of floats, of doubles, and the common ones."""
LARGE_PIXELS = 1 << 22
_VR = {0x7FE00008: "OF", 0x7FE00009: "OD", 0x7FE00010: "OW"}
_BYTES = ("OB", "OW", "OF", "OD")
_UNDEFINED = 0xFFFFFFFF
_BLOCK = 1 << 20
_TAG_BEHIND = 8
_END_OF_ITEMS = b"\xfe\xff\xdd\xe0\0\0\0\0"


class Stretch(io.BufferedIOBase):
    """A part of a file, read as it is asked for. It keeps the file open, whatever its name does."""

    def __init__(self, file: BinaryIO, start: int, length: int) -> None:
        self._file = os.fdopen(os.dup(file.fileno()), "rb", buffering=0)
        self._start = start
        self._length = length
        self._position = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """The place in this part."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place in this part."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._length}[whence]
        self._position = base + offset
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        """So many bytes. Raises OSError where the file has become shorter meanwhile."""
        left = max(0, self._length - self._position)
        wanted = left if size is None or size < 0 else min(size, left)
        parts = []
        while wanted:
            self._file.seek(self._start + self._position)
            block = self._file.read(min(wanted, _BLOCK))
            if not block:
                raise OSError("the file has become shorter")
            parts.append(block)
            self._position += len(block)
            wanted -= len(block)
        return b"".join(parts)

    def close(self) -> None:
        """Let go of the file."""
        super().close()
        if "_file" in self.__dict__:
            self._file.close()


def leave_pixels(dataset: FileDataset, file: BinaryIO) -> bool:
    """Have the values that the parser has left in an open file read when they are written, those of
    pixels; others at once. False where that cannot be."""
    from pydicom.dataelem import DataElement, RawDataElement

    if dataset.file_meta.get("TransferSyntaxUID") == DEFLATED:
        # Their places are not those in the file.
        return False
    for tag in list(dataset.keys()):
        raw = dataset.get_item(tag, keep_deferred=True)
        if not isinstance(raw, RawDataElement) or raw.value is not None or not raw.length:
            continue
        vr = raw.VR or _VR.get(tag, "UN")
        end = _end_of(dataset, raw, file)
        if end is None:
            return False
        # One of odd length would get a byte more than its head says.
        if tag in PIXELS and vr in _BYTES and (end - raw.value_tell) % 2 == 0:
            element = DataElement(tag, vr, Stretch(file, raw.value_tell, end - raw.value_tell))
            element.is_undefined_length = raw.length == _UNDEFINED
            dataset[tag] = element
        else:
            file.seek(raw.value_tell)
            dataset[tag] = raw._replace(value=file.read(end - raw.value_tell))
    return True


def let_go(dataset: FileDataset) -> None:
    """Close the file in which pixels have been left; some systems replace no open file."""
    for tag in PIXELS:
        value = getattr(dataset.get_item(tag), "value", None) if tag in dataset else None
        if isinstance(value, Stretch):
            value.close()


def _end_of(dataset: FileDataset, raw: RawDataElement, file: BinaryIO) -> int | None:
    """Where a value ends; None where that is not known of one without a length."""
    if raw.length != _UNDEFINED:
        return raw.value_tell + raw.length
    if raw.tag != list(dataset.keys())[-1] or not raw.is_little_endian:
        return None
    # Only behind the last element nothing else can be.
    end = file.seek(0, os.SEEK_END) - _TAG_BEHIND
    file.seek(end)
    return end if file.read() == _END_OF_ITEMS else None
