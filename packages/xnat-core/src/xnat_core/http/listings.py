"""The two envelopes of the server: `ResultSet` for lists, `items` for one object.

Routes match by prefix, so that a wrong path is answered by the parent's document, with status 200:
the shape is checked before anything in it is believed.
"""

from __future__ import annotations

import codecs
import contextlib
import re
from collections.abc import Iterable, Iterator
from typing import Any

from xnat_core.errors import AuthenticationError, ClientRequestError, NetworkError
from xnat_core.http.spellings import Row, as_texts

_RESULT = re.compile(r'"Result"\s*:\s*\[')
_ITEMS = re.compile(r'\s*\{\s*"items"\s*:')
_LONGEST_HEAD = 1 << 22
_LONGEST_ROW = 1 << 20


class Envelope:
    """Reads the answers to one operation; the errors name it and the server."""

    def __init__(self, server: str, operation: str) -> None:
        self.server = server
        self.operation = operation

    def cut_short(self) -> NetworkError:
        """The JSON does not end."""
        return NetworkError(
            self.server, f"{self.operation}: the answer was cut short or is no JSON"
        )

    def wrong(self, found: str, wanted: str) -> ClientRequestError:
        """The JSON is something else."""
        return ClientRequestError(
            self.operation, f"the server answered {found} instead of {wanted}"
        )

    def page(self) -> AuthenticationError:
        """It is no JSON at all."""
        return AuthenticationError(
            self.server,
            f"{self.operation} was answered by a web page instead of data; "
            "the log-in may have ended, or the URL is not that of XNAT itself",
        )

    def load(self, raw: bytes) -> Any:
        """Parse JSON; bytes that are no UTF-8 become replacement characters."""
        import orjson

        raw = raw.removeprefix(codecs.BOM_UTF8)
        try:
            return orjson.loads(raw)
        except orjson.JSONDecodeError:
            pass
        if raw.lstrip()[:1] == b"<":
            raise self.page()
        try:
            return orjson.loads(raw.decode("utf-8", "replace"))
        except orjson.JSONDecodeError:
            raise self.cut_short() from None

    def rows(self, raw: bytes) -> list[Row]:
        """Return the rows of a list, every value as text."""
        if not raw.strip():
            raise self.wrong("nothing", "a list")
        data = self.load(raw)
        if is_empty_list(data):
            return []
        try:
            rows = data["ResultSet"]["Result"]
            if isinstance(rows, list):
                return [as_texts(row) for row in rows]
        except (KeyError, TypeError, AttributeError):
            pass
        raise self.wrong(_name(data), "a list")

    def entries(self, raw: bytes, dotted: str) -> list[dict[str, Any]]:
        """Return the list that an answer has under names with dots between them."""
        data = found = self.load(raw)
        for name in dotted.split(".") if dotted else ():
            found = _member(found, name)
        if not isinstance(found, list):
            raise self.wrong(_name(data), "a list")
        return found

    def item(self, raw: bytes) -> dict[str, Any]:
        """Return the object of a single-item answer.

        A list of one row, as the prearchive answers, is understood, too: its row becomes the
        `data_fields`.
        """
        if not raw.strip():
            raise self.wrong("nothing", "an object")
        data = self.load(raw)
        item = _only_object(_member(data, "items"))
        if item is not None:
            if isinstance(item.get("data_fields"), dict):
                return item
            raise self.wrong("an item without fields", "an object")
        row = _only_object(_member(_member(data, "ResultSet"), "Result"))
        if row is not None:
            return {"data_fields": row, "meta": {}, "children": []}
        raise self.wrong(_name(data), "an object")

    def iter_rows(self, blocks: Iterable[bytes]) -> Iterator[Row]:
        """Yield the rows of a list while it arrives, in memory for a block and a row.

        Raises NetworkError at the end of an answer that is cut short, after the rows before.
        """
        pieces = _decoded(blocks)
        # What has arrived and where in it the next row begins.
        text, at = self._find_rows(pieces)
        many = True
        while True:
            while at < len(text) and text[at] in " \t\r\n,":
                at += 1
            if text.startswith("]", at):
                break
            # All rows of a block at once; one by one only where that fails, which is after the last
            # whole row of a block, and where a brace inside a value ends the block.
            rows, end = _rows_at(text, at) if many else ([], at)
            if not rows:
                many = False
                rows, end = _row_at(text, at)
            if rows:
                try:
                    yield from map(as_texts, rows)
                except TypeError:
                    raise self.wrong("rows that nest", "a list") from None
                at = end
                continue
            more = next(pieces, None)
            if more is None or len(text) - at > _LONGEST_ROW:
                raise self.cut_short()
            text, at, many = text[at:] + more, 0, True
        self._check_end(text[at:], pieces)

    def _find_rows(self, pieces: Iterator[str]) -> tuple[str, int]:
        text = ""
        for piece in pieces:
            text += piece
            if found := _RESULT.search(text):
                return text, found.end()
            if _ITEMS.match(text):
                raise self.wrong("an item", "a list")
            if text.lstrip().startswith("<"):
                raise self.page()
            if len(text) > _LONGEST_HEAD:
                break
        if not text.strip():
            raise self.wrong("nothing", "a list")
        # Whole JSON of another shape, or half an envelope.
        data = self.load(text.encode())
        if is_empty_list(data):
            return "]}}", 0
        raise self.wrong(_name(data), "a list")

    def _check_end(self, tail: str, pieces: Iterator[str]) -> None:
        import orjson

        for piece in pieces:
            tail += piece
            if len(tail) > _LONGEST_HEAD:
                break
        try:
            orjson.loads('{"ResultSet":{"Result":[' + tail)
        except orjson.JSONDecodeError:
            raise self.cut_short() from None


def _member(data: Any, name: str) -> Any:
    """A member of what may be an object; None where there is none."""
    return data.get(name) if isinstance(data, dict) else None


def _only_object(items: Any) -> dict[str, Any] | None:
    """The object that a list holds and nothing else; None for anything else."""
    is_one = isinstance(items, list) and len(items) == 1 and isinstance(items[0], dict)
    return items[0] if is_one else None


def is_empty_list(data: object) -> bool:
    """Whether an envelope is that of a list without rows, which some leave out or write as text.

    One that counts rows and has none is something else, and so is one without either.
    """
    result = data.get("ResultSet") if isinstance(data, dict) else None
    if not isinstance(result, dict) or result.get("Result") not in (None, "", {}, []):
        return False
    count = result.get("totalRecords", "0" if "Result" in result else None)
    return str(count) == "0"


def _rows_at(text: str, at: int) -> tuple[list[dict[str, Any]], int]:
    """All rows that begin there, and where the last one ends; none when they cannot be told."""
    import orjson

    end = text.rfind("}", at) + 1
    with contextlib.suppress(orjson.JSONDecodeError):
        rows = orjson.loads(f"[{text[at:end]}]")
        if all(isinstance(row, dict) for row in rows):
            return rows, end
    return [], at


def _row_at(text: str, at: int) -> tuple[list[dict[str, Any]], int]:
    """The row that begins there, and where it ends; none when it is not all there yet."""
    import orjson

    end = text.find("}", at)
    while end >= 0:
        # Rows are flat: a brace inside a value is the only reason for a second attempt.
        with contextlib.suppress(orjson.JSONDecodeError):
            row = orjson.loads(text[at : end + 1])
            return ([row], end + 1) if isinstance(row, dict) else ([], at)
        end = text.find("}", end + 1)
    return [], at


def _decoded(blocks: Iterable[bytes]) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    for block in blocks:
        yield decoder.decode(block)
    yield decoder.decode(b"", final=True)


def _name(data: object) -> str:
    if not isinstance(data, dict):
        return "something else"
    if "items" in data:
        return "an item"
    return "a list without rows" if "ResultSet" in data else "an object"
