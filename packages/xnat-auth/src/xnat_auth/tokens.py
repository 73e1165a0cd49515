"""What the token commands share: the tokens of a user, and their records without the secrets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from xnat_core.errors import ServerError
from xnat_core.models import Token
from xnat_core.records import Record
from xnat_core.urls import path

if TYPE_CHECKING:
    from xnat_core.client import XNATClient


def tokens_of(client: XNATClient, user: str | None = None) -> list[dict[str, Any]]:
    """The tokens that are alive, as the server writes them. Raises ServerError for no list."""
    where = path("data", "services", "tokens", "show", *(("user", user) if user else ()))
    found = client.get_json(where)
    if not isinstance(found, list) or not all(isinstance(token, dict) for token in found):
        raise ServerError("GET", f"{where}: answered without a list of tokens")
    return found


def end(client: XNATClient, alias: str) -> None:
    """End a token. Raises ResourceNotFoundError, ServerError when it is not said to have ended."""
    where = path("data", "services", "tokens", "invalidate", alias)
    answer = client.json(where, about=("token", alias))
    if not isinstance(answer, dict) or answer.get("result") != "OK":
        raise ServerError("GET", f"{where}: the server does not say that the token has ended")


def record_of(token: Mapping[str, Any], server: str) -> Record:
    """The record of a token."""
    public = {key: value for key, value in token.items() if key not in ("secret", "id")}
    model = Token.from_row(
        public,
        created_at=_time(token.get("created")),
        expires_at=_time(token.get("estimatedExpirationTime")),
    )
    return model.to_record(server)


def _time(milliseconds: Any) -> str | None:
    if not isinstance(milliseconds, (int, float)):
        return None
    try:
        return datetime.fromtimestamp(milliseconds // 1000, timezone.utc).isoformat()
    except (ValueError, OverflowError, OSError):
        return None  # No year has so many: the server told of no time.
