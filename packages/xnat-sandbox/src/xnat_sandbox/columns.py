"""The columns that listings of subjects and experiments can show."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import unquote_plus

from .database import Row
from .datatypes import (
    IMAGE_ASSESSOR,
    IMAGE_SESSION,
    ROOT,
    SUBJECT_ASSESSOR,
    is_session,
    known_type,
)
from .fields import (
    DATES,
    EXPERIMENT_ALIASES,
    IMAGING_ALIASES,
    NUMBERS,
    RECONSTRUCTION_ALIASES,
    SCAN_ALIASES,
    SUBJECT_ALIASES,
    plain_path,
)
from .model import Value

Cell = Callable[["Line"], object]


@dataclass
class Line:
    """A row of a query with its fields decoded on demand, and those of its subject."""

    row: Row
    extra: dict[str, str] = field(default_factory=dict)

    @cached_property
    def fields(self) -> Mapping[str, Value]:
        """The fields of the item."""
        decoded: Mapping[str, Value] = json.loads(self.row["fields"])
        return decoded

    @cached_property
    def subject_fields(self) -> Mapping[str, Value]:
        """The fields of the item's subject."""
        decoded: Mapping[str, Value] = json.loads(self.row["subject_fields"] or "{}")
        return decoded


@dataclass(frozen=True, slots=True)
class Column:
    """A column: the key of its cells, how to fill them, and how its filter compares."""

    key: str
    cell: Cell
    kind: str = "text"
    imaging: bool = False


def stored(name: str) -> Cell:
    """A cell that is a column of the query."""
    return lambda line: line.row[name]


def own_field(path: str) -> Cell:
    """A cell that is a field of the item."""
    return lambda line: line.fields.get(path)


def subject_field(path: str) -> Cell:
    """A cell that is a field of the item's subject."""
    return lambda line: line.subject_fields.get(path)


def _kind(path: str) -> str:
    return "date" if path in DATES else "number" if path in NUMBERS else "text"


def _columns(stored_names: Mapping[str, str], aliases: Mapping[str, str]) -> dict[str, Column]:
    table = {name: Column(name, stored(column)) for name, column in stored_names.items()}
    for name, path in aliases.items():
        imaging = name in IMAGING_ALIASES
        table[name] = Column(name, own_field(path), _kind(path), imaging)
    return table


SUBJECT_COLUMNS = _columns(
    {
        "ID": "id",
        "project": "project",
        "label": "label",
        "insert_date": "inserted",
        "insert_user": "insert_user",
        "last_modified": "modified",
    },
    SUBJECT_ALIASES,
)
EXPERIMENT_COLUMNS = _columns(
    {
        "ID": "id",
        "project": "project",
        "label": "label",
        "xsiType": "xsi_type",
        "subject_ID": "subject_id",
        "subject_label": "subject_label",
        "subject_project": "subject_project",
        "session_ID": "session_id",
        "session_label": "session_label",
        "session_project": "session_project",
        "insert_date": "inserted",
        "insert_user": "insert_user",
        "last_modified": "modified",
    },
    EXPERIMENT_ALIASES,
)
SCAN_COLUMNS = _columns(
    {
        "xnat_imagescandata_id": "number",
        "ID": "id",
        "xsiType": "xsi_type",
        "insert_date": "inserted",
        "insert_user": "insert_user",
    },
    SCAN_ALIASES,
)
RECONSTRUCTION_COLUMNS = _columns(
    {
        "xnat_reconstructedimagedata_id": "number",
        "ID": "id",
        "insert_date": "inserted",
        "insert_user": "insert_user",
    },
    RECONSTRUCTION_ALIASES,
)
_EXPERIMENT_PATHS = {"subject_id": "subject_id", "id": "id", "label": "label", "project": "project"}


def requested(text: str, known: Mapping[str, Column], defaults: list[str]) -> list[Column]:
    """The columns of a `columns=` parameter; unknown aliases are ignored without a word."""
    names: list[str] = []
    for name in unquote_plus(text).split(","):
        names += defaults if name == "DEFAULT" else [name]
    found = [find_column(name.strip(), known) for name in names]
    return [column for column in found if column]


def find_column(name: str, known: Mapping[str, Column]) -> Column | None:
    """A column by alias or XML path."""
    if name in known:
        return known[name]
    if "/" not in name:
        return None
    root, _, path = name.partition("/")
    xsi_type = known_type(root)
    if xsi_type is None:
        return None
    path = plain_path(path)
    return Column(name.lower(), _path_cell(xsi_type, path, known), _kind(path))


def _path_cell(xsi_type: str, path: str, known: Mapping[str, Column]) -> Cell:
    if xsi_type == "xnat:subjectData" and known is EXPERIMENT_COLUMNS:
        if path.lower() in ("id", "label"):
            return stored(f"subject_{path.lower()}")
        return subject_field(path)
    if path.lower() in _EXPERIMENT_PATHS and known is EXPERIMENT_COLUMNS:
        return stored(_EXPERIMENT_PATHS[path.lower()])
    if path in known:
        return known[path].cell
    return own_field(path)


def row_key_of(xsi_type: str) -> str:
    """The extra id column that names the root of the query."""
    return f"{(xsi_type or SUBJECT_ASSESSOR).lower()}/id"


def is_rooted(xsi_type: str, root: str, line_type: str, session_id: str | None) -> bool:
    """Whether an experiment of `line_type` appears in a query on `xsi_type` (or on `root`)."""
    wanted = xsi_type or root
    if wanted in (ROOT, line_type):
        return True
    if session_id:
        return wanted == IMAGE_ASSESSOR
    if wanted == SUBJECT_ASSESSOR:
        return True
    return wanted == IMAGE_SESSION and is_session(line_type)
