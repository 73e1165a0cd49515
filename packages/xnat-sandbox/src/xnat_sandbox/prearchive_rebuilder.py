"""The background task that builds sessions to which no more files come."""

from __future__ import annotations

import contextlib
import threading
import time

from .direct_archive import DirectLifecycle, StillReceiving
from .direct_table import DirectArchive
from .prearchive_lifecycle import Lifecycle
from .prearchive_table import Locked, Prearchive
from .settings import Settings
from .staged_session import StagedSession

LOOK_AT_CLOCK = 0.2


class Rebuilder:
    """Looks every `rebuild_repeat` seconds for sessions idle for `rebuild_idle` seconds."""

    def __init__(
        self,
        settings: Settings,
        prearchive: Prearchive,
        lifecycle: Lifecycle,
        direct: DirectArchive,
        direct_lifecycle: DirectLifecycle,
    ) -> None:
        self._settings = settings
        self._prearchive = prearchive
        self._lifecycle = lifecycle
        self._direct = direct
        self._direct_lifecycle = direct_lifecycle
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rebuilder", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopping.set()
        self._thread.join()

    def look(self) -> None:
        """Queue whatever is due."""
        idle = self._settings.rebuild_idle
        for session in self._prearchive.with_status("RECEIVING"):
            if is_automatic(session) and self._prearchive.idle_seconds(session) >= idle:
                self._queue(session)
        for row in self._direct.all():
            if row.status == "RECEIVING" and self._direct.idle_seconds(row) >= idle:
                # A large file may take longer to arrive than a session may rest.
                with contextlib.suppress(StillReceiving):
                    self._direct_lifecycle.trigger(row)

    def _queue(self, session: StagedSession) -> None:
        def settle() -> None:
            self._lifecycle.settle(session)

        try:
            self._lifecycle.later(session, "BUILDING", settle)
        except Locked:
            return

    def _run(self) -> None:
        due = time.monotonic()
        # The setting may change while the server runs, so the wait is short even where it is long.
        while not self._stopping.wait(min(self._settings.rebuild_repeat, LOOK_AT_CLOCK)):
            if time.monotonic() - due >= self._settings.rebuild_repeat:
                due = time.monotonic()
                self.look()


def is_automatic(session: StagedSession) -> bool:
    """Whether the session is built by itself: an uploader's waits for its commit."""
    return not session.prevent_auto_commit and session.source != "uploader"
