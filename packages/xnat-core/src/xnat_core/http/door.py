"""Logging in and out of one server, and asking it who we are."""

from __future__ import annotations

import contextlib
import re
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from xnat_core.errors import DOUBT, AuthenticationError, NetworkError, XNATCtlError
from xnat_core.http.answers import (
    error_of,
    is_html,
    leads_to_sign_in,
    lifetime_of,
    message_of,
    note_answer,
    redirect_of,
    refused_redirect,
)
from xnat_core.http.retries import MAYBE_DONE, TURNED_AWAY, Failure, Retries
from xnat_core.http.transport import Transport, Wire, wire
from xnat_core.login import Login, NotAnswered, WrongPassword

if TYPE_CHECKING:
    from requests import Response

_SECONDS = 60.0
_NO_SUCH_SERVICE = (404, 405, 501)
# The server, or a proxy before it, is away; some servers answer `_WHO` by 500 and are not.
_AWAY = TURNED_AWAY | MAYBE_DONE - {500}
_WHO = "/xapi/users/username"
# One word that a cookie can hold. Tomcat gives 32 digits; other servers and proxies what they like.
_TOKEN = re.compile(r"[\w.~+/=!:-]{1,200}")
# The user name of an alias token, which stands for a user and ends by itself.
_ALIAS = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_PAGE_FOR_PEOPLE = re.compile(r"/app/(?:template|action)/(\w+)")
_ONCE = Retries(0)


class ServerDoor:
    """The login service of a server."""

    def __init__(self, server: str, transport: Transport, retries: Retries) -> None:
        self._server = server
        self._transport = transport
        self._retries = retries

    def log_in(self, username: str, password: str) -> Login:
        """Log in with one attempt, and make sure that the session is that user's.

        POST /data/JSESSION, or GET where that is not offered. Raises WrongPassword, NotAnswered,
        AuthenticationError for other refusals, and ServerError or NetworkError when the server
        could not answer.
        """
        response = self._ask_for_session("POST", username, password)
        if response.status_code == 405:
            response = self._ask_for_session("GET", username, password)
        try:
            token = self._token_of(response, username)
        except AuthenticationError as error:
            note_answer(error, response, "POST", "/data/JSESSION")
            raise
        self._check_identity(token, username)
        return Login(token, lifetime_of(response) or Login("").lifetime)

    def is_alive(self, token: str) -> bool:
        """Ask the server whether the session is a user's. GET /xapi/users/username.

        Raises NetworkError where it cannot be asked, which does not mean that the session is over.
        """
        response = self._who(token, self._retries)
        if response.status_code in _AWAY:
            error = error_of(response, "GET", _WHO)
            raise NetworkError(self._server, error.message)
        return response.status_code == 200 and not _is_nobody(response)

    def is_nobody(self, token: str) -> bool:
        """Whether the server says that the session is no user's; silence is no such answer."""
        with contextlib.suppress(XNATCtlError):
            response = self._who(token)
            guest = response.status_code == 200 and response.text != "" and _is_nobody(response)
            return response.status_code == 401 or guest
        return False

    def is_open(self) -> bool:
        """Whether the server serves guests, or may: in doubt it does. GET /data/auth, as nobody."""
        request = self._wire("GET", "/data/auth")
        with contextlib.suppress(XNATCtlError, Failure):
            response = self._transport.send(request, None)
            if response.status_code in TURNED_AWAY | MAYBE_DONE:
                return True  # It has not said that it does not.
            return response.status_code == 200 and bool(response.text) and not is_html(response)
        return True

    def turn(self) -> AbstractContextManager[None]:
        """Have a place at the server for what is said to it meanwhile."""
        return self._transport.turn()

    def log_out(self, token: str) -> None:
        """End the session, as far as the server can be reached. DELETE /data/JSESSION."""
        request = self._wire("DELETE", "/data/JSESSION", reading=10.0)
        with contextlib.suppress(Failure):
            self._transport.send(request, token)

    def _ask_for_session(self, method: str, username: str, password: str) -> Response:
        request = self._wire(method, "/data/JSESSION")
        request.basic = (username, password)
        return self._retries.run(
            f"log-in at {self._server}",
            lambda: self._transport.send(request, None),
            repeatable=False,
        )

    def _token_of(self, response: Response, username: str) -> str:
        """The session that the answer to a log-in has. Raises the error that explains another."""
        status = response.status_code
        if status == 401:
            ended = "the alias token may have ended (after two days, as a rule), "
            wrong = ended if _ALIAS.fullmatch(username) else "wrong user name or password, "
            raise WrongPassword(
                self._server,
                f"log-in refused for user {username!r}: {wrong}"
                "the account is locked, or it has too many sessions open",
            )
        if status == 403:
            raise AuthenticationError(
                self._server,
                f"log-in refused for user {username!r} ({message_of(response) or 'forbidden'}): "
                "the password may have expired",
            )
        if target := redirect_of(response, f"{self._server}/data/JSESSION"):
            raise self._sent_away(target, username)
        if status >= 400:
            error = error_of(response, "POST", "/data/JSESSION", ("server", self._server))
            if status in _NO_SUCH_SERVICE:
                error.message = f"{self._server}: the log-in was answered by {status}: {DOUBT}"
            raise error
        token = response.text.partition(";")[0].strip().strip('"')
        if is_html(response) or not _TOKEN.fullmatch(token):
            raise NotAnswered(
                self._server,
                f"the log-in was answered by something else than a session: {DOUBT}",
            )
        return token

    def _sent_away(self, target: str, username: str) -> AuthenticationError:
        """The error for a log-in that is answered by a redirect."""
        found = _PAGE_FOR_PEOPLE.search(target)
        if found and not leads_to_sign_in(target):
            return AuthenticationError(
                self._server,
                f"the log-in was sent to the page {found[1]!r}: is the account of {username!r} "
                "disabled or not verified yet? A browser shows what it wants",
            )
        return NotAnswered(
            self._server, refused_redirect(self._server, "the log-in", target).reason
        )

    def _check_identity(self, token: str, username: str) -> None:
        # Asked twice, as is done with every request that is refused in spite of a session.
        for _ in range(2):
            try:
                response = self._who(token)
            except XNATCtlError:
                return
            status = response.status_code
            if status != 401 and not (status == 200 and _is_nobody(response)):
                return
        raise AuthenticationError(
            self._server, f"logged in as {username!r}, but the server takes us for a guest"
        )

    def _who(self, token: str, retries: Retries = _ONCE) -> Response:
        request = self._wire("GET", _WHO)
        return retries.run(
            f"GET {_WHO}",
            lambda: self._transport.send(request, token),
            repeatable=True,
            # Some servers fail in telling the user and in nothing else.
            accept={500},
        )

    def _wire(self, method: str, path: str, reading: float = _SECONDS) -> Wire:
        return wire(method, self._server + path, None, reading, reading, False)


def _is_nobody(response: Response) -> bool:
    name = response.text.strip().strip('"')
    return is_html(response) or name.lower() in ("", "guest", "anonymous")
