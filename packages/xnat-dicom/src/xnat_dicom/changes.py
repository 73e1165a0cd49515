"""New values for elements: read from words, checked before any file is touched."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xnat_core.errors import DicomError, UsageError
from xnat_dicom.tags import tag_of_keyword

if TYPE_CHECKING:
    from pydicom.dataset import FileDataset

# With the letter by which `struct` knows the size of each.
_WHOLE = {"SS": "h", "US": "H", "SL": "i", "UL": "I", "SV": "q", "UV": "Q"}
_DECIMAL = {"FL": "f", "FD": "d"}
_ONE_TEXT = ("LT", "ST", "UT", "UR")
_CHARACTER_SET = 0x00080005
_TEXTS = ("AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "PN", "SH", "TM", "UC", "UI", *_ONE_TEXT)


@dataclass(frozen=True, slots=True)
class Change:
    """One element and what it is to be."""

    keyword: str
    tag: int
    vr: str
    value: Any

    @classmethod
    def of(cls, text: str) -> Change:
        """Read `KEYWORD=VALUE`, values of several parts with backslashes. Raises UsageError."""
        from pydicom.datadict import dictionary_VM, dictionary_VR

        keyword, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"--tag {text}: must be KEYWORD=VALUE")
        tag = tag_of_keyword(keyword)
        vr = dictionary_VR(tag)
        if tag >> 16 == 2:
            raise UsageError(f"{keyword} tells how the file is encoded and cannot be set")
        if tag == _CHARACTER_SET and (unknown := set(value.split("\\")) - _character_sets()):
            raise UsageError(f"{keyword}={value}: {min(unknown)} is no character set of DICOM")
        if vr not in (*_WHOLE, *_DECIMAL, *_TEXTS):
            raise UsageError(f"{keyword} holds {vr}, which cannot be set from text")
        parts = [value] if vr in _ONE_TEXT else value.split("\\")
        if len(parts) > 1 and dictionary_VM(tag) == "1":
            raise UsageError(f"{keyword} has one value, not {len(parts)}")
        values = [_value(keyword, vr, part) for part in parts] if value else []
        return cls(keyword, tag, vr, values if len(values) > 1 else values[0] if values else None)

    def apply(self, dataset: FileDataset) -> bool:
        """Set the element; False when it is so already."""
        from pydicom.dataelem import DataElement

        new = DataElement(self.tag, self.vr, self.value)
        if self.tag in dataset:
            old = dataset[self.tag]
            if (old.is_empty and new.is_empty) or old.value == new.value:
                return False
        dataset[self.tag] = new
        return True


def apply_all(changes: Iterable[Change], dataset: FileDataset) -> tuple[str, ...]:
    """Make the changes, and tell the keywords of those that changed something."""
    changes = list(changes)
    foreign = any(not _fits(dataset, change.value) for change in changes)
    recoded = foreign or any(change.tag == _CHARACTER_SET for change in changes)
    if recoded:
        # Texts of the file are read in its own character set before it gets another.
        dataset.decode()
    changed = tuple(change.keyword for change in changes if change.apply(dataset))
    if foreign and changed:
        dataset.SpecificCharacterSet = "ISO_IR 192"
    if recoded and changed:
        _require_all_texts(dataset)
    return changed


def _character_sets() -> set[str]:
    from pydicom.charset import python_encoding

    return set(python_encoding)


def _value(keyword: str, vr: str, text: str) -> str | int | float:
    from pydicom.config import RAISE
    from pydicom.valuerep import validate_value

    sizes = _WHOLE | _DECIMAL
    try:
        if vr in sizes:
            number = int(text) if vr in _WHOLE else float(text)
            struct.pack(f"={sizes[vr]}", number)
            return number
        text.encode()
        validate_value(vr, text, RAISE)
    except (ValueError, OverflowError, struct.error) as error:
        raise UsageError(f"{keyword}={text}: {error}") from None
    return text


def _require_all_texts(dataset: FileDataset) -> None:
    """See to it that every text could be read, and is the same in the new character set.

    Raises DicomError: the library would put question marks there.
    """
    from pydicom.charset import convert_encodings, decode_bytes, encode_string
    from pydicom.valuerep import CUSTOMIZABLE_CHARSET_VR

    encodings = convert_encodings(dataset.get("SpecificCharacterSet"))
    for element in dataset.iterall():
        if element.VR in CUSTOMIZABLE_CHARSET_VR and not element.is_empty:
            text = "\\".join(map(str, element.value if element.VM > 1 else [element.value]))
            kept = decode_bytes(encode_string(text, encodings), encodings, set())
            if "\ufffd" in text or kept != text:
                path, name = Path(str(dataset.filename)), element.keyword or element.tag
                raise DicomError(
                    f"{path}: {name} would lose characters in the other character set", path
                )


def _fits(dataset: FileDataset, value: Any) -> bool:
    """Whether the character set of the file is known to hold the value."""
    return str(value).isascii() or dataset.get("SpecificCharacterSet") == "ISO_IR 192"
