"""Records of the rows of a listing, made without the models between.

That takes half of the time, which tells where a listing has many thousand rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from xnat_core.models.base import Model, Reader, Record, keys_of, readings_of
from xnat_core.models.values import text

# Of a server that names other columns in every row, not all are kept.
_MOST_LAYOUTS = 64

_Pairs = tuple[tuple[str, str], ...]
_Columns = tuple[tuple[str, Reader], ...]
"""Columns that may fill a key, and how each is read; the first that can be read does."""


class _Layout(NamedTuple):
    """Which key of a record is filled by what: a field that is known, one column of plain text, a
    field that is deduced, else columns.

    `blank` has all keys in their order: a record that grows key by key is made anew twice.
    """

    blank: Record
    known: _Pairs
    texts: _Pairs
    others: tuple[tuple[str, str, _Columns], ...]


class RowRecords:
    """Makes of each row what `from_row(row, **known).to_record(server)` makes.

    Rows are those of a client: all values are text. The fields in `known` are told with each row,
    and are not blank. How it is done is worked out once for rows with the same columns.
    """

    def __init__(self, model: type[Model], server: str | None, known: Iterable[str]) -> None:
        self.server = server
        self._model = model
        self._known = tuple(known)
        self._layouts: dict[tuple[str, ...], _Layout] = {}

    def record(self, row: Mapping[str, str], known: Mapping[str, str]) -> Record:
        """The record of one row."""
        if not self._model.has_plain_rows:
            return self._model.from_row(row, **known).to_record(self.server)
        columns = tuple(row)
        layout = self._layouts.get(columns)
        if layout is None:
            if len(self._layouts) == _MOST_LAYOUTS:
                self._layouts.clear()
            layout = self._layouts[columns] = self._layout(columns)
        record = layout.blank.copy()
        for key, field in layout.known:
            record[key] = known[field]
        for key, column in layout.texts:
            # `text`, but a call for each value would take longer than all the rest.
            value = row[column]
            if value and not value.isspace():
                record[key] = value
            else:
                del record[key]
        deduced = self._model.deduced(row)
        for key, field, tried in layout.others:
            found = deduced.get(field) or _first(row, tried)
            if found is None:
                del record[key]
            else:
                record[key] = found
        return record

    def _layout(self, columns: tuple[str, ...]) -> _Layout:
        model: Any = self._model
        deduced = model.deduced({})
        tried: dict[str, list[tuple[str, Reader]]] = {field: [] for field in deduced}
        for field, column, read in readings_of(model, columns, self._known):
            tried.setdefault(field, []).append((column, read))
        tried = {field: found for field, found in tried.items() if field not in self._known}
        plain = {
            field: found[0][0]
            for field, found in tried.items()
            if field not in deduced and [read for _, read in found] == [text]
        }
        present = (*self._known, *tried)
        keys = [(key, field) for key, field in keys_of(model, present) if field in present]
        begin = {"kind": model.kind, "server": self.server} if self.server else {"kind": model.kind}
        return _Layout(
            {**begin, **dict.fromkeys(key for key, _ in keys)},
            tuple((key, field) for key, field in keys if field in self._known),
            tuple((key, plain[field]) for key, field in keys if field in plain),
            tuple((k, f, tuple(tried[f])) for k, f in keys if f in tried and f not in plain),
        )


def _first(row: Mapping[str, str], tried: _Columns) -> Any:
    for column, read in tried:
        if (found := read(row[column])) is not None:
            return found
    return None
