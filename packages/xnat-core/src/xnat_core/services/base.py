"""What the services share: reading single documents, and reading back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from xnat_core import arguments
from xnat_core.arguments import several
from xnat_core.errors import (
    ArgumentError,
    OperationError,
    ResourceNotFoundError,
    ServerError,
)
from xnat_core.lagging import look_until
from xnat_core.services.once import LONGEST_WAIT, ask_and_see
from xnat_core.urls import path

if TYPE_CHECKING:
    from requests import Response

    from xnat_core.client import XNATClient

T = TypeVar("T")
Row = dict[str, Any]
Rows = list[Row]
About = tuple[str, str]


# Times come with the fraction of a second that listings add.
_TIME = re.compile(r"\d{1,2}:\d\d:\d\d\.0+")


class BaseService:
    """A service speaks through one client and keeps nothing."""

    def __init__(self, client: XNATClient) -> None:
        self.client = client

    def _get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        return self.client.get_json(path, params=dict(params or {}))

    def _post(self, path: str, params: Mapping[str, Any] | None = None, **body: Any) -> Response:
        return self.client.post(path, params=dict(params or {}), **body)

    def _put(self, path: str, params: Mapping[str, Any] | None = None, **body: Any) -> Response:
        return self.client.put(path, params=dict(params or {}), **body)

    def _delete(self, path: str, params: Mapping[str, Any] | None = None) -> Response:
        return self.client.delete(path, params=dict(params or {}))

    def _paginate(
        self, path: str, params: Mapping[str, Any] | None = None, page_size: int = 100
    ) -> Iterator[Row]:
        return self.client.paginate(path, params=dict(params or {}), page_size=page_size)

    @staticmethod
    def _extract_results(data: Any, result_key: str = "ResultSet.Result") -> Rows:
        for key in result_key.split("."):
            data = data.get(key) if isinstance(data, Mapping) else None
        return list(data) if isinstance(data, list) else []

    @staticmethod
    def _build_path(*parts: str) -> str:
        return path("data", *parts)


def columns_of(columns: Iterable[str] | str | None, otherwise: str, needed: str = "ID") -> str:
    """The columns to ask a listing for; `needed` are those without which a row means nothing."""
    if not columns:
        return otherwise
    asked = columns.split(",") if isinstance(columns, str) else several(columns, "columns")
    asked = [arguments.text(column, "a column") for column in asked]
    return ",".join(dict.fromkeys([*needed.split(","), *asked]))


def document(client: XNATClient, path: str, about: About) -> Row | None:
    """A single document (`data_fields`, `meta`, `children`); `None` when there is none."""
    try:
        return client.item(path, about=about)
    except ResourceNotFoundError:
        return None


def fields(item: Mapping[str, Any]) -> Row:
    """The data fields of a document."""
    return dict(item.get("data_fields") or {})


def require_not_remade(before: Mapping[str, Any], now: Mapping[str, Any], about: About) -> None:
    """Raise OperationError when a change has made a new object instead of changing the old one.

    That is what the server does, with success, if the object has been deleted meanwhile. `before`
    and `now` are its documents.
    """
    was, found = fields(before), fields(now)
    for key in ("ID", "xnat_imagescandata_id"):
        if key in was and was[key] != found.get(key, was[key]):
            raise OperationError(
                "set",
                f"{about[0]} {about[1]!r} has been deleted meanwhile, and the server made an empty "
                f"one instead ({found.get('label') or found.get('ID')}): delete that, unless it "
                "holds something",
            )


def listing(
    client: XNATClient, *parts: str, params: Mapping[str, Any] | None = None, about: About
) -> Iterator[Row]:
    """The rows of a list, as they arrive.

    Below a session that it does not know the server answers 500: that answer is looked into.
    Raises ResourceNotFoundError.
    """
    try:
        yield from client.iter_rows(path("data", *parts), params=params, about=about)
    except ServerError:
        if parts[0] == "experiments":
            session = ("session", parts[1])
            if document(client, path("data", *parts[:2]), session) is None:
                raise ResourceNotFoundError(*session) from None
        raise


def delete(client: XNATClient, path: str, about: About, *, remove_files: bool) -> None:
    """Delete an object, and look that it is gone. Raises OperationError when it is still there."""
    params = {"removeFiles": "true" if remove_files else None}
    ask_and_see(
        lambda: client.delete(path, params=params, about=about),
        lambda: document(client, path, about) is None,
        longest=LONGEST_WAIT,
    )
    if look_until(lambda: document(client, path, about), lambda found: found is None) is not None:
        raise OperationError(
            "delete", f"the server reported success, but {about[0]} {about[1]!r} is still there"
        )


def first(limit: int | None, items: Iterable[T]) -> list[T]:
    """The first `limit` items; `None` means all, 0 means none. Raises ArgumentError."""
    most = arguments.limit(limit)
    found = list(items)
    return found if most is None else found[:most]


def written(value: object) -> str:
    """A value as the server is sent it. Raises ArgumentError for None and what is no one value."""
    if value is None:
        raise ArgumentError("value must be text, not None: '' empties a field", "value")
    value = arguments.field_value(value, "value")
    return str(value).lower() if isinstance(value, bool) else str(value)


def same(stored: Any, wanted: Any, *, exactly: bool = False) -> bool:
    """Whether the server stored what was sent. It may write numbers and dates differently.

    With `exactly`, a text that it stored is not read as a number: `1.1` is not the visit `1.10`.
    """
    one, other = _plain(stored), _plain(wanted)
    if one == other or (exactly and isinstance(stored, str)):
        return one == other
    return _number(one) == _number(other) is not None


def _plain(value: Any) -> str:
    text = "" if value is None else str(value).strip()
    if _TIME.fullmatch(text):
        return text.partition(".")[0]
    month, slash, rest = text.partition("/")
    day, other, year = rest.partition("/")
    if slash and other and (month + day + year).isdigit() and len(year) == 4:
        return f"{year}-{int(month):02}-{int(day):02}"
    return text


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
