"""Who changed what: from what the server keeps, since it has no audit to ask.

There are workflow rows, which the search engine of some servers finds, those of deleted items
included; and there is the history of each item, which is read one by one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from xnat_core.errors import (
    ClientRequestError,
    OperationError,
    PermissionDeniedError,
    ResourceNotFoundError,
    ServerError,
    ValidationError,
    XNATCtlError,
)
from xnat_core.models import Event
from xnat_core.parallel import bounded_map
from xnat_core.services.base import first
from xnat_core.services.lookup import subjects_in
from xnat_core.services.sessions import iter_sessions
from xnat_core.urls import path
from xnat_core.validation import validate_lookup

if TYPE_CHECKING:
    from xnat_core.client import XNATClient

_AGE = re.compile(r"(\d+)\s*([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_WORKERS = 4
_WORKFLOWS = "wrk:workflowData"
_COLUMNS = {
    "wrk_workflowData_id": "id",
    "ID": "item",
    "ExternalID": "project",
    "data_type": "data_type",
    "pipeline_name": "action",
    "status": "status",
    "launch_time": "timestamp",
    "create_user": "user",
    "justification": "reason",
}


@dataclass(frozen=True)
class Item:
    """Something that has a history."""

    xsi_type: str
    id: str
    label: str
    project: str | None

    @property
    def record(self) -> dict[str, Any]:
        """What a failure to read it is a failure of."""
        known = {"id": self.id, "label": self.label, "project": self.project}
        kind = {"xnat:projectData": "project", "xnat:subjectData": "subject"}
        return {"kind": kind.get(self.xsi_type, "session"), **known}


@dataclass(frozen=True)
class Wanted:
    """Which events are asked for; the server filters none of this."""

    user: str | None = None
    action: str | None = None
    since: datetime | None = None

    def fits(self, event: Event) -> bool:
        """Whether an event is one of them: the user whatever its case, part of the action, and not
        older than `since`."""
        if self.user and (event.user or "").lower() != self.user.lower():
            return False
        if self.action and self.action.lower() not in (event.action or "").lower():
            return False
        if self.since is None:
            return True
        moment = _moment(event.timestamp)
        return moment is not None and moment >= self.since


def since(text: str | date, now: datetime | None = None) -> datetime:
    """The moment of `7d`, `12h`, `2w`, or of a date, written or not. Raises ValidationError."""
    said = text.isoformat() if isinstance(text, date) else str(text).strip()
    age = _AGE.fullmatch(said)
    try:
        if age:
            seconds = int(age[1]) * _SECONDS[age[2]]
            return (now or datetime.now(timezone.utc)) - timedelta(seconds=seconds)
        found = datetime.fromisoformat(said)
        return found if found.tzinfo else found.astimezone()
    except (ValueError, OverflowError):
        raise ValidationError(
            f"since {text!r}: must be an age (7d, 12h, 2w) or a date (2024-05-02)", "since", text
        ) from None


def newest(events: Iterable[Event], wanted: Wanted, limit: int | None) -> list[Event]:
    """Those that are wanted, the newest first, `limit` at most.

    Times may be of whole seconds; the server numbers its events as they happen.
    """
    found = [event for event in events if wanted.fits(event)]
    found.sort(key=_age, reverse=True)
    return first(limit, found)


def of_server(client: XNATClient, project: str | None = None) -> list[Event]:
    """What the search engine finds, in a project or everywhere.

    Raises OperationError where the server does not search its workflows.
    """
    try:
        response = client.post(
            path("data", "search"),
            params={"format": "json"},
            data=_search(project).encode(),
            headers={"Content-Type": "text/xml"},
            about=("workflows", project or "of the server"),
            repeatable=True,
        )
        rows = response.json()["ResultSet"]["Result"]
        events = [_of_row(row) for row in rows]
    except (
        *(ClientRequestError, PermissionDeniedError, ResourceNotFoundError, ServerError),
        *(ValueError, KeyError, TypeError, AttributeError, RecursionError),
    ) as error:
        raise _no_audit(error) from error
    if any(event.timestamp is None or event.action is None for event in events):
        raise _no_audit("its search gives neither time nor action")
    # A criterion that the server does not understand is one that lets everything through.
    return [event for event in events if project is None or event.project in (None, project)]


def items_of(client: XNATClient, project: str) -> Iterator[Item]:
    """A project, its subjects and its sessions."""
    from xnat_core.services.projects import ProjectService

    name = ProjectService(client).get(project).id
    yield Item("xnat:projectData", name, name, name)
    for subject in subjects_in(client, name):
        yield Item("xnat:subjectData", subject.id, subject.label, name)
    for session in iter_sessions(client, name):
        yield Item(session.xsi_type or "", session.id, session.label, name)


def of_item(client: XNATClient, item: Item) -> list[Event]:
    """The history of one item. Raises ResourceNotFoundError, and OperationError where there is
    none to read."""
    if item.xsi_type in ("xnat:projectData", "xnat:subjectData"):
        where = path("data", "services", "audit", item.xsi_type, item.id)
    else:
        where = path("data", "experiments", item.id, "history")
    data = client.get_json(where)
    events = data.get("events") if isinstance(data, dict) else None
    if not isinstance(events, list):
        raise OperationError("audit", f"the server tells no history of {item.label or item.id}")
    return [_of_history(entry, item) for entry in events if isinstance(entry, dict)]


def of_project(client: XNATClient, project: str) -> list[Event]:
    """What happened in a project: by the search, else item by item; raises what the first item
    that cannot be read raises."""
    validate_lookup(project, "project")
    try:
        if found := of_server(client, project):
            return found
    except OperationError:
        pass
    outcomes = bounded_map(
        lambda item: of_item(client, item), items_of(client, project), workers=_WORKERS
    )
    return [event for outcome in outcomes for event in outcome.result()]


_EPOCH = datetime.fromtimestamp(0, timezone.utc)


def _age(event: Event) -> tuple[datetime, int]:
    number = event.id or ""
    return _moment(event.timestamp) or _EPOCH, int(number) if number.isdecimal() else 0


def _no_audit(reason: object) -> OperationError:
    said = reason.message if isinstance(reason, XNATCtlError) else str(reason)
    return OperationError(
        "audit",
        "XNAT has no audit of the whole server, and this one does not let its workflows be "
        f"searched ({said}): name a project (-P) or a session (-E), whose histories can be read",
    )


def _search(project: str | None) -> str:
    fields = "".join(
        f"<xdat:search_field><xdat:element_name>{_WORKFLOWS}</xdat:element_name>"
        f"<xdat:field_ID>{name.upper()}</xdat:field_ID><xdat:sequence>{number}</xdat:sequence>"
        f"<xdat:type>string</xdat:type><xdat:header>{name}</xdat:header></xdat:search_field>"
        for number, name in enumerate(_COLUMNS)
    )
    where = ""
    if project:
        where = (
            '<xdat:search_where method="AND"><xdat:criteria override_value_formatting="0">'
            f"<xdat:schema_field>{_WORKFLOWS}/ExternalID</xdat:schema_field>"
            "<xdat:comparison_type>=</xdat:comparison_type>"
            f"<xdat:value>{escape(project)}</xdat:value></xdat:criteria></xdat:search_where>"
        )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<xdat:search xmlns:xdat="http://nrg.wustl.edu/security" ID="" secure="false">'
        f"<xdat:root_element_name>{_WORKFLOWS}</xdat:root_element_name>{fields}{where}"
        "</xdat:search>"
    )


def _of_row(row: dict[str, Any]) -> Event:
    lower = {key.lower(): value for key, value in row.items()}
    known = {field: lower.get(name.lower()) or None for name, field in _COLUMNS.items()}
    return Event.from_row({key: value for key, value in known.items() if value is not None})


def _of_history(entry: dict[str, Any], item: Item) -> Event:
    moment = entry.get("event_date")
    if isinstance(moment, (int, float)):
        # Absolute, unlike the launch times of workflows, which are in the server's own zone. What
        # is beyond the calendar stays the number that it is.
        with suppress(ValueError, OverflowError, OSError):
            absolute = datetime.fromtimestamp(moment / 1000, timezone.utc)
            moment = absolute.isoformat(timespec="milliseconds")
    return Event.from_row(
        {
            "id": entry.get("event_id"),
            "project": item.project,
            "timestamp": moment,
            "user": entry.get("event_user"),
            "action": entry.get("event_action"),
            "item": item.id,
            "label": item.label,
            "data_type": item.xsi_type,
            "status": entry.get("event_status"),
            "reason": entry.get("event_reason"),
        }
    )


def _moment(text: str | None) -> datetime | None:
    """A time that the server wrote; without a zone it is taken for one of this machine's.

    None for what is no time.
    """
    found = re.match(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(\.\d+)?(.*)", text or "")
    if found is None:
        return None
    fraction = (found[3] or "")[:7].ljust(7, "0") if found[3] else ""
    for rest in (f"{fraction}{found[4].strip()}", ""):
        # The years 1 and 9999 have no neighbours in other zones.
        with suppress(ValueError, OverflowError):
            moment = datetime.fromisoformat(f"{found[1]}T{found[2]}{rest}")
            return moment if moment.tzinfo else moment.astimezone()
    return None
