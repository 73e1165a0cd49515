"""The configured DICOM receivers."""

from __future__ import annotations

import ipaddress
import json
import re
from dataclasses import asdict, dataclass, fields
from typing import Any

from .database import Database
from .dicom_routing import BadRule, Rule

SCHEMA = """
CREATE TABLE IF NOT EXISTS dicom_receiver (id INTEGER PRIMARY KEY AUTOINCREMENT, content TEXT);
"""
DEFAULT_PORT = 8104
IDENTIFIERS = {"dicomObjectIdentifier": "XNAT Default DICOM object identifier (ClassicDicomObject)"}


class BadReceiver(Exception):
    """The configuration cannot be used."""


@dataclass(frozen=True, slots=True)
class ReceiverConfig:
    """A receiver as /xapi/dicomscp shows it."""

    id: int
    aeTitle: str = "XNAT"
    port: int = DEFAULT_PORT
    identifier: str = "dicomObjectIdentifier"
    fileNamer: str | None = None
    enabled: bool = True
    customProcessing: bool = False
    directArchive: bool = False
    anonymizationEnabled: bool = True
    whitelistEnabled: bool = False
    whitelist: tuple[str, ...] = ()
    routingExpressionsEnabled: bool = False
    projectRoutingExpression: str = ""
    subjectRoutingExpression: str = ""
    sessionRoutingExpression: str = ""
    label: str | None = None

    def admits(self, calling: str, address: str) -> bool:
        """Whether a sender may talk to this receiver."""
        if not self.whitelistEnabled:
            return True
        return any(_matches(entry, calling, address) for entry in self.whitelist)


class ReceiverTable:
    """All receivers."""

    def __init__(self, database: Database, port: int | None) -> None:
        """The first receiver listens on `port`, by default where XNAT does."""
        self._db = database
        database.add_schema(SCHEMA)
        known = self.all()
        if not known:
            self.add({"port": DEFAULT_PORT if port is None else port})
        elif port is not None:
            self.move(known[0].id, port)

    def all(self) -> list[ReceiverConfig]:
        rows = self._db.rows("SELECT id, content FROM dicom_receiver ORDER BY id")
        return [_config(row["id"], json.loads(row["content"])) for row in rows]

    def get(self, id: int) -> ReceiverConfig | None:
        return next((config for config in self.all() if config.id == id), None)

    def find(self, title: str, port: int) -> ReceiverConfig | None:
        return next(
            (one for one in self.all() if (one.aeTitle, one.port) == (title, port)),
            None,
        )

    def add(self, values: dict[str, Any]) -> ReceiverConfig:
        """Add a receiver; absent members have their defaults."""
        config = _config(0, values)
        self._check(config)
        id = self._db.execute("INSERT INTO dicom_receiver (content) VALUES (?)", (_dump(config),))
        return _config(id, values)

    def change(self, id: int, values: dict[str, Any]) -> ReceiverConfig:
        """Replace a receiver by these values."""
        config = _config(id, values)
        self._check(config)
        sql = "UPDATE dicom_receiver SET content=? WHERE id=?"
        self._db.execute(sql, (_dump(config), id))
        return config

    def move(self, id: int, port: int) -> None:
        """Note the port that a receiver got."""
        found = self.get(id)
        if found:
            self.change(id, {**asdict(found), "port": port})

    def remove(self, id: int) -> None:
        self._db.execute("DELETE FROM dicom_receiver WHERE id=?", (id,))

    def _check(self, config: ReceiverConfig) -> None:
        title = config.aeTitle
        if not re.fullmatch(r"[\x20-\x5b\x5d-\x7e]{1,16}", title) or title != title.strip():
            raise BadReceiver(f"Invalid AE title: {title}")
        if config.identifier not in IDENTIFIERS:
            raise BadReceiver(f"Unknown identifier: {config.identifier}")
        other = self.find(title, config.port)
        if other and other.id != config.id:
            raise BadReceiver(f"There is already a receiver {title}:{config.port}")
        for entry in config.whitelist:
            _check_whitelist(entry)
        try:
            for expression in routing_expressions(config):
                Rule.parse(expression)
        except BadRule as error:
            raise BadReceiver(str(error)) from error


def routing_expressions(config: ReceiverConfig) -> list[str]:
    """The expressions of project, subject and session that are set."""
    found = (
        config.projectRoutingExpression,
        config.subjectRoutingExpression,
        config.sessionRoutingExpression,
    )
    return [expression for expression in found if expression]


def as_json(config: ReceiverConfig) -> dict[str, Any]:
    return asdict(config)


def _dump(config: ReceiverConfig) -> str:
    values = asdict(config)
    del values["id"]
    return json.dumps(values)


def _config(id: int, values: dict[str, Any]) -> ReceiverConfig:
    names = {field.name for field in fields(ReceiverConfig)} - {"id"}
    known = {name: value for name, value in values.items() if name in names}
    known["whitelist"] = tuple(known.get("whitelist") or ())
    return ReceiverConfig(id, **known)


def _check_whitelist(entry: str) -> None:
    title, _, address = entry.rpartition("@")
    if not title and not _is_address(address):
        title, address = address, ""
    if (address and not _is_address(address)) or len(title) > 16:
        raise BadReceiver(f"Invalid whitelist entry: {entry}")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _matches(entry: str, calling: str, address: str) -> bool:
    """Entries are `AE`, `ip[/mask]` or `AE@ip`."""
    title, at, place = entry.rpartition("@")
    if not at:
        title, place = ("", entry) if _is_address(entry) else (entry, "")
    if title and title != calling:
        return False
    if not place:
        return True
    network = ipaddress.ip_network(place, strict=False)
    return ipaddress.ip_address(address) in network
