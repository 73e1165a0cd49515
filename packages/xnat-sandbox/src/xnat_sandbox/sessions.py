"""Server sessions: who is logged in under which cookie. They do not survive a restart."""

from __future__ import annotations

import secrets
import threading
import time
import uuid
from dataclasses import dataclass, field


@dataclass(slots=True)
class ServerSession:
    """One JSESSIONID; `login` is empty for an anonymous one."""

    id: str
    login: str
    last_used: float
    csrf: str = field(default_factory=lambda: str(uuid.uuid4()))


class Sessions:
    """All live sessions, with sliding expiry."""

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout
        self._sessions: dict[str, ServerSession] = {}
        self._lock = threading.Lock()

    def open(self, login: str) -> ServerSession:
        """A new session."""
        session = ServerSession(secrets.token_hex(16).upper(), login, time.monotonic())
        with self._lock:
            self._sessions[session.id] = session
        return session

    def use(self, id: str) -> ServerSession | None:
        """The session of that id, its life prolonged; None when unknown or expired."""
        with self._lock:
            session = self._sessions.get(id)
            if session is None:
                return None
            if self._expired(session):
                del self._sessions[id]
                return None
            session.last_used = time.monotonic()
            return session

    def close(self, id: str) -> None:
        """End one session."""
        with self._lock:
            self._sessions.pop(id, None)

    def close_all_of(self, login: str) -> list[str]:
        """End every session of a user; answers their ids."""
        ended = [session.id for session in self.of(login)]
        for id in ended:
            self.close(id)
        return ended

    def expire_all(self) -> None:
        """Make every session as dead as if its time had run out."""
        with self._lock:
            self._sessions.clear()

    def of(self, login: str) -> list[ServerSession]:
        """The live sessions of a user."""
        with self._lock:
            return [
                session
                for session in self._sessions.values()
                if session.login == login and not self._expired(session)
            ]

    def by_login(self) -> dict[str, list[ServerSession]]:
        """The live sessions of everybody who is logged in."""
        with self._lock:
            alive = [s for s in self._sessions.values() if s.login and not self._expired(s)]
        grouped: dict[str, list[ServerSession]] = {}
        for session in alive:
            grouped.setdefault(session.login, []).append(session)
        return grouped

    def _expired(self, session: ServerSession) -> bool:
        return time.monotonic() - session.last_used > self.timeout
