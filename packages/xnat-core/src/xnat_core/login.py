"""Logging in, once: across the threads of a process and across the processes of a pipeline."""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from xnat_core.auth import AuthManager, LoginsUnread
from xnat_core.cached_session import MINUTES, CachedSession
from xnat_core.errors import AuthenticationError, SessionExpiredError

Prompt = Callable[[str], str | None]
_MARGIN = 30
"""A cached session that ends within so many seconds counts as ended."""
_TOUCH_EVERY = 60.0
"""Seconds between two notes in the cache that a session is in use."""


@dataclass(frozen=True)
class Login:
    """What the server gave: the JSESSIONID, and how many seconds it lives unused."""

    token: str = field(repr=False)
    lifetime: float = MINUTES * 60


class WrongPassword(AuthenticationError):
    """The server knows no such user with such a password, or has locked the account."""


class NotAnswered(AuthenticationError):
    """Something else answered the login: a page of maintenance or of a gateway, for example."""


class Door(Protocol):
    """How to log in at the server; the client is one."""

    def log_in(self, username: str, password: str) -> Login:
        """Log in. Raises WrongPassword, NotAnswered, or AuthenticationError for other refusals."""

    def is_alive(self, token: str) -> bool:
        """Whether the server knows the session, as a user and not as a guest.

        Raises NetworkError when it could not be asked.
        """

    def log_out(self, token: str) -> None:
        """End the session at the server; never raises."""

    def turn(self) -> AbstractContextManager[None]:
        """Have a place at the server for what is said to it meanwhile."""


class Authenticator:
    """The token that requests carry, and the only place where one is got.

    `token` is a ready JSESSIONID, above everything else. Without `cache` the session belongs to
    this process and ends with it. `prompt` asks for a password, and answers None where nobody is
    there. `words` are the options by which 'xnat-auth login' gets the same server and user.
    `renewable=False`: a session that the server rejects is not replaced.

    A rejected password is never sent twice: servers lock the account after a number of failures.

    Order of locking: a place at the server (`Door.turn`) first, then the lock, also where a
    password will be typed. A thread that reads an answer has a place already, and may need the lock
    to renew the login; the other way round the two would wait for each other.
    """

    def __init__(
        self,
        url: str,
        username: str | None = None,
        password: str | None = None,
        *,
        token: str | None = None,
        cache: AuthManager | None = None,
        profile: str | None = None,
        words: str | None = None,
        prompt: Prompt | None = None,
        renewable: bool = True,
    ) -> None:
        self._url = url
        self._username = username
        self._password = password
        self._token = token or None
        """The session in use. An empty text is what scripts make of a variable that is not set."""
        self._given = self._token
        """The session that was handed in; nobody knows whose it is."""
        self._cache = cache
        self._profile = profile
        self._words = words or f"--url {url}"
        self._prompt = prompt
        self._renewable = renewable
        self._private = False
        """The session is in no cache, and so has to be ended with this process."""
        self._own = False
        """The session was got here by a login."""
        self._refused: AuthenticationError | None = None
        """Why this login must not be tried again."""
        self._unread: LoginsUnread | None = None
        self._touched = 0.0
        """When the cache was last told that the session is in use."""
        self._lifetime = MINUTES * 60.0
        self._lock = threading.RLock()

    @property
    def has_token(self) -> bool:
        """Whether there is a session to send; the server may have ended it."""
        return self._token is not None

    @property
    def has_logged_in(self) -> bool:
        """Whether the session was got here, and not found: its user is known for certain."""
        return self._own

    @property
    def lifetime(self) -> float:
        """How many seconds a session lives unused, as the server said last."""
        return self._lifetime

    @property
    def username(self) -> str | None:
        """The user to log in as, where one is known."""
        return self._username

    def token(self, door: Door) -> str | None:
        """Return the token for a request; None for a request as nobody.

        Logs in when a user is known and no session is. Raises AuthenticationError when that fails,
        SessionExpiredError when a session has ended and there is nothing to renew it with: on a
        site that is open to everybody, going on would silently show less.
        """
        if self._token is not None:
            return self._token
        with door.turn(), self._lock:
            if self._token is not None:
                return self._token
            cached = self._find()
            if cached is not None and not cached.is_expired(_MARGIN):
                return self._adopt(cached)
            if self._username is None and self._password is None:
                self._username = self._last_user()
            if self._username is not None and self._password is not None:
                return self._get(door, None)
            if cached is not None:
                # Past its time by our clock; the server may keep it for longer.
                if door.is_alive(cached.token):
                    return self._adopt(cached)
                self._username = cached.username
            if self._username is not None and self._prompt is not None:
                return self._get(door, None)
            if cached is not None:
                raise SessionExpiredError(self._url, f"the login has expired: {self._remedy()}")
            if self._username is not None:
                raise AuthenticationError(
                    self._url, f"no password for user {self._username!r}: {self._remedy()}"
                )
            if self._unread is not None:
                raise self._unread
            return None

    def renew(self, door: Door, rejected: str | None) -> str:
        """Return the token to try instead of the one that the server has just rejected.

        The same one, where the server knows it after all. One thread logs in, the others wait and
        take its token; so do other processes with the same cache. Raises AuthenticationError when
        there is no way to log in, or it was refused.
        """
        with door.turn(), self._lock:
            if self._token is not None and self._token != rejected:
                return self._token
            if rejected is not None and door.is_alive(rejected):
                return rejected
            if rejected is not None and not self._renewable:
                raise SessionExpiredError(self._url, "the session has ended")
            return self._get(door, rejected)

    def log_in(self, door: Door) -> str:
        """Log in now, whatever session there is, and return the token.

        Tries a password, too, that another tool was refused with.
        """
        with door.turn(), self._lock:
            return self._log_in(door)

    def used(self, lifetime: float | None) -> None:
        """Note that the server has accepted the token; `lifetime` (seconds) as the server said."""
        now = time.monotonic()
        news = lifetime is not None and lifetime != self._lifetime
        self._lifetime = lifetime or self._lifetime
        if self._cache is None or (now - self._touched < _TOUCH_EVERY and not news):
            return
        self._touched = now
        token = self._token
        if token is not None and token != self._given:
            self._cache.touch(token, self._lifetime)

    def forget(self, door: Door) -> bool:
        """End the session, here, in the cache and at the server; False when there was none."""
        with door.turn(), self._lock:
            token, self._token = self._token, None
            cached = self._find()
            token = token or (cached.token if cached else None)
            self._given = None
            if self._cache is not None and self._profile is not None:
                self._cache.forget_user(self._url, self._profile)
            if token is None:
                return False
            if self._cache is not None:
                self._cache.forget(token)
            door.log_out(token)
            return True

    def close(self, door: Door) -> None:
        """End a session that nobody else can use."""
        # A login that hangs must not keep the process from ending.
        if not self._lock.acquire(timeout=1):
            return
        try:
            token = self._token if self._private else None
            if self._private:
                self._token, self._private = None, False
        finally:
            self._lock.release()
        # The lock has been let go of: logging out waits for a place at the server.
        if token is not None:
            door.log_out(token)

    def begin_again(self) -> None:
        """Go on in a process that was forked: with the session, which the other one will end."""
        self._lock = threading.RLock()
        self._private = False

    # --- inside the lock ----------------------------------------------------------------------

    def _find(self) -> CachedSession | None:
        # The session that was handed in may be another user's than the cached one.
        if self._cache is None or (self._given is not None and self._username is None):
            return None
        try:
            found, self._unread = self._cache.find(self._url, self._username, self._profile), None
        except LoginsUnread as error:
            # Who has a password needs no other login.
            found, self._unread = None, error
        return found

    def _last_user(self) -> str | None:
        """Who logged in last and has not logged out since, even if that session has ended.

        On a site that is open to everybody, going on as a guest would silently show less.
        """
        if self._cache is None or self._profile is None:
            return None
        return self._cache.last_user(self._url, self._profile)

    def _adopt(self, cached: CachedSession) -> str:
        self._username = self._username or cached.username
        self._token = cached.token
        self._lifetime = cached.lifetime
        self._touched = time.monotonic() - cached.unused_for()
        self._private = self._own = False
        return cached.token

    def _get(self, door: Door, rejected: str | None) -> str:
        if self._cache is None:
            return self._log_in(door)
        with self._cache.lock():
            cached = self._find()
            if cached is not None and cached.token != rejected and not cached.is_expired(_MARGIN):
                return self._adopt(cached)
            self._recall_refusal()
            return self._log_in(door)

    def _recall_refusal(self) -> None:
        """Take note if another tool has just been refused with the same password."""
        user, password = self._username, self._password
        if self._cache is None or user is None or password is None or self._refused is not None:
            return
        if self._cache.was_refused(self._url, user, password):
            self._refused = AuthenticationError(
                self._url,
                f"the password of user {user!r} was refused a moment ago, and too many attempts "
                f"lock the account; {self._remedy()} to try it again",
            )

    def _log_in(self, door: Door) -> str:
        if self._refused is not None:
            # A copy: the error itself would keep the trace of each time that it was raised.
            raise copy.copy(self._refused)
        try:
            username, password = self._credentials()
            login = door.log_in(username, password)
        except WrongPassword as error:
            if self._cache is not None:
                self._cache.note_refusal(self._url, username, password)
            self._refused = _plain(error)
            raise self._refused from None
        except NotAnswered as error:
            # This says nothing of the password, and will pass: it may be tried again.
            raise _plain(error) from None
        except AuthenticationError as error:
            self._refused = error
            raise
        self._token = login.token
        self._own = True
        self._lifetime = login.lifetime
        self._touched = time.monotonic()
        self._private = not self._keep(login, username)
        return login.token

    def _keep(self, login: Login, username: str) -> bool:
        """Put the login into the cache; False when it could not be written there."""
        if self._cache is None:
            return False
        self._cache.save_session(
            login.token, self._url, username, login.lifetime / 60, profile=self._profile
        )
        return self._cache.kept(login.token)

    def _credentials(self) -> tuple[str, str]:
        if self._username is None:
            raise AuthenticationError(self._url, f"a login is needed: {self._remedy()}")
        if self._password is not None:
            return self._username, self._password
        answer = (
            self._prompt(f"Password of {self._username} at {self._url}: ") if self._prompt else None
        )
        if not answer:
            raise SessionExpiredError(
                self._url, f"no password for user {self._username!r}: {self._remedy()}"
            )
        # Kept even if the login is not answered: the next object would ask for it once more.
        self._password = answer
        return self._username, answer

    def _remedy(self) -> str:
        if self._given is not None:
            return "the session given (XNAT_TOKEN) has ended, and there are no credentials"
        return f"run 'xnat-auth login {self._words}'"


def _plain(error: AuthenticationError) -> AuthenticationError:
    plain = AuthenticationError(error.url, error.reason)
    plain.details = error.details
    return plain
