"""What all models share: reading the server's answers, and becoming records.

A model is a frozen dataclass whose fields carry a `Fact`: one line of documentation, the key
the field has in a record, and the names the server knows it by. From that follow the parser, the
record, the table row and the reference page.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import (
    Any,
    ClassVar,
    NamedTuple,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from xnat_core.models.values import READERS

Record = dict[str, Any]
ModelT = TypeVar("ModelT", bound="Model")

IDENTITY = (
    "kind",
    "server",
    "uri",
    "id",
    "label",
    "project",
    "subject",
    "subject_id",
    "session",
    "session_id",
    "scan",
    "resource",
)
"""The keys that come first in every record, in this order."""


@dataclass(frozen=True)
class Fact:
    """One line on a field, its `key` in records where that differs from the field's name (empty:
    not in records), and the server's `names` for it beside the field's own (case is ignored)."""

    doc: str
    key: str | None = None
    names: tuple[str, ...] = ()
    read: Callable[[Any], Any] | None = None


class KeyDoc(NamedTuple):
    """One line of the reference: a key of a record, its type, what it means."""

    key: str
    type: str
    doc: str


Reader = Callable[[Any], Any]
_Reading = tuple[str, str, Reader]
"""A field, a key of the row that may fill it, and how its value is read."""


class _Plan(NamedTuple):
    """How one field of a model is read and shown: its `Fact` and its type, worked out once."""

    field: str
    key: str
    names: tuple[str, ...]
    read: Callable[[Any], Any]
    type: str
    doc: str


@dataclass(frozen=True)
class Model:
    """The base of all models."""

    kind: ClassVar[str] = ""
    columns: ClassVar[tuple[str, ...]] = ()
    derived: ClassVar[Mapping[str, str]] = {}
    """Properties that enter the record beside the fields: name and documentation."""
    has_plain_rows: ClassVar[bool] = True
    """Whether the row alone makes the record: no `derived` keys, no `from_row` of its own."""

    def __init_subclass__(cls) -> None:
        cls.has_plain_rows = not cls.derived and "from_row" not in vars(cls)

    @classmethod
    def from_row(cls: type[ModelT], row: Mapping[str, Any], **known: Any) -> ModelT:
        """Read a row of a listing, in the server's spelling or in that of the fields.

        Unknown keys are ignored; blank and unreadable numbers and dates become `None`. What is
        `known` already (the parents, mostly) wins over the row.
        """
        values: dict[str, Any] = {}
        for field, value in cls.deduced(row).items():
            known.setdefault(field, value)
        model: Any = cls
        for field, key, read in readings_of(model, tuple(row), tuple(known)):
            if field not in values and (value := read(row[key])) is not None:
                values[field] = value
        for field, value in known.items():
            if value is not None:
                values[field] = value
        return _made(cls, values)

    @classmethod
    def deduced(cls, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """Fields that a row tells by other means than a key; what is known wins over them."""
        return {}

    @classmethod
    def from_item(cls: type[ModelT], item: Mapping[str, Any], **known: Any) -> ModelT:
        """Read a single document: `data_fields`, `meta` and `children` of an `items[0]`."""
        row = dict(_object(item.get("data_fields")))
        row.setdefault("xsiType", _object(item.get("meta")).get("xsi:type"))
        return cls.from_row(row, **known)

    @classmethod
    def from_record(cls: type[ModelT], record: Mapping[str, Any]) -> ModelT:
        """Read a record of this kind, as another tool wrote it."""
        values = {
            plan.field: plan.read(record.get(plan.key))
            for plan in _plans(cls)
            if plan.key and record.get(plan.key) is not None
        }
        return cls(**{key: value for key, value in values.items() if value is not None})

    def to_dict(self) -> dict[str, Any]:
        """All fields by name, unknown ones as `None`."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    def to_row(self, columns: Sequence[str] | None = None) -> dict[str, Any]:
        """The values of a table row; a column is a field, a property or the key of a record."""
        by_key = {plan.key: plan.field for plan in _plans(type(self)) if plan.key}
        names = columns if columns is not None else self.table_columns()
        return {name: getattr(self, by_key.get(name, name), None) for name in names}

    @classmethod
    def table_columns(cls) -> list[str]:
        """The columns of a table that shows this kind, as keys of its records."""
        return list(cls.columns)

    def to_record(self, server: str | None = None) -> Record:
        """The record of this object: identifying keys first, then facts; unknown ones are absent.

        `server` is the base URL it came from.
        """
        record: Record = {"kind": self.kind}
        if server:
            record["server"] = server
        for key, name in keys_of(cast(Any, type(self)), tuple(vars(self))):
            value = getattr(self, name)
            if value or isinstance(value, (int, float)):
                record[key] = list(value) if isinstance(value, tuple) else value
        return record

    @classmethod
    def record_keys(cls) -> list[KeyDoc]:
        """Every key that a record of this kind can have, in order."""
        keys = {
            "kind": KeyDoc("kind", "text", f"`{cls.kind}`"),
            "server": KeyDoc("server", "text", "Base URL of the server it came from"),
        }
        for plan in _plans(cls):
            if plan.key:
                keys[plan.key] = KeyDoc(plan.key, plan.type, plan.doc)
        for name, doc in cls.derived.items():
            keys[name] = KeyDoc(name, "text", doc)
        order = dict.fromkeys([*(key for key in IDENTITY if key in keys), *keys])
        return [keys[key] for key in order]


def _made(cls: type[ModelT], values: dict[str, Any]) -> ModelT:
    """The same as `cls(**values)`, faster, for listings of many rows.

    A frozen dataclass assigns every field by a call, also those that keep their default, which
    takes three times as long as reading the row. Here what is not in `values` is found in the
    class, where dataclasses keep plain defaults.
    """
    for name, make in _factories(cast(Any, cls)):
        if name not in values:
            values[name] = make()
    model = object.__new__(cls)
    object.__setattr__(model, "__dict__", values)
    return model


@lru_cache(maxsize=64)
def _factories(cls: Any) -> tuple[tuple[str, Callable[[], Any]], ...]:
    """The fields whose default is made anew for each model, and those that have none."""
    return tuple(
        (field.name, cast(Any, field.default_factory))
        for field in dataclasses.fields(cls)
        if field.default is dataclasses.MISSING
    )


@lru_cache(maxsize=256)
def keys_of(cls: Any, present: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """The keys of a record after `kind` and `server`, in order, each with its attribute.

    A field is left out that the model does not hold itself (`present`) and that is None by default.
    """
    keys = {
        plan.key: plan.field
        for plan in _plans(cls)
        if plan.key and (plan.field in present or getattr(cls, plan.field, None) is not None)
    }
    keys.update({name: name for name in cls.derived})
    order = dict.fromkeys([*(key for key in IDENTITY if key in keys), *keys])
    return tuple((key, keys[key]) for key in order if key not in ("kind", "server"))


def children(item: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """The data fields of the children of a document that are called `name`."""
    return [
        dict(_object(child.get("data_fields")))
        for group in _objects(item.get("children"))
        if group.get("field") == name
        for child in _objects(group.get("items"))
    ]


def custom_variables(item: Mapping[str, Any]) -> dict[str, Any]:
    """The custom variables of a document by name."""
    return {
        str(child["name"]): child.get("field")
        for child in children(item, "fields/field")
        if child.get("name")
    }


def _object(value: Any) -> Mapping[str, Any]:
    """The value if it is an object, else an empty one: documents come from outside."""
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    return map(_object, value if isinstance(value, list) else ())


_known_plans: dict[Any, tuple[_Plan, ...]] = {}


def _plans(cls: type[Model]) -> tuple[_Plan, ...]:
    if cls not in _known_plans:
        _known_plans[cls] = tuple(_read_plans(cls))
    return _known_plans[cls]


@lru_cache(maxsize=64)
def readings_of(cls: Any, keys: tuple[str, ...], known: tuple[str, ...]) -> tuple[_Reading, ...]:
    """Which keys of a row fill which field, in the order in which they are tried; all rows of a
    listing have the same ones."""
    if unknown := set(known) - {plan.field for plan in _plans(cls)}:
        raise TypeError(f"{cls.__name__} has no {', '.join(sorted(unknown))}")
    spelled = {key.lower(): key for key in keys}
    return tuple(
        (plan.field, spelled[name], plan.read)
        for plan in _plans(cls)
        for name in plan.names
        if name in spelled
    )


def _read_plans(cls: type[Model]) -> Iterator[_Plan]:
    hints = get_type_hints(cls, include_extras=True)
    for field in dataclasses.fields(cls):
        annotated, fact = get_args(hints[field.name])
        name, reader = READERS[_plain(annotated)]
        yield _Plan(
            field=field.name,
            key=field.name if fact.key is None else fact.key,
            names=(field.name.lower(), *(other.lower() for other in fact.names)),
            read=fact.read or reader,
            type=name,
            doc=fact.doc,
        )


def _plain(hint: Any) -> Any:
    """`int` of `int | None`, `tuple` of `tuple[str, ...]`."""
    if get_origin(hint) in (Union, types.UnionType):
        hint = next(part for part in get_args(hint) if part is not type(None))
    origin = get_origin(hint) or hint
    return Mapping if isinstance(origin, type) and issubclass(origin, Mapping) else origin
