"""Remembering that a password was refused, without keeping it.

Servers lock an account after some failures. One process tries once; but a hundred jobs of a cluster
with the same old password are a hundred failures, unless each learns from the one before.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping
from typing import Any

SECONDS = 600
_ROUNDS = 100_000


def refusal(password: str) -> dict[str, Any]:
    """Return what to keep about a password that was refused just now."""
    salt = secrets.token_hex(16)
    return {"at": time.time(), "salt": salt, "digest": _digest(password, salt)}


def is_refused(kept: Mapping[str, Any], password: str) -> bool:
    """Whether that is the password that was refused, in the last ten minutes."""
    try:
        recent = 0 <= time.time() - float(kept["at"]) < SECONDS
        return recent and hmac.compare_digest(
            str(kept["digest"]), _digest(password, str(kept["salt"]))
        )
    except (KeyError, TypeError, ValueError):
        return False


def _digest(password: str, salt: str) -> str:
    return hashlib.pbkdf2_hmac("sha256", password.encode(), salt.encode(), _ROUNDS).hex()
