"""What the token commands share: from the server's object to a record without its secret."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from xnat_core.models import Token
from xnat_core.records import Record


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
    return datetime.fromtimestamp(milliseconds // 1000, timezone.utc).isoformat()
