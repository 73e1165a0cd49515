"""The client of one server: requests that log in and repeat; lists, objects, streams."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

from xnat_core.client.reading import Reading
from xnat_core.client.requesting import IDLE_SECONDS
from xnat_core.errors import (
    DOUBT,
    AuthenticationError,
    ClientRequestError,
    NetworkError,
    ResourceNotFoundError,
    ServerError,
    XNATCtlError,
)
from xnat_core.urls import path

if TYPE_CHECKING:
    from requests import Response

__all__ = ["IDLE_SECONDS", "XNATClient"]


class XNATClient(Reading):
    """One server. Thread-safe; closes its connections, and a session of its own, at the end.
    In a process that is forked it has connections of its own, and the session of the other one.

    `timeout` is how many seconds the server may work before it answers; listings and bodies may be
    silent for 300 at most, and connecting takes 20 at most. `max_retries` counts the attempts after
    the first. Without credentials and token, requests go out as nobody's. Credentials are used to
    log in, at the first request, and for nothing else; `auto_reauth` logs in again when the session
    has ended. `authenticator` takes the place of all of these. `ca_bundle` is a file or directory
    of certificates to trust, `pool_size` the number of threads that use the client at once.
    `max_connections` holds for all processes of this user that are given it. `reason` goes into the
    history that the server keeps, with every change below `/data`.

    All methods raise errors of `xnat_core.errors` and no others.
    """

    _version: tuple[int, ...] | None = None

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
            reason=self._reason,
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

    def login_in_use(self) -> str | None:
        """The session that the next request carries; logs in where there is none yet."""
        return self._authenticator.token(self._conversation.door)

    def renew_if_ended(self, login: str | None) -> bool:
        """Whether the server no longer knows a session; then there is a new one.

        For writes that a site open to all answers with success though it took them for a guest's.
        """
        door = self._conversation.door
        if login is None or not door.is_nobody(login):
            return False
        self._authenticator.renew(door, login)
        return True

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
            response = self._ask_version()
        except (ServerError, ClientRequestError, AuthenticationError) as error:
            raise NetworkError(self.base_url, error.message) from error
        from xnat_core.http.answers import is_html

        if response.status_code == 200 and is_html(response):
            raise NetworkError(self.base_url, f"a web page instead of a version: {DOUBT}")
        if response.is_redirect and "/app/" not in response.headers["Location"]:
            # What is followed has been; this is a page to log in at, and none of XNAT.
            raise NetworkError(self.base_url, f"a log-in instead of a version: {DOUBT}")
        version = _version_in(response)
        return {
            "url": self.base_url,
            "status": "ok",
            "version": version or "unknown",
            "latency_ms": round((time.perf_counter() - begin) * 1000, 1),
        }

    def server_version(self) -> tuple[int, ...]:
        """Return the leading numbers of the version, `(1, 8, 10)`; empty when it cannot be told."""
        if self._version is None:
            found = re.match(r"\d+(?:\.\d+)*", _version_in(self._ask_version()))
            self._version = tuple(int(n) for n in found.group().split(".")) if found else ()
        return self._version

    def _own_name(self) -> str:
        try:
            return self.text("/xapi/users/username")
        except (ResourceNotFoundError, ServerError):
            # Old servers have no such route, and some fail in telling the user and in nothing else.
            about = ("path", f"{self.base_url}/data/auth")
            try:
                found = re.search(r"'([^']+)'", self.text("/data/auth", about=about))
            except ResourceNotFoundError as error:
                if DOUBT not in error.message:  # as it is where the log-in has found nothing
                    error.message += f": {DOUBT}"
                raise
            return found.group(1) if found else ""

    def _details_of(self, name: str) -> dict[str, Any]:
        try:
            found = self.json(path("xapi", "users", name))
        except XNATCtlError as error:
            if error.details.get("status_code") not in (403, 404, 500):
                raise
            return {}
        return found if isinstance(found, dict) else {}

    def _ask_version(self) -> Response:
        return self.request(
            "GET",
            "/xapi/siteConfig/buildInfo/version",
            anonymous=True,
            timeout=min(30.0, self.timeout),
            accept={401, 403, 404},
        )


def _version_in(response: Response) -> str:
    from xnat_core.http.answers import is_html

    if response.status_code != 200 or is_html(response):
        return ""
    return response.text.strip().strip('"')
