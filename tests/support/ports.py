"""Ports for servers that cannot choose one by themselves."""

from __future__ import annotations

import contextlib
import secrets
import socket

# Below those that the system gives to connections, among them what other tests open meanwhile.
_NEVER_GIVEN = range(20_000, 32_000)


def free_port() -> int:
    """A port on which nothing listens."""
    for port in secrets.SystemRandom().sample(_NEVER_GIVEN, 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("no port is free")
