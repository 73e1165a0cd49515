"""At most so many connections to one server, over all processes of a user.

Each connection holds one of N leases, in a folder of the cache directory; machines that share the
home directory share the limit. A lease of a process that was killed ends by itself.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import threading
from collections.abc import Callable

from xnat_core.errors import ConfigurationError
from xnat_core.leases import Lease, take_one
from xnat_core.user_paths import cache_dir

_SECONDS = 30.0
_thread = threading.local()
_held: set[contextlib.ExitStack | None] = set()


class Gate:
    """The way to one server. Raises ConfigurationError where there is no place for the leases."""

    def __init__(self, server: str, most: int) -> None:
        name = hashlib.sha256(server.encode()).hexdigest()[:16]
        self._folder = cache_dir() / "connections" / name
        self._most = most

    def enter(self) -> Callable[[], None]:
        """Wait for a place and return what gives it back, which may be called more than once.

        A thread that has one already, by whatever client, passes: waiting for itself would never
        end.
        """
        mine: dict[object, contextlib.ExitStack] = vars(_thread).setdefault("places", {})
        # What is held is not by a process that was forked meanwhile.
        key = os.getpid(), self._folder
        if mine.get(key) in _held:
            return lambda: None
        place = mine[key] = contextlib.ExitStack()
        place.enter_context(self._free_lease().kept())
        _held.add(place)

        def leave() -> None:
            _held.discard(place)
            place.close()

        return leave

    def _free_lease(self) -> Lease:
        places = [Lease(self._folder / f"{n:04d}", _SECONDS) for n in range(self._most)]
        try:
            lease = take_one(places, math.inf)
        except OSError as error:
            raise ConfigurationError(
                f"--max-connections needs {self._folder}: {error.strerror}"
            ) from error
        assert lease is not None, "who waits for ever gets one"
        return lease
