"""Which parameter of a request means which field of an item.

Aliases such as `gender` and XML paths such as `xnat:subjectData/demographics[...]/gender` both end
at the path under which the store keeps the value: `demographics/gender`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from .model import Value
from .responses import StatusError

_INVESTIGATOR = {
    "pi_firstname": "investigator/firstname",
    "pi_lastname": "investigator/lastname",
}
_VALIDATION = {
    f"validation_{name}": f"validation/{name}" for name in ("method", "status", "date", "notes")
}
_DEMOGRAPHICS = (
    *("dob", "yob", "age", "gender", "handedness", "ses", "education", "educationDesc", "race"),
    *("ethnicity", "weight", "height", "gestational_age", "post_menstrual_age", "birth_weight"),
)

PROJECT_ALIASES = {
    "secondary_ID": "secondary_ID",
    "name": "name",
    "description": "description",
    "keywords": "keywords",
    "pi_firstname": "PI/firstname",
    "pi_lastname": "PI/lastname",
    "note": "note",
}
SUBJECT_ALIASES = {
    "group": "group",
    "src": "src",
    **_INVESTIGATOR,
    **{name: f"demographics/{name}" for name in _DEMOGRAPHICS},
}
IMAGING_ALIASES = {
    "scanner": "scanner",
    "operator": "operator",
    "dcmAccessionNumber": "dcmAccessionNumber",
    "dcmPatientId": "dcmPatientId",
    "dcmPatientName": "dcmPatientName",
    "session_type": "session_type",
    "modality": "modality",
    "UID": "UID",
    "coil": "coil",
    "fieldStrength": "fieldStrength",
    "marker": "marker",
    "stabilization": "stabilization",
    "studyType": "studyType",
    "patientID": "patientID",
    "patientName": "patientName",
    "scan_start_time": "start_time_scan",
    "injection_start_time": "start_time_injection",
    "tracer_name": "tracer/name",
    "tracer_startTime": "tracer/startTime",
    "tracer_dose": "tracer/dose",
    "tracer_isotope": "tracer/isotope",
    "tracer_isotope_half_life": "tracer/isotope/half-life",
}
EXPERIMENT_ALIASES = {
    "visit_id": "visit_id",
    "visit": "visit",
    "protocol": "protocol",
    "date": "date",
    "time": "time",
    "note": "note",
    "studyInstanceUID": "UID",
    **_INVESTIGATOR,
    **_VALIDATION,
    **IMAGING_ALIASES,
}
SCAN_ALIASES = {
    "type": "type",
    "UID": "UID",
    "note": "note",
    "quality": "quality",
    "condition": "condition",
    "series_description": "series_description",
    "documentation": "documentation",
    "scanner": "scanner",
    "modality": "modality",
    "frames": "frames",
    "scanTime": "scanTime",
    "startTime": "startTime",
    "coil": "coil",
    "fieldStrength": "fieldStrength",
    **_VALIDATION,
}
RECONSTRUCTION_ALIASES = {"type": "type", "baseScanType": "baseScanType"}

DATES = frozenset({"date", "demographics/dob", "validation/date"})
NUMBERS = frozenset(
    {
        *(f"demographics/{name}" for name in ("age", "yob", "weight", "height", "education")),
        *(f"parameters/{name}" for name in ("tr", "te", "ti", "flip", "voxelRes/x")),
        "frames",
    }
)
ENUMERATIONS = {
    "demographics/gender": {"male", "female", "other", "unknown", "M", "F"},
    "demographics/handedness": {"right", "left", "ambidextrous", "unknown"},
}


class InvalidValue(StatusError):
    """A value that the schema does not allow; the server finds out too late for a 4xx."""

    def __init__(self, path: str, value: str) -> None:
        super().__init__(500, f"Invalid value for {path}: {value}")


def submitted(
    parameters: Iterable[tuple[str, str]], xsi_type: str, aliases: dict[str, str]
) -> dict[str, Value]:
    """The fields that a request sets on an item of this type.

    Paths of another type are ignored without a word, as the server does.
    """
    found: dict[str, Value] = {}
    for key, text in parameters:
        path = aliases.get(key) or own_path(key, xsi_type)
        if path:
            found[path] = converted(path, text)
    return found


def own_path(key: str, xsi_type: str) -> str | None:
    """The path below the element when `key` is an XML path of this very type."""
    root, slash, path = key.partition("/")
    if not slash or root.lower() != xsi_type.lower():
        return None
    return plain_path(path)


def plain_path(path: str) -> str:
    """A path without type predicates: `demographics[@xsi:type=...]/gender` loses the middle."""
    return re.sub(r"\[@xsi:type=[^\]]*\]", "", path)


def converted(path: str, text: str) -> Value:
    """The value as it is stored; unknown paths keep the text."""
    if not text:
        return text
    if path in DATES:
        return date_of(path, text)
    if path in ENUMERATIONS and text not in ENUMERATIONS[path]:
        raise InvalidValue(path, text)
    if path in NUMBERS:
        try:
            number = float(text)
        except ValueError as error:
            raise InvalidValue(path, text) from error
        return int(number) if number.is_integer() and "." not in text else number
    return text


def date_of(path: str, text: str) -> str:
    """A date in either notation as YYYY-MM-DD."""
    for notation in ("%m/%d/%Y", "%Y-%m-%d"):
        try:
            return datetime.strptime(text, notation).date().isoformat()
        except ValueError:
            continue
    raise InvalidValue(path, text)
