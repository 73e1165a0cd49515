"""What the data types of XNAT say about modality."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from xnat_core.models.values import text

MODALITY_TYPES = {
    "MR": "xnat:mrSessionData",
    "PET": "xnat:petSessionData",
    "CT": "xnat:ctSessionData",
    "EEG": "xnat:eegSessionData",
}
"""The session types that are asked for by modality."""

_IMAGING = re.compile(r"(?:.*:)?(\w+?)(?:Session|Scan)Data", re.IGNORECASE)
_SPOKEN = {"OTHERDICOM": "OT", "PETMR": "PET/MR"}


@lru_cache(maxsize=64)
def modality_of(xsi_type: str | None) -> str | None:
    """`MR` for `xnat:mrSessionData` and `xnat:mrScanData`; `None` for what is no imaging."""
    found = _IMAGING.fullmatch(xsi_type or "")
    if not found or found[1].lower() == "image":
        return None
    name = found[1].upper()
    return _SPOKEN.get(name, name)


def type_in(row: Mapping[str, Any]) -> str | None:
    """The data type that a row or a document names."""
    return text(row.get("xsiType") or row.get("xsi_type") or row.get("xsitype"))
