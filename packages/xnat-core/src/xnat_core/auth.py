"""Logins that outlive a process: one cache file, keyed by server and user.

The file is JSON, mode 0600, replaced at once. What cannot be read, locked or written counts as no
cache: tools then log in for themselves.
"""

from __future__ import annotations

import contextlib
import errno
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xnat_core.arguments import text
from xnat_core.cached_session import MINUTES, CachedSession, as_utc, utc_now
from xnat_core.errors import AuthenticationError, ConfigurationError
from xnat_core.leases import Lease
from xnat_core.private_files import make_private_dir, write_private
from xnat_core.urls import same_server
from xnat_core.user_paths import session_file

if TYPE_CHECKING:
    from filelock import BaseFileLock as FileLock

_LOCK_SECONDS = 60.0
_LEASE_SECONDS = 30.0
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP)
_FORGOTTEN_AFTER = timedelta(days=30)


@dataclass
class _Content:
    """What the file holds.

    `users` remembers as whom each profile logged in last, `refusals` the last wrong password of
    each user. `trouble` is why all that cannot be told: it must not be replaced then.
    """

    sessions: list[CachedSession] = field(default_factory=list)
    users: dict[str, str] = field(default_factory=dict)
    refusals: dict[str, Any] = field(default_factory=dict)
    trouble: str = ""


class LoginsUnread(AuthenticationError):
    """The disk does not give the file: whether there is a login is not known."""


class AuthManager:
    """Credentials of the environment, and the cache of logins."""

    def __init__(self, cache_file: Path | str | None = None) -> None:
        self._path = Path(cache_file) if cache_file is not None else _default_file()
        self._lock: FileLock | None = None
        self._depth = threading.local()
        self._unusable = self._path is None

    # --- the environment ----------------------------------------------------------------------

    def get_credentials(self) -> tuple[str | None, str | None]:
        """Return XNAT_USER and XNAT_PASS."""
        return os.environ.get("XNAT_USER") or None, os.environ.get("XNAT_PASS") or None

    def get_token_from_env(self) -> str | None:
        """Return XNAT_TOKEN."""
        return os.environ.get("XNAT_TOKEN") or None

    # --- the cache ----------------------------------------------------------------------------

    def save_session(
        self,
        token: str,
        url: str,
        username: str,
        expiry_minutes: float = MINUTES,
        *,
        profile: str | None = None,
    ) -> CachedSession:
        """Keep a login, in place of one of the same user at the same server, and return it.

        `profile` will find it again without a user name. `kept` tells whether it is in the file.
        """
        now = utc_now()
        session = CachedSession(
            text(token, "token"),
            url,
            username,
            now,
            now + timedelta(minutes=expiry_minutes),
            expiry_minutes * 60,
        )
        with self.lock() as locked:
            if not locked:
                return session
            content = self._read()
            others = [s for s in content.sessions if not _is_of(s, url, username)]
            users = content.users | ({_key(profile, url): username} if profile else {})
            content.refusals.pop(_key(username, url), None)
            self._write(replace(content, sessions=[*others, session], users=users))
        return session

    def kept(self, token: str) -> bool:
        """Whether that login is in the file, so that it should outlive this process."""
        return any(session.token == token for session in self._read().sessions)

    def find(
        self, url: str, username: str | None = None, profile: str | None = None
    ) -> CachedSession | None:
        """Return the login, expired or not, of that user at that server.

        Without a user name: the one that this profile used last; without a profile either, the only
        login there is for the server. Never somebody else's. Raises LoginsUnread.
        """
        content = self._read()
        if content.trouble:
            raise LoginsUnread(url, f"{self._path}: cannot be read: {content.trouble}")
        there = [session for session in content.sessions if same_server(session.url, url)]
        if username is None and profile is not None:
            username = content.users.get(_key(profile, url))
            if username is None:
                return None
        if username is None:
            return there[0] if len(there) == 1 else None
        return next((session for session in there if session.username == username), None)

    def last_user(self, url: str, profile: str) -> str | None:
        """As whom that profile logged in last, unless it has logged out since."""
        return self._read().users.get(_key(profile, url))

    def touch(self, token: str, lifetime: float) -> None:
        """Note that the session has just been used, and lives `lifetime` seconds from now."""
        with self.lock(timeout=0.5) as locked:
            content = self._read()
            if not locked or not any(session.token == token for session in content.sessions):
                return
            expires = utc_now() + timedelta(seconds=lifetime)
            self._write(
                replace(
                    content,
                    sessions=[
                        replace(session, expires_at=expires, lifetime=lifetime)
                        if session.token == token
                        else session
                        for session in content.sessions
                    ],
                )
            )

    def note_refusal(self, url: str, username: str, password: str) -> None:
        """Remember that the server refused this password; see `xnat_core.refusals`."""
        from xnat_core.refusals import refusal

        with self.lock() as locked:
            content = self._read()
            if locked:
                content.refusals[_key(username, url)] = refusal(password)
                self._write(content)

    def was_refused(self, url: str, username: str, password: str) -> bool:
        """Whether the server refused this password to any tool a moment ago."""
        from xnat_core.refusals import is_refused

        kept = self._read().refusals.get(_key(username, url))
        return isinstance(kept, dict) and is_refused(kept, password)

    def forget(self, token: str) -> None:
        """Drop that one login."""
        with self.lock() as locked:
            content = self._read()
            left = [session for session in content.sessions if session.token != token]
            if locked and len(left) != len(content.sessions):
                self._write(replace(content, sessions=left))

    def forget_user(self, url: str, profile: str) -> None:
        """Drop as whom that profile logged in last."""
        with self.lock() as locked:
            content = self._read()
            if locked and content.users.pop(_key(profile, url), None) is not None:
                self._write(content)

    def load_session(self, url: str | None = None) -> CachedSession | None:
        """Return the newest valid login, at that server if one is named."""
        valid = [
            session
            for session in self._read().sessions
            if (url is None or same_server(session.url, url)) and not session.is_expired()
        ]
        return max(valid, key=lambda session: as_utc(session.created_at), default=None)

    def clear_session(self, url: str | None = None) -> bool:
        """Drop all logins, or those at one server; False when there were none."""
        with self.lock() as locked:
            content = self._read()
            left = [s for s in content.sessions if url is not None and not same_server(s.url, url)]
            users = {
                key: user
                for key, user in content.users.items()
                if url is not None and not same_server(key.rpartition(" ")[2], url)
            }
            # Who logged in last is known for longer than the login itself.
            if not locked or (left, users) == (content.sessions, content.users):
                return False
            written = self._write(replace(content, sessions=left, users=users))
            return written and len(left) != len(content.sessions)

    def has_valid_session(self, url: str | None = None) -> bool:
        """Whether there is a login that has not expired."""
        return self.load_session(url) is not None

    def get_session_token(self, url: str | None = None) -> str | None:
        """Return XNAT_TOKEN, else the token of the newest valid login."""
        session = self.load_session(url)
        return self.get_token_from_env() or (session.token if session else None)

    def get_session_info(self, url: str | None = None) -> dict[str, Any] | None:
        """Return url, username, created_at, expires_at and is_expired of the newest login."""
        there = [s for s in self._read().sessions if url is None or same_server(s.url, url)]
        session = max(there, key=lambda session: as_utc(session.created_at), default=None)
        if session is None:
            return None
        facts = session.to_dict() | {"is_expired": session.is_expired()}
        return {k: facts[k] for k in ("url", "username", "created_at", "expires_at", "is_expired")}

    @contextlib.contextmanager
    def lock(self, timeout: float = _LOCK_SECONDS) -> Iterator[bool]:
        """Hold the cache against other processes, hosts and threads; reentrant within a thread.

        A lock keeps the processes of this host in order, and a lease those of other hosts with the
        same home directory, where locks may hold for one host only or not at all. Yields False
        when neither can be had within `timeout` seconds (a read-only home directory, a process
        that hangs): go on without.
        """
        if getattr(self._depth, "held", False):
            yield True
            return
        with contextlib.ExitStack() as held:
            locked = self._take(held, timeout)
            self._depth.held = locked
            try:
                yield locked
            finally:
                self._depth.held = False

    def _take(self, held: contextlib.ExitStack, timeout: float) -> bool:
        from filelock import Timeout

        if self._path is None or self._unusable:
            return False
        end = time.monotonic() + timeout
        try:
            make_private_dir(self._path.parent)
            with contextlib.suppress(NotImplementedError):
                self._take_lock(held, timeout)
            lease = Lease(self._path.with_name(f"{self._path.name}.lease"), _LEASE_SECONDS)
            if lease.wait(max(0.0, end - time.monotonic())):
                held.enter_context(lease.kept())
                return True
        except (OSError, Timeout):
            pass
        # After a full wait this process does not wait again; a short one proves nothing.
        self._unusable = timeout >= _LOCK_SECONDS
        return False

    def _take_lock(self, held: contextlib.ExitStack, timeout: float) -> None:
        """Raises Timeout, NotImplementedError where there are no locks."""
        import filelock

        if self._lock is None:
            self._lock = filelock.FileLock(f"{self._path}.lock", mode=0o600)
        try:
            held.enter_context(self._lock.acquire(timeout=timeout))
        except filelock.Timeout:
            raise
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            raise NotImplementedError from error

    # --- the file -----------------------------------------------------------------------------

    def _read(self) -> _Content:
        import orjson

        if self._path is None:
            return _Content()
        try:
            data = orjson.loads(self._path.read_bytes())
            entries = data["sessions"]
            users = {str(key): str(user) for key, user in data.get("users", {}).items()}
            refusals = dict(data.get("refusals", {}))
        except OSError as error:
            # A file of another owner is nobody's here, and makes place.
            nothing = isinstance(error, FileNotFoundError | NotADirectoryError | PermissionError)
            return _Content(trouble="" if nothing else str(error.strerror))
        except (ValueError, TypeError, KeyError, AttributeError):
            return _Content()
        sessions = []
        for entry in entries if isinstance(entries, list) else ():
            with contextlib.suppress(KeyError, TypeError, ValueError, AttributeError):
                sessions.append(CachedSession.from_dict(entry))
        return _Content(sessions, users, refusals)

    def _write(self, content: _Content) -> bool:
        import orjson

        if self._path is None or content.trouble:
            return False
        # Sessions that are in use must stay: on a site that is open to everybody, the lack of one
        # would silently show a guest's rows.
        oldest = utc_now() - _FORGOTTEN_AFTER
        fresh = [s for s in content.sessions if as_utc(s.expires_at or s.created_at) > oldest]
        data = {
            "sessions": [session.to_dict() for session in fresh],
            "users": content.users,
            "refusals": content.refusals,
        }
        try:
            write_private(self._path, orjson.dumps(data, option=orjson.OPT_INDENT_2))
        except OSError:
            return False
        return True


def _default_file() -> Path | None:
    try:
        return session_file()
    except ConfigurationError:
        return None


def _is_of(session: CachedSession, url: str, username: str) -> bool:
    return same_server(session.url, url) and session.username == username


def _key(name: str, url: str) -> str:
    return f"{name} {url}"
