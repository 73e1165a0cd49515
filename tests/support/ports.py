"""Ports for servers that cannot choose one by themselves."""

from __future__ import annotations

import contextlib
import secrets
import socket

# Below those that the system gives to connections, among them what other tests open meanwhile.
_NEVER_GIVEN = range(20_000, 32_000)
_given: set[int] = set()


def free_port() -> int:
    """A port on which nothing listens, and another one each time: a server may need two."""
    for port in secrets.SystemRandom().sample(_NEVER_GIVEN, 100):
        if port in _given:
            continue
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            _given.add(port)
            return port
    raise OSError("no port is free")
