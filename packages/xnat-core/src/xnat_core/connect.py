"""From the words of a command line to a client that is ready to log in."""

from __future__ import annotations

from xnat_core.auth import AuthManager
from xnat_core.client import XNATClient
from xnat_core.login import Authenticator, Prompt
from xnat_core.targets import Target


def connect(
    target: Target,
    *,
    workers: int = 4,
    prompt: Prompt | None = None,
    max_connections: int | None = None,
    reason: str | None = None,
) -> XNATClient:
    """Return a client for that server; it shares its login with other processes by the cache.

    Nothing is sent before the first request. `prompt` asks for a password when none is known, and
    answers None where nobody can be asked. `max_connections` and `reason` win over those of the
    profile.
    """
    profile = target.profile
    return XNATClient(
        target.url,
        timeout=profile.timeout,
        verify_ssl=profile.verify_ssl,
        ca_bundle=profile.ca_bundle,
        pool_size=workers,
        max_connections=max_connections or profile.max_connections,
        reason=reason or profile.reason,
        authenticator=Authenticator(
            target.url,
            target.username,
            target.password,
            token=target.token,
            cache=AuthManager(),
            profile=target.profile_name,
            words=target.words,
            prompt=prompt,
        ),
    )
