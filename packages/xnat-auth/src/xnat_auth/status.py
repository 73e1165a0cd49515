"""What is configured and cached, without asking the server.

Usage:
  xnat-auth status [options]

'xnat-auth test' asks the server.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from xnat_core.auth import AuthManager
from xnat_core.job import Job
from xnat_core.records import Record


def work(job: Job) -> Iterator[Record]:
    """Yield one record; of secrets it says only whether they are set."""
    target = job.target
    session = AuthManager().find(target.url, target.username, target.profile_name)
    yield {
        "kind": "status",
        "server": target.url,
        "url": target.url,
        "profile": target.profile_name,
        "env_username": os.environ.get("XNAT_USER") or None,
        "env_password": _set("XNAT_PASS"),
        "env_token": _set("XNAT_TOKEN"),
        "session_cached": session is not None,
        "session_username": session.username if session else None,
        "session_created": session.created_at.isoformat() if session else None,
        "session_expires": session.expires_at.isoformat()
        if session and session.expires_at
        else None,
        "session_expired": session.is_expired() if session else None,
    }


def _set(name: str) -> str:
    return "set" if os.environ.get(name) else "not set"
