"""One server over pooled connections: a request goes out as it was written, an answer comes in.

Retries, logins and the meaning of statuses are above this layer.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookiejar import Cookie, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, cast
from urllib.request import Request as CookieRequest

import requests
from requests.cookies import RequestsCookieJar, extract_cookies_to_jar, get_cookie_header
from requests.utils import resolve_proxies

from xnat_core import __version__
from xnat_core.errors import ArgumentError, AuthenticationError, ConfigurationError, XNATCtlError
from xnat_core.http.connections import Adapter
from xnat_core.http.failures import TROUBLE, failure, not_sendable
from xnat_core.http.gate import Gate
from xnat_core.http.retries import Failure
from xnat_core.http.sending import BodyFailed, Outgoing
from xnat_core.http.streams import Stream
from xnat_core.presence import exists
from xnat_core.redaction import redact
from xnat_core.urls import origin
from xnat_core.user_paths import expanded

if TYPE_CHECKING:
    from xnat_core.bodies import Body

CONNECT_SECONDS = 20.0
USER_AGENT = f"xnatctl/{__version__}"
_log = logging.getLogger("xnatctl.http")
_OURS = frozenset({"JSESSIONID", "SESSION_EXPIRATION_TIME"})


@dataclass
class Wire:
    """A request ready to be sent, several times if need be.

    `reading`: seconds until the answer begins, `idle`: without a byte of it. `basic`: to log in.
    `listing`: rows are read as they come, and whoever reads them acts on them meanwhile.
    """

    prepared: requests.PreparedRequest
    stream: bool
    reading: float
    idle: float
    basic: tuple[str, str] | None = None
    rewindable: bool = True
    listing: bool = False


class Transport:
    """The connections to one server.

    `verify` is a switch or the path of a file or directory of certificates. Raises
    ConfigurationError when that path does not exist. `most` is how many connections all processes
    of this user may have; then each request has its own, because an idle one counts as well.
    """

    def __init__(
        self, server: str, *, pool_size: int, verify: bool | str, most: int | None = None
    ) -> None:
        self.server = server
        self._gate = None if most is None else Gate(server, most)
        self._verify = _certificates(verify)
        # No `requests.Session`: it would add what `.netrc` says, read the bodies of redirects, and
        # prepare to follow them.
        self._cookies = RequestsCookieJar(_OnlyOthers())
        # Twice: a worker that reads a stream may ask something else meanwhile.
        self._adapter = Adapter(pool_connections=4, pool_maxsize=2 * pool_size)
        self._proxies: dict[object, dict[str, str]] = {}

    def send(self, wire: Wire, token: str | None) -> Stream:
        """Make one attempt; the answer's body has been read unless it is streamed.

        Raises Failure when there is no answer, and what the body raised.
        """
        begin = time.perf_counter()
        request = wire.prepared.copy()
        self._dress(request, wire, token)
        try:
            response = self._send_in_turn(request, wire)
        except Failure as error:
            _tell(request, str(error), begin)
            raise
        _tell(request, response.status_code, begin)
        return response

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Have a place at the server, for requests of this thread one after the other."""
        leave = self._gate.enter() if self._gate else None
        try:
            yield
        finally:
            if leave:
                leave()

    def _send_in_turn(self, request: requests.PreparedRequest, wire: Wire) -> Stream:
        if self._gate is None:
            return self._send(request, wire)
        request.headers["Connection"] = "close"
        leave = self._gate.enter()
        try:
            response = self._send(request, wire)
            if wire.listing:
                # Who acts on its rows must not wait for a place that the listing has; servers call
                # its type what they like.
                response.keep()
        except BaseException:
            leave()
            raise
        if wire.stream and not response.is_kept:
            response.until_read(leave)
        else:
            leave()
        return response

    def _send(self, request: requests.PreparedRequest, wire: Wire) -> Stream:
        connecting = min(CONNECT_SECONDS, wire.reading)
        try:
            response = self._adapter.send(
                request,
                stream=True,
                timeout=(connecting, wire.reading),
                verify=self._verify,
                proxies=self._proxies_for(request),
            )
        except BodyFailed as error:
            raise error.__cause__ or error from None
        except TROUBLE as error:
            raise failure(error, self.server, connecting, wire.reading) from error
        assert isinstance(response, Stream)
        _keep_cookies(self._cookies, request, response.raw)
        response.expect(self.server, wire.idle)
        if not wire.stream:
            _read_whole(response)
        return response

    def _proxies_for(self, request: requests.PreparedRequest) -> dict[str, str]:
        # Asked once: reading the environment would be a third of the work of a small request.
        where = origin(request.url or "")
        if where not in self._proxies:
            self._proxies[where] = resolve_proxies(request, {})
        return self._proxies[where]

    def _dress(self, request: requests.PreparedRequest, wire: Wire, token: str | None) -> None:
        body = request.body
        seek: Callable[[int], object] | None = getattr(body, "seek", None)
        position = _start_of(wire.prepared)
        if seek is not None and isinstance(position, int):
            seek(position)
        if wire.basic is not None:
            try:
                user, password = (text.encode() for text in wire.basic)
            except UnicodeEncodeError:
                reason = "the user name or the password is no text in UTF-8"
                raise AuthenticationError(self.server, reason) from None
            request.prepare_auth((user, password))
        sticky = _cookies_for(self._cookies, request)
        ours = f"JSESSIONID={token}" if token else None
        given = request.headers.get("Cookie")
        cookies = "; ".join(str(cookie) for cookie in (given, sticky, ours) if cookie)
        if cookies:
            request.headers["Cookie"] = cookies

    def close(self) -> None:
        """Close all connections."""
        self._adapter.close()


def _tell(request: requests.PreparedRequest, outcome: object, begin: float) -> None:
    if _log.isEnabledFor(logging.DEBUG):
        taken = (time.perf_counter() - begin) * 1000
        _log.debug("%s %s: %s, %.0f ms", request.method, redact(request.url or ""), outcome, taken)


class _OnlyOthers(DefaultCookiePolicy):
    """Keeps what load balancers set to find the same machine again; the login is placed by hand."""

    def set_ok(self, cookie: Cookie, request: CookieRequest) -> bool:
        return cookie.name.upper() not in _OURS and super().set_ok(cookie, request)


def wire(
    method: str,
    url: str,
    headers: Mapping[str, str] | None,
    reading: float,
    idle: float,
    stream: bool,
    *,
    body: Body | None = None,
    **content: Any,
) -> Wire:
    """Write a request. `url` goes out exactly as it is; `content` is what `requests` takes.

    Not by a session, so that neither `.netrc` nor old cookies can get in.
    """
    _check(body, content)
    prepared = _prepare(method, url, headers, **content)
    if body is not None:
        prepared.headers.setdefault("Content-Type", body.content_type)
        if body.length is not None:
            prepared.headers["Content-Length"] = str(body.length)
        else:
            prepared.headers.pop("Content-Length", None)
            prepared.headers["Transfer-Encoding"] = "chunked"
        prepared.body = cast(Any, Outgoing(body))
    sent = prepared.body
    again = body is not None or sent is None or isinstance(sent, (bytes, str))
    rewindable = again or isinstance(_start_of(prepared), int)
    return Wire(prepared, stream, reading, idle, rewindable=rewindable)


def _check(body: Body | None, content: Mapping[str, Any]) -> None:
    """Raises ArgumentError for more than one body, of which one would win, and for what is none."""
    given = [name for name in ("data", "json", "files") if content.get(name) is not None]
    if (body is not None and given) or ("json" in given and len(given) > 1):
        raise ArgumentError("one of json, data and body is needed, not several of them", "body")
    if body is not None and not hasattr(body, "content_type"):
        raise ArgumentError(f"body cannot be {type(body).__name__}: give that as data", "body")
    data = content.get("data")
    if data is not None and not (isinstance(data, Iterable) or hasattr(data, "read")):
        raise ArgumentError(f"data must be bytes, text or a file, not {data!r}", "data")


def _prepare(
    method: str, url: str, headers: Mapping[str, str] | None, **content: Any
) -> requests.PreparedRequest:
    everything = {"User-Agent": USER_AGENT, "Accept": "*/*", **(headers or {})}
    try:
        prepared = requests.Request(method, url, headers=everything, **content).prepare()
    except (*TROUBLE, TypeError) as error:
        raise not_sendable(error) from None
    # The library turns `%2E` into a dot, and a server then takes what follows for a file type.
    prepared.url = url
    return prepared


def _start_of(prepared: requests.PreparedRequest) -> object:
    """Where a file to be sent stood when the request was written; no number if it cannot seek."""
    return getattr(prepared, "_body_position", None)


_cookies_for: Callable[..., str | None] = get_cookie_header
_keep_cookies: Callable[..., None] = extract_cookies_to_jar


def _read_whole(response: Stream) -> None:
    try:
        response.content  # noqa: B018 - kept by the response
    except XNATCtlError as error:
        response.close()
        raise Failure(error) from error


def _certificates(verify: bool | str) -> bool | str:
    name = "ca_bundle"
    if verify is True:
        # As requests reads them; only where nobody turned the check off.
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            if given := os.environ.get(name):
                verify = given
                break
    if isinstance(verify, str):
        path = expanded(verify)
        if not exists(path):
            raise ConfigurationError(f"{name}: {path} does not exist", name, str(path))
        return str(path)
    return verify
