"""Rows as the rest of the code reads them, however the server spells its columns and addresses."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from xnat_core.models.values import number
from xnat_core.urls import local_path

Row = dict[str, str]

# The columns that are read by name. Those of one list are called like those of another one but for
# their case: `ID` here is `id` there.
_SPELLINGS = (
    *("ID", "id", "URI", "label", "project", "Name", "name", "description", "secondary_ID"),
    *("secondary_id", "subject_ID", "subject_id", "subject_label", "session_ID", "session_label"),
    *("xsiType", "type", "series_description", "modality", "UID", "category", "cat_id", "cat_ID"),
    *("xnat_abstractresource_id", "file_count", "file_size", "Size", "collection", "file_format"),
    *("digest", "timestamp", "folderName", "status", "tag", "subject", "GROUP_ID", "login"),
    *("Description", "Path"),
)
# No server has that route: it answers with the session.
_UNDER_PROJECT = re.compile(
    r"^/data(?:/archive)?/projects/[^/]+"
    r"(/experiments/[^/]+/(?:scans|assessors|reconstructions)/)"
)
# What some lists call `ID` and the like, though other lists have these names by right.
_LESSER = frozenset({"id", "subject_id", "secondary_id"})
_COUNTS = ("Size", "file_count", "file_size")
_BY_LETTERS: dict[str, tuple[str, ...]] = {}
for _name in _SPELLINGS:
    _BY_LETTERS[_name.lower()] = (*_BY_LETTERS.get(_name.lower(), ()), _name)


def as_texts(row: dict[str, Any]) -> Row:
    """Return a row with every value as text, nothing as an empty one.

    Columns in another case than is known are there in that one, too, `URI` begins with `/data` and
    can be asked for, and counts have no decimals.
    """
    for value in row.values():
        if value.__class__ is not str:
            row = {
                key: value if isinstance(value, str) else _text(value) for key, value in row.items()
            }
            break
    missing, counts = _spelling_of(tuple(row))
    if missing:
        row = {**row, **{spelling: row[key] for spelling, key in missing}}
    for name in counts:
        count = row[name]
        if count and not count.isdigit() and (known := number(count)) is not None:
            row = {**row, name: str(known)}
    uri = row.get("URI")
    if uri and not uri.startswith("/data/experiments/"):
        row = {**row, "URI": _UNDER_PROJECT.sub(r"/data\1", local_path(uri), count=1)}
    return row


@lru_cache(maxsize=256)
def _spelling_of(keys: tuple[str, ...]) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """The spellings that a row with these keys lacks, each with the key that has the value (none if
    all columns are in the case that is read), and the counts that it then has."""
    missing: tuple[tuple[str, str], ...] = ()
    if not all(key in _known(key) and key not in _LESSER for key in keys):
        missing = tuple((name, key) for key in keys for name in _known(key) if name not in keys)
    there = {*keys, *(name for name, _ in missing)}
    return missing, tuple(name for name in _COUNTS if name in there)


def _known(key: str) -> tuple[str, ...]:
    return _BY_LETTERS.get(key.lower(), (key,))


def _text(value: object) -> str:
    import orjson

    return "" if value is None else orjson.dumps(value).decode()
