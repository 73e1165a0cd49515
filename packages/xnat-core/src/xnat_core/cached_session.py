"""A login that outlives its process: one entry of the cache."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

MINUTES = 15


@dataclass(frozen=True)
class CachedSession:
    """A login: `token` is the JSESSIONID. Times are UTC; no `expires_at` is a login without end.

    `lifetime` is how many seconds the server keeps an unused session; each use starts it anew.
    """

    token: str = field(repr=False)
    url: str
    username: str
    created_at: datetime
    expires_at: datetime | None = None
    lifetime: float = MINUTES * 60

    def is_expired(self, margin: float = 0) -> bool:
        """Whether the session ends within `margin` seconds.

        True, too, when the last use lies in the future: the clock was set back, and how long ago
        that use was can no longer be told.
        """
        if self.expires_at is None:
            return False
        left = (as_utc(self.expires_at) - utc_now()).total_seconds()
        return not margin < left <= self.lifetime + 60

    def unused_for(self) -> float:
        """Return the seconds since the last use that was noted."""
        if self.expires_at is None:
            return 0.0
        return self.lifetime - (as_utc(self.expires_at) - utc_now()).total_seconds()

    def to_dict(self) -> dict[str, Any]:
        """Return a mapping for JSON, times in ISO 8601."""
        return {
            "token": self.token,
            "url": self.url,
            "username": self.username,
            "created_at": self.created_at.isoformat(),
            "expires_at": self.expires_at.isoformat() if self.expires_at else None,
            "lifetime": self.lifetime,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> CachedSession:
        """Read such a mapping. Raises KeyError, TypeError or ValueError for any other."""
        expires = data.get("expires_at")
        return cls(
            token=_word(data["token"]),
            url=_word(data["url"]),
            username=_word(data["username"]),
            created_at=as_utc(datetime.fromisoformat(data["created_at"])),
            expires_at=as_utc(datetime.fromisoformat(expires)) if expires else None,
            lifetime=float(data.get("lifetime", MINUTES * 60)),
        )


def _word(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("not a text")
    return value


def utc_now() -> datetime:
    """The present, with its zone."""
    return datetime.now(timezone.utc)


def as_utc(time: datetime) -> datetime:
    """A time that was written without a zone is one of UTC."""
    return time.replace(tzinfo=timezone.utc) if time.tzinfo is None else time
