"""Requests of one server: logged in, repeated where that does no harm, in errors of our own."""

from __future__ import annotations

import os
import threading
from collections.abc import Collection, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypedDict
from weakref import WeakSet

from xnat_core import arguments
from xnat_core.archive_forms import ArchiveForms
from xnat_core.errors import ArgumentError, ValidationError
from xnat_core.login import Authenticator
from xnat_core.urls import Params, below, request_target, server_url, with_reason
from xnat_core.validation import DEFAULT_TIMEOUT, LONGEST_TIMEOUT

if TYPE_CHECKING:
    from requests import Response
    from typing_extensions import Self, Unpack

    from xnat_core.bodies import Body
    from xnat_core.http.call import Call
    from xnat_core.http.conversation import Conversation

IDLE_SECONDS = 300.0


class ReadOptions(TypedDict, total=False):
    """What all requests can be told.

    `accept`: statuses of failure to return all the same. `about`: kind and name of the object, for
    errors. `idle`: seconds without a byte of the answer.
    """

    accept: Collection[int]
    about: tuple[str, str] | None
    idle: float | None


class ChangeOptions(ReadOptions, total=False):
    """What requests that change something can be told.

    `repeatable`: making the request twice does no harm, so that it is repeated when the answer was
    lost.
    """

    repeatable: bool


class SendOptions(ChangeOptions, total=False):
    """What requests with a body can be told. `body`: one that is streamed."""

    body: Body | None


class Requesting:
    """The requests of a client; see `XNATClient`."""

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
        ca_bundle: str | Path | None = None,
        max_connections: int | None = None,
        reason: str | None = None,
    ) -> None:
        self.base_url = server_url(base_url)
        self.timeout = arguments.seconds(timeout, "timeout")
        self.max_retries = arguments.count(max_retries, "max_retries", 0)
        bundle = os.fspath(ca_bundle) if isinstance(ca_bundle, Path) else ca_bundle
        bundle = arguments.setting_text(bundle, "ca_bundle")
        # Nothing but a clear no turns it off: an unset setting is None or empty.
        self._verify: bool | str = False if verify_ssl is False else bundle or True
        self._pool_size = arguments.count(pool_size, "pool_size")
        self._max_connections = max_connections
        if max_connections is not None:
            self._max_connections = arguments.count(max_connections, "max_connections")
        self._reason = arguments.setting_text(reason, "reason")
        self.archive_forms = ArchiveForms()
        """What the server has turned out to make of archives."""
        arguments.setting_text(username, "username")
        arguments.setting_text(password, "password")
        arguments.setting_text(session_token, "session_token")
        self._authenticator = authenticator or Authenticator(
            self.base_url, username, password, token=session_token, renewable=auto_reauth
        )
        self._lock = threading.RLock()
        self._talk: Conversation | None = None
        _clients.add(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.base_url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def get(
        self,
        path: str,
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        stream: bool = False,
        **how: Unpack[ReadOptions],
    ) -> Response:
        """GET. `path` is built by `xnat_core.urls.path`, or typed by a person.

        `timeout`: seconds until the answer begins. With `stream` the body is left to be read. See
        `ReadOptions` for the rest.
        """
        sent: _Sent = {"params": params, "headers": headers, "timeout": timeout}
        return self.request("GET", path, stream=stream, **sent, **how)

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
        **how: Unpack[SendOptions],
    ) -> Response:
        """POST, with one of `json`, `data`, `files` as `requests` takes them, or a streamed `body`.

        `timeout`: how many seconds the server may work before it answers. See `SendOptions`.
        """
        sent: _Sent = {"params": params, "headers": headers, "timeout": timeout}
        return self.request("POST", path, json=json, data=data, files=files, **sent, **how)

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
        **how: Unpack[SendOptions],
    ) -> Response:
        """PUT; see `post`."""
        sent: _Sent = {"params": params, "headers": headers, "timeout": timeout}
        return self.request("PUT", path, json=json, data=data, files=files, **sent, **how)

    def delete(
        self,
        path: str,
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **how: Unpack[ChangeOptions],
    ) -> Response:
        """DELETE; see `post`."""
        sent: _Sent = {"params": params, "headers": headers, "timeout": timeout}
        return self.request("DELETE", path, **sent, **how)

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

    def close(self) -> None:
        """End a session that is nobody else's, and close the connections."""
        if self._talk is not None:
            self._talk.close()

    def _begin_again(self) -> None:
        """Be a client of its own in a process that was forked.

        Over the sockets that both have, one would read the answers to the other.
        """
        self._lock = threading.RLock()
        self._talk = None
        self._authenticator.begin_again()

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
        from xnat_core.http.call import READING, Call
        from xnat_core.http.transport import wire

        timeout, idle = _patience(timeout, "timeout"), _patience(idle, "idle")
        if headers is not None:
            arguments.mapping(headers, "headers")
        if not isinstance(accept, Collection):
            raise ArgumentError(f"accept must be a set of statuses, not {accept!r}", "accept")
        method = method.upper()
        reads = method in READING
        target = request_target(below(self.base_url, path), params)
        if self._reason and not reads:
            target = with_reason(target, self._reason)
        if method == "DELETE" and target.partition("?")[0].endswith("/"):
            raise ValidationError(f"cannot delete {path!r}: its last part is empty", "path", path)
        url = self.base_url + target
        silence = min(self.timeout, IDLE_SECONDS)
        request = wire(
            method,
            url,
            headers,
            timeout or (silence if reads else self.timeout),
            idle or silence,
            stream,
            **content,
        )
        request.listing = stream and wants_json
        return Call(
            method,
            url,
            target.partition("?")[0],
            request,
            repeatable=reads,
            accept=accept,
            about=about,
            wants_json=wants_json,
        )


class _Sent(TypedDict):
    params: Params | None
    headers: Mapping[str, str] | None
    timeout: float | None


def _patience(given: float | None, name: str) -> float | None:
    """Seconds to wait for an answer. Whoever has more than a month waits for a month."""
    if given is None:
        return None
    too_long = isinstance(given, (int, float)) and given > LONGEST_TIMEOUT
    return LONGEST_TIMEOUT if too_long else arguments.seconds(given, name)


_clients: WeakSet[Requesting] = WeakSet()


def _after_fork() -> None:
    for client in list(_clients):
        client._begin_again()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_after_fork)
