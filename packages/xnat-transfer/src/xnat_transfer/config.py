"""The YAML file that says what is transferred and how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from xnat_core.commandline import nearest
from xnat_core.transfer_errors import TransferConfigError
from xnat_core.yaml_text import NotYaml, load_yaml
from xnat_transfer.filters import ALL, SYNC_TYPES, Choice, Filtering, SessionRules

SECTIONS = ("project_resources", "subject_resources", "subject_assessors")


@dataclass(frozen=True, slots=True)
class TransferConfig:
    """How to transfer; times are in seconds.

    `sync_new_only`: metadata of what is complete already stay as they are on the destination.
    """

    source_project: str | None = None
    dest_project: str | None = None
    sync_new_only: bool = True
    max_failures: int = 5
    scan_retry_count: int = 3
    scan_retry_delay: float = 5.0
    verify_after_transfer: bool = True
    transfer_xml_metadata: bool = True
    scan_workers: int = 4
    max_pending_archives: int = 5
    archive_wait_timeout: float = 10800.0
    archive_poll_interval: float = 5.0
    filtering: Filtering = field(default_factory=Filtering)


LEAST = {
    "max_failures": 1,
    "scan_retry_count": 1,
    "scan_retry_delay": 0,
    "scan_workers": 1,
    "max_pending_archives": 1,
    "archive_wait_timeout": 0,
    "archive_poll_interval": 0.1,
}


def load(file: Path) -> TransferConfig:
    """Read a file. Raises TransferConfigError naming the file and the field."""
    try:
        data = load_yaml(file.read_bytes())
    except OSError as error:
        raise TransferConfigError(f"{file}: {error.strerror}") from None
    except NotYaml as trouble:
        raise TransferConfigError(f"{file}: {trouble}") from None
    try:
        return parse(data if data is not None else {})
    except TransferConfigError as error:
        said = error.message.removeprefix("transfer: ")
        raise TransferConfigError(f"{file}: {said}", error.field) from None


def parse(data: object) -> TransferConfig:
    """Read what YAML made of a file."""
    known = {one.name for one in fields(TransferConfig)}
    given = _mapping(data, "", known)
    values: dict[str, Any] = {}
    for name, value in given.items():
        if value is None:
            continue
        values[name] = _filtering(value) if name == "filtering" else _value(name, value)
    return TransferConfig(**values)


def _value(name: str, value: object) -> object:
    kind = TransferConfig.__annotations__[name]
    if kind == "bool":
        if not isinstance(value, bool):
            raise _wrong(name, "must be true or false", value)
        return value
    if kind in ("int", "float"):
        plain = isinstance(value, int) if kind == "int" else isinstance(value, (int, float))
        if not plain or isinstance(value, bool):
            raise _wrong(name, f"must be a {'whole ' * (kind == 'int')}number", value)
        if value < LEAST[name]:  # type: ignore[operator]  # a number, as was just found
            raise _wrong(name, f"must be at least {LEAST[name]}", value)
        return value
    if not isinstance(value, (str, int)) or isinstance(value, bool):
        raise _wrong(name, "must be the ID of a project", value)
    return str(value)


def _filtering(data: object) -> Filtering:
    given = _mapping(data, "filtering", {*SECTIONS, "imaging_sessions"})
    sections = {name: _choice(given.get(name), f"filtering.{name}") for name in SECTIONS}
    sessions, rules = _sessions(given.get("imaging_sessions"))
    return Filtering(**sections, imaging_sessions=sessions, rules=rules)


def _sessions(data: object) -> tuple[Choice, dict[str, SessionRules]]:
    where = "filtering.imaging_sessions"
    if data is None:
        return ALL, {}
    given = _mapping(data, where, {"sync_type", "items", "xsi_types"})
    entries = given.get("xsi_types") or []
    if not isinstance(entries, list):
        raise _wrong(f"{where}.xsi_types", "must be a list", entries)
    rules: dict[str, SessionRules] = {}
    for number, entry in enumerate(entries):
        name, rule = _type_rules(entry, f"{where}.xsi_types[{number}]")
        if name in rules:
            raise _wrong(f"{where}.xsi_types[{number}]", "names a type again", name)
        rules[name] = rule
    choice = _choice({key: given.get(key) for key in ("sync_type", "items")}, where)
    named = choice.items | frozenset(rules)
    return Choice(choice.sync_type, named), rules


def _type_rules(data: object, where: str) -> tuple[str, SessionRules]:
    parts = {one.name for one in fields(SessionRules)}
    given = _mapping(data, where, {"xsi_type", *parts})
    name = given.get("xsi_type")
    if not isinstance(name, str) or not name:
        raise _wrong(f"{where}.xsi_type", "must name a type such as xnat:mrSessionData", name)
    rules = {part: _choice(given.get(part), f"{where}.{part}") for part in parts}
    return name, SessionRules(**rules)


def _choice(data: object, where: str) -> Choice:
    if data is None:
        return ALL
    given = _mapping(data, where, {"sync_type", "items"})
    sync_type = given.get("sync_type") or "all"
    if sync_type not in SYNC_TYPES:
        raise _wrong(f"{where}.sync_type", f"must be one of {', '.join(SYNC_TYPES)}", sync_type)
    items = given.get("items") or []
    if not isinstance(items, list):
        raise _wrong(f"{where}.items", "must be a list of names", items)
    for item in items:
        if not isinstance(item, (str, int)) or isinstance(item, bool):
            rule = "must be names, in quotes where YAML takes them for something else"
            raise _wrong(f"{where}.items", rule, item)
    if items and not given.get("sync_type"):
        # Whoever names items means a rule, which would not be one.
        rule = "must be include or exclude where there are items"
        raise _wrong(f"{where}.sync_type", rule, None)
    return Choice(sync_type, frozenset(map(str, items)))


def _mapping(data: object, where: str, known: set[str]) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise _wrong(where or "the file", "must be a mapping", data)
    for key in data:
        if key not in known:
            name = f"{where}.{key}" if where else str(key)
            near = nearest(str(key), sorted(known))
            raise TransferConfigError(f"{name} is no setting{near}", name)
    return data


def _wrong(name: str, rule: str, value: object) -> TransferConfigError:
    return TransferConfigError(f"{name}: {rule}, not {value!r}", name)
