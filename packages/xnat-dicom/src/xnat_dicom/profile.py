"""The actions of the Basic Application Level Confidentiality Profile of DICOM PS3.15, Annex E.

Which attribute gets which action is read from the tables of dicom-anonymizer. Its own engine acts
on the top level of a data set only; this one acts on the items of all sequences.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydicom.dataelem import DataElement

EDITION = "2026c"

# What D stands for is a dummy, U a new UID, X removal, Z emptiness. Which of several applies is up
# to the type of the attribute in the object at hand: the one that is right for all types is taken.
_TABLES = {
    "D_TAGS": "D",
    "Z_TAGS": "Z",
    "X_TAGS": "X",
    "U_TAGS": "U",
    "Z_D_TAGS": "D",
    "X_Z_TAGS": "Z",
    "X_D_TAGS": "D",
    "X_Z_D_TAGS": "D",
    # Sequences of references: kept, with the UIDs in their items replaced.
    "X_Z_U_STAR_TAGS": "",
}
_DUMMIES: dict[str, object] = {
    "AE": "ANONYMIZED",
    "AS": "000Y",
    "CS": "ANONYMIZED",
    "DA": "19000101",
    "DT": "19000101000000",
    "LO": "ANONYMIZED",
    "LT": "ANONYMIZED",
    "PN": "ANONYMIZED",
    "SH": "ANONYMIZED",
    "ST": "ANONYMIZED",
    "TM": "000000",
    "UC": "ANONYMIZED",
    "UR": "http://anonymized.invalid",
    "UT": "ANONYMIZED",
    "DS": "0",
    "IS": "0",
    **dict.fromkeys(("FD", "FL", "SL", "SS", "SV", "UL", "US", "UV"), 0),
    **dict.fromkeys(("OB", "OD", "OF", "OL", "OV", "OW", "UN"), b"\0" * 8),
}


def action_of(tag: int) -> str | None:
    """The letter of an attribute; empty where only its items are acted on, None where it stays."""
    exact, masked = _actions()
    if tag in exact:
        return exact[tag]
    return next((action for value, mask, action in masked if tag & mask == value), None)


def dummy(element: DataElement) -> object:
    """A value that says nothing, of the representation of the element."""
    return _DUMMIES.get(str(element.VR))


@cache
def _actions() -> tuple[dict[int, str], list[tuple[int, int, str]]]:
    from dicomanonymizer.dicomfields_selector import dicom_anonymization_database_selector

    tables = dicom_anonymization_database_selector(f"dicomfields_{EDITION}")
    exact: dict[int, str] = {}
    masked: list[tuple[int, int, str]] = []
    for name, action in _TABLES.items():
        for group, number, *masks in tables[name]:
            tag = group << 16 | number
            if masks:
                mask = masks[0] << 16 | masks[1]
                masked.append((tag & mask, mask, action))
            else:
                exact[tag] = action
    return exact, masked
