"""What one server sends: lists, objects, texts, streams, pages."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from xnat_core.arguments import count
from xnat_core.client.requesting import Requesting
from xnat_core.urls import Params, below, pairs_of

if TYPE_CHECKING:
    from requests import Response

    from xnat_core.http.call import Call
    from xnat_core.http.listings import Envelope
    from xnat_core.http.spellings import Row
    from xnat_core.http.streams import Stream


class Reading(Requesting):
    """The answers that a client reads; see `XNATClient`."""

    def rows(
        self,
        path: str,
        params: Params | None = None,
        *,
        about: tuple[str, str] | None = None,
        timeout: float | None = None,
        empty_ok: bool = False,
    ) -> list[Row]:
        """Return the rows of a list (`ResultSet.Result`), every value as text.

        Raises ClientRequestError when the server answers something else: a path without a route is
        answered by the parent's document. So it does for an empty body unless `empty_ok`.
        """
        response, envelope = self._ask(path, params, about, timeout)
        if empty_ok and not response.content.strip():
            return []
        return envelope.rows(response.content)

    def iter_rows(
        self,
        path: str,
        params: Params | None = None,
        *,
        about: tuple[str, str] | None = None,
        timeout: float | None = None,
    ) -> Iterator[Row]:
        """Yield the rows of a list as they arrive, in bounded memory; see `rows`.

        A list that breaks off raises NetworkError after the rows that came.
        """
        call = self._json_call(path, params, about=about, timeout=timeout, stream=True)
        envelope = self._envelope(call)
        with self._conversation.ask(call) as answer:
            yield from envelope.iter_rows(answer.blocks(1 << 18, unpack=True))

    def item(
        self,
        path: str,
        params: Params | None = None,
        *,
        about: tuple[str, str] | None = None,
        timeout: float | None = None,
    ) -> dict[str, Any]:
        """Return one object: `data_fields`, `children`, `meta`.

        An answer in the form of a list of one row is understood as well. Raises
        ResourceNotFoundError, or ClientRequestError when the server answers something else.
        """
        response, envelope = self._ask(path, params, about, timeout)
        return envelope.item(response.content)

    def json(
        self,
        path: str,
        params: Params | None = None,
        *,
        about: tuple[str, str] | None = None,
        timeout: float | None = None,
    ) -> Any:
        """Return the JSON that a path answers by itself, as `/xapi` does."""
        call = self._call("GET", path, params, about=about, timeout=timeout, wants_json=True)
        return self._envelope(call).load(self._conversation.ask(call).content)

    def get_json(self, path: str, *, params: Params | None = None) -> Any:
        """Return the JSON of a path, asked for with `format=json` below `/data`."""
        response, envelope = self._ask(path, params)
        return envelope.load(response.content)

    def text(
        self,
        path: str,
        params: Params | None = None,
        *,
        about: tuple[str, str] | None = None,
        timeout: float | None = None,
    ) -> str:
        """Return a plain text, without the blanks and quotes around it.

        Raises AuthenticationError for a web page: a path without a route is answered by that of
        its parent.
        """
        raw = self._no_page(path, params, about, timeout)
        return raw.decode("utf-8", "replace").strip().strip('"')

    def value(self, path: str, *, about: tuple[str, str] | None = None) -> Any:
        """Return the JSON that a path answers, or what is none as text; a web page as `text`."""
        import orjson

        raw = self._no_page(path, None, about, None)
        try:
            return orjson.loads(raw)
        except orjson.JSONDecodeError:
            return raw.decode("utf-8", "replace")

    @contextmanager
    def stream(
        self,
        path: str,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        idle: float | None = None,
        accept: Collection[int] = (),
        about: tuple[str, str] | None = None,
    ) -> Iterator[Stream]:
        """GET a body that is read as it comes; `idle` seconds without a byte end it.

        Iterating over it gives blocks of 1 MiB. What is retried is the beginning: once the body
        flows, its receiver decides.
        """
        wanted = {"Accept-Encoding": "identity", **(headers or {})}
        call = self._call(
            "GET", path, params, headers=wanted, idle=idle, stream=True, accept=accept, about=about
        )
        with self._conversation.ask(call) as answer:
            yield answer

    def paginate(
        self,
        path: str,
        *,
        params: Params | None = None,
        page_size: int = 100,
        result_key: str = "ResultSet.Result",
    ) -> Iterator[dict[str, Any]]:
        """Yield the entries of a list page by page (`offset`, `limit`).

        Ends at an empty page, and at one without anything new: servers before 1.8.9, and many
        lists to this day, ignore `offset`. A short page is not the last one; what the user may not
        see was taken out of it. Pages have no order that they keep: where one repeats entries, as
        many were on none, and the whole list is read. Raises ClientRequestError for an answer
        without `result_key`.
        """
        page_size = count(page_size, "page_size")
        seen: set[int] = set()
        first: list[int] = []
        offset = 0
        while True:
            page = [("offset", offset), ("limit", page_size)]
            entries = self._entries(path, [*pairs_of(params), *page], result_key)
            keys = [_key(entry) for entry in entries]
            first = first if offset else keys
            shifts = offset > 0 and keys != first and not seen.isdisjoint(keys)
            if shifts:
                entries = self._entries(path, params, result_key)
            new = [entry for entry in entries if _key(entry) not in seen]
            seen.update(_key(entry) for entry in new)
            yield from new
            if shifts or not new or len(entries) > page_size:
                return
            offset += page_size

    def _entries(self, path: str, params: Params | None, key: str) -> list[dict[str, Any]]:
        response, envelope = self._ask(path, params)
        return envelope.entries(response.content, key)

    def _no_page(
        self,
        path: str,
        params: Params | None,
        about: tuple[str, str] | None,
        timeout: float | None,
    ) -> bytes:
        from xnat_core.http.answers import is_html

        call = self._call("GET", path, params, about=about, timeout=timeout)
        response = self._conversation.ask(call)
        if is_html(response):
            raise self._envelope(call).page()
        return response.content

    def _json_call(self, path: str, params: Params | None, **how: Any) -> Call:
        pairs = pairs_of(params)
        path = below(self.base_url, path)
        named = re.search(r"[?&]format=", path) or any(key == "format" for key, _ in pairs)
        if not named and not path.startswith("/xapi"):
            pairs.append(("format", "json"))
        return self._call("GET", path, pairs, wants_json=True, **how)

    def _ask(
        self,
        path: str,
        params: Params | None,
        about: tuple[str, str] | None = None,
        timeout: float | None = None,
    ) -> tuple[Response, Envelope]:
        call = self._json_call(path, params, about=about, timeout=timeout)
        return self._conversation.ask(call), self._envelope(call)

    def _envelope(self, call: Call) -> Envelope:
        from xnat_core.http.listings import Envelope

        return Envelope(self.base_url, call.operation)


def _key(entry: dict[str, Any]) -> int:
    import orjson

    return hash(orjson.dumps(entry.get("ID") or entry, option=orjson.OPT_SORT_KEYS))
