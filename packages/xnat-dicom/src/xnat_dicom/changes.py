"""New values for elements: read from words, checked before any file is touched."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xnat_core.errors import UsageError
from xnat_dicom.tags import tag_of_keyword

if TYPE_CHECKING:
    from pydicom.dataset import FileDataset

_WHOLE = ("SS", "US", "SL", "UL", "SV", "UV")
_DECIMAL = ("FL", "FD")
_ONE_TEXT = ("LT", "ST", "UT", "UR")
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
    foreign = [c for c in changes if not _fits(dataset, c.value)]
    if foreign:
        # Texts of the file are read in its own character set before it gets the one for all.
        dataset.decode()
    changed = tuple(change.keyword for change in changes if change.apply(dataset))
    if foreign and changed:
        dataset.SpecificCharacterSet = "ISO_IR 192"
    return changed


def _value(keyword: str, vr: str, text: str) -> str | int | float:
    from pydicom.config import RAISE
    from pydicom.valuerep import validate_value

    try:
        if vr in _WHOLE:
            return int(text)
        if vr in _DECIMAL:
            return float(text)
        validate_value(vr, text, RAISE)
    except ValueError as error:
        raise UsageError(f"{keyword}={text}: {error}") from None
    return text


def _fits(dataset: FileDataset, value: Any) -> bool:
    """Whether the character set of the file is known to hold the value."""
    return str(value).isascii() or dataset.get("SpecificCharacterSet") == "ISO_IR 192"
