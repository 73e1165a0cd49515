"""At most so many connections to one server, over all processes of a user.

Each connection holds one of N leases, in a folder of the cache directory; machines that share the
home directory share the limit. A lease of a process that was killed ends by itself.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import threading
import time
from collections.abc import Callable

from xnat_core.errors import ConfigurationError
from xnat_core.leases import Lease
from xnat_core.parallel import check_stop
from xnat_core.user_paths import cache_dir

_PAUSE = 0.05
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
        while True:
            check_stop()
            for number in random.sample(range(self._most), self._most):
                lease = Lease(self._folder / f"{number:04d}", _SECONDS)
                try:
                    if lease.take():
                        return lease
                except OSError as error:
                    raise ConfigurationError(
                        f"--max-connections needs {self._folder}: {error.strerror}"
                    ) from error
            time.sleep(_PAUSE * random.uniform(0.5, 1.5))
