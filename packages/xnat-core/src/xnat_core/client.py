"""The client of one server: requests that log in and repeat; lists, objects, streams."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from xnat_core.errors import (
    AuthenticationError,
    ClientRequestError,
    NetworkError,
    ResourceNotFoundError,
    ServerError,
    ValidationError,
    XNATCtlError,
)
from xnat_core.login import Authenticator
from xnat_core.urls import Params, path, request_target, server_url
from xnat_core.validation import DEFAULT_TIMEOUT

if TYPE_CHECKING:
    from requests import Response

    from xnat_core.bodies import Body
    from xnat_core.http.conversation import Call, Conversation
    from xnat_core.http.listings import Envelope, Row
    from xnat_core.http.streams import Stream

IDLE_SECONDS = 300.0


class XNATClient:
    """One server. Thread-safe; closes its connections, and a session of its own, at the end.

    `timeout` is how many seconds the server may work before it answers; listings and bodies may be
    silent for 300 at most, and connecting takes 20 at most. `max_retries` counts the attempts after
    the first. Without credentials and token, requests go out as nobody's. Credentials are used to
    log in, at the first request, and for nothing else; `auto_reauth` logs in again when the session
    has ended. `authenticator` takes the place of all of these. `ca_bundle` is a file or directory
    of certificates to trust, `pool_size` the number of threads that use the client at once.
    `max_connections` holds for all processes of this user that are given it.

    All methods raise errors of `xnat_core.errors` and no others.
    """

    def __init__(
        self,
        base_url: str,
        username: str | None = None,
        password: str | None = None,
        session_token: str | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        max_retries: int = 3,
        verify_ssl: bool = True,
        auto_reauth: bool = False,
        *,
        authenticator: Authenticator | None = None,
        pool_size: int = 4,
        ca_bundle: str | None = None,
        max_connections: int | None = None,
    ) -> None:
        self.base_url = server_url(base_url)
        self.timeout = timeout
        self.max_retries = max_retries
        self._verify: bool | str = (ca_bundle or True) if verify_ssl else False
        self._pool_size = pool_size
        self._max_connections = max_connections
        self._authenticator = authenticator or Authenticator(
            self.base_url, username, password, token=session_token, renewable=auto_reauth
        )
        self._lock = threading.RLock()
        self._talk: Conversation | None = None
        self._version: tuple[int, ...] | None = None

    def __enter__(self) -> XNATClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # --- requests -----------------------------------------------------------------------------

    def get(
        self,
        path: str,
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        stream: bool = False,
        accept: Collection[int] = (),
        about: tuple[str, str] | None = None,
        idle: float | None = None,
    ) -> Response:
        """GET. `path` is built by `xnat_core.urls.path`, or typed by a person.

        `accept`: statuses of failure to return all the same. `about`: kind and name of the object,
        for errors. `timeout`: seconds until the answer begins; `idle`: seconds without a byte of
        it. With `stream` the body is left to be read.
        """
        return self.request(
            "GET",
            path,
            params=params,
            headers=headers,
            timeout=timeout,
            idle=idle,
            stream=stream,
            accept=accept,
            about=about,
        )

    def post(
        self,
        path: str,
        *,
        params: Params | None = None,
        json: Any = None,
        data: Any = None,
        files: Any = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        body: Body | None = None,
        repeatable: bool = False,
        accept: Collection[int] = (),
        about: tuple[str, str] | None = None,
        idle: float | None = None,
    ) -> Response:
        """POST, with one of `json`, `data`, `files` as `requests` takes them, or a streamed `body`.

        `timeout`: how many seconds the server may work before it answers. `repeatable`: making the
        request twice does no harm, so that it is repeated when the answer was lost.
        """
        return self.request(
            "POST",
            path,
            params=params,
            json=json,
            data=data,
            files=files,
            headers=headers,
            timeout=timeout,
            idle=idle,
            body=body,
            repeatable=repeatable,
            accept=accept,
            about=about,
        )

    def put(
        self,
        path: str,
        *,
        params: Params | None = None,
        json: Any = None,
        data: Any = None,
        files: Any = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        body: Body | None = None,
        repeatable: bool = False,
        accept: Collection[int] = (),
        about: tuple[str, str] | None = None,
        idle: float | None = None,
    ) -> Response:
        """PUT; see `post`."""
        return self.request(
            "PUT",
            path,
            params=params,
            json=json,
            data=data,
            files=files,
            headers=headers,
            timeout=timeout,
            idle=idle,
            body=body,
            repeatable=repeatable,
            accept=accept,
            about=about,
        )

    def delete(
        self,
        path: str,
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        repeatable: bool = False,
        accept: Collection[int] = (),
        about: tuple[str, str] | None = None,
    ) -> Response:
        """DELETE; see `post`."""
        return self.request(
            "DELETE",
            path,
            params=params,
            headers=headers,
            timeout=timeout,
            repeatable=repeatable,
            accept=accept,
            about=about,
        )

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        json: Any = None,
        data: Any = None,
        files: Any = None,
        body: Body | None = None,
        stream: bool = False,
        repeatable: bool = False,
        accept: Collection[int] = (),
        about: tuple[str, str] | None = None,
        idle: float | None = None,
        anonymous: bool = False,
    ) -> Response:
        """Make a request; see `get` and `post`. `anonymous` sends no session and never logs in."""
        call = self._call(
            method,
            path,
            params,
            headers=headers,
            timeout=timeout,
            idle=idle,
            stream=stream,
            about=about,
            accept=accept,
            json=json,
            data=data,
            files=files,
            body=body,
        )
        call.repeatable = call.repeatable or repeatable
        call.anonymous = anonymous
        return self._conversation.ask(call)

    # --- what the server sends ----------------------------------------------------------------

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
        """Return a plain text, without the blanks and quotes around it."""
        response = self.get(path, params=params, about=about, timeout=timeout)
        return response.content.decode("utf-8", "replace").strip().strip('"')

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
        see was taken out of it.
        """
        seen: set[int] = set()
        offset = 0
        while True:
            pairs = [*_pairs(params), ("offset", offset), ("limit", page_size)]
            entries = _member(self.get_json(path, params=pairs), result_key)
            new = [entry for entry in entries if _key(entry) not in seen]
            seen.update(_key(entry) for entry in new)
            yield from new
            if not new or len(entries) > page_size:
                return
            offset += page_size

    # --- login --------------------------------------------------------------------------------

    def as_user(self, username: str, password: str | None) -> XNATClient:
        """Return another client of this server, with the same settings, for another user."""
        client = XNATClient(
            self.base_url,
            username,
            password,
            timeout=self.timeout,
            max_retries=self.max_retries,
            auto_reauth=True,
            pool_size=self._pool_size,
            max_connections=self._max_connections,
        )
        client._verify = self._verify
        return client

    @property
    def is_authenticated(self) -> bool:
        """Whether requests carry a session; only the server knows whether it has ended."""
        return self._authenticator.has_token

    def authenticate(self) -> str:
        """Log in now and return the session token. Raises AuthenticationError."""
        return self._authenticator.log_in(self._conversation.door)

    def invalidate_session(self) -> bool:
        """End the session, here, in the cache and at the server; False when there was none."""
        return self._authenticator.forget(self._conversation.door)

    def whoami(self) -> dict[str, Any]:
        """Return username, firstname, lastname, email and enabled of the logged-in user.

        GET /xapi/users/username, else /data/auth; details from /xapi/users/{name}, None where they
        may not be read. Raises AuthenticationError for a guest.
        """
        name = self._own_name()
        if not name or name.lower() == "guest":
            raise AuthenticationError(self.base_url, "not logged in")
        known = self._authenticator.username
        if known and known.lower() == name.lower():
            name = known
        details = self._details_of(name)
        return {
            "username": name,
            "firstname": details.get("firstName"),
            "lastname": details.get("lastName"),
            "email": details.get("email"),
            "enabled": details.get("enabled"),
        }

    def ping(self) -> dict[str, Any]:
        """Return url, status, version and latency_ms. Raises NetworkError.

        GET /xapi/siteConfig/buildInfo/version, which needs no login and makes none.
        """
        begin = time.perf_counter()
        try:
            version = self._version_text()
        except (ServerError, ClientRequestError, AuthenticationError) as error:
            raise NetworkError(self.base_url, error.message) from error
        return {
            "url": self.base_url,
            "status": "ok",
            "version": version or "unknown",
            "latency_ms": round((time.perf_counter() - begin) * 1000, 1),
        }

    def server_version(self) -> tuple[int, ...]:
        """Return the leading numbers of the version, `(1, 8, 10)`; empty when it cannot be told."""
        if self._version is None:
            found = re.match(r"\d+(?:\.\d+)*", self._version_text())
            self._version = tuple(int(n) for n in found.group().split(".")) if found else ()
        return self._version

    def close(self) -> None:
        """End a session that is nobody else's, and close the connections."""
        if self._talk is not None:
            self._talk.close()

    # --- inside -------------------------------------------------------------------------------

    @property
    def _conversation(self) -> Conversation:
        from xnat_core.http.conversation import Conversation
        from xnat_core.http.retries import Retries
        from xnat_core.http.transport import Transport

        with self._lock:
            if self._talk is None:
                transport = Transport(
                    self.base_url,
                    pool_size=self._pool_size,
                    verify=self._verify,
                    most=self._max_connections,
                )
                retries = Retries(self.max_retries)
                self._talk = Conversation(self.base_url, transport, retries, self._authenticator)
            return self._talk

    def _call(
        self,
        method: str,
        path: str,
        params: Params | None,
        *,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        idle: float | None = None,
        stream: bool = False,
        about: tuple[str, str] | None = None,
        accept: Collection[int] = (),
        wants_json: bool = False,
        **content: Any,
    ) -> Call:
        from xnat_core.http.conversation import READING, Call
        from xnat_core.http.transport import wire

        method = method.upper()
        reads = method in READING
        target = request_target(_below(self.base_url, path), params)
        if method == "DELETE" and target.partition("?")[0].endswith("/"):
            raise ValidationError(f"cannot delete {path!r}: its last part is empty", "path", path)
        url = self.base_url + target
        silence = min(self.timeout, IDLE_SECONDS)
        return Call(
            method,
            url,
            target.partition("?")[0],
            wire(
                method,
                url,
                headers,
                timeout or (silence if reads else self.timeout),
                idle or silence,
                stream,
                **content,
            ),
            repeatable=reads,
            accept=accept,
            about=about,
            wants_json=wants_json,
        )

    def _json_call(self, path: str, params: Params | None, **how: Any) -> Call:
        pairs = _pairs(params)
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

    def _own_name(self) -> str:
        try:
            return self.text("/xapi/users/username")
        except ResourceNotFoundError:
            found = re.search(r"'([^']+)'", self.text("/data/auth"))
            return found.group(1) if found else ""

    def _details_of(self, name: str) -> dict[str, Any]:
        try:
            found = self.json(path("xapi", "users", name))
        except XNATCtlError as error:
            if error.details.get("status_code") not in (403, 404, 500):
                raise
            return {}
        return found if isinstance(found, dict) else {}

    def _version_text(self) -> str:
        response = self.request(
            "GET",
            "/xapi/siteConfig/buildInfo/version",
            anonymous=True,
            timeout=min(30.0, self.timeout),
            accept={401, 403, 404},
        )
        from xnat_core.http.answers import is_html

        if response.status_code != 200 or is_html(response):
            return ""
        return response.text.strip().strip('"')


def _below(base_url: str, written: str) -> str:
    """A path as given, or that of a whole URL, which must be of this server."""
    if not written.startswith(("http://", "https://")):
        return written
    split = urlsplit(written)
    prefix = urlsplit(base_url).path
    there = server_url(f"{split.scheme}://{split.netloc}{prefix}")
    if there != base_url or not split.path.startswith(prefix):
        raise AuthenticationError(base_url, f"{there} is another server")
    return split.path.removeprefix(prefix) + (f"?{split.query}" if split.query else "")


def _pairs(params: Params | None) -> list[tuple[str, object]]:
    if not params:
        return []
    return list(params.items() if isinstance(params, Mapping) else params)


def _member(data: Any, dotted: str) -> list[dict[str, Any]]:
    for name in dotted.split(".") if dotted else ():
        data = data.get(name) if isinstance(data, dict) else None
    return data if isinstance(data, list) else []


def _key(entry: dict[str, Any]) -> int:
    import orjson

    return hash(orjson.dumps(entry.get("ID") or entry, option=orjson.OPT_SORT_KEYS))
