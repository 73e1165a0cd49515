"""Direct archiving to its end: say that all has come, and see what becomes of it."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

from xnat_core import lagging
from xnat_core.errors import OperationError, ResourceNotFoundError, ServerError
from xnat_core.imports.answers import Landing
from xnat_core.imports.holdings import archived_session
from xnat_core.models import PrearchiveEntry, Session
from xnat_core.new_subjects import first_alone
from xnat_core.parallel import rest
from xnat_core.prearchive import Prearchive
from xnat_core.prearchive_looking import FIRST_LOOK, LONGEST_PAUSE
from xnat_core.prearchive_rows import RECEIVING
from xnat_core.urls import path

if TYPE_CHECKING:
    from xnat_core.client import XNATClient

ASK_AGAIN = 10.0
"""Seconds after which a row that still receives is asked to be archived again."""
_LOOKS_AFTER_THE_ROW = 5
_MOST_REQUESTS = 5


class Gone(OperationError):
    """Data that were on their way into the archive are neither there nor in the prearchive."""


class StillArchiving(OperationError):
    """Patience has ended before the server was done; nothing has failed."""


class DirectArchive:
    """The rows of data that are written straight into the archive, since 1.8.4."""

    def __init__(self, client: XNATClient) -> None:
        self.client = client

    def row(self, project: str, study: str, session: str) -> dict[str, Any] | None:
        """The row as it is now (`status`, …); None when there is none."""
        try:
            row = self.client.json(path("xapi", "direct-archive", project, study, session))
        except ResourceNotFoundError:
            return None
        return row if isinstance(row, dict) else None

    def finish(
        self, landing: Landing, timeout: float, subject: str | None = None
    ) -> Session | PrearchiveEntry:
        """Have a row built and archived; returns the session, or the row that it fell back to.

        `subject` is the one that it is archived for, if known: see `new_subjects`. Raises
        StillArchiving after `timeout` seconds, Gone when it is nowhere.
        """
        with first_alone(self.client, landing.project, subject) as archived:
            begin = time.monotonic()
            self._trigger(landing, begin + timeout)
            found = self._watch(landing, timeout, begin, ask=True)
            if isinstance(found, Session):
                archived()
        return found

    def wait(self, landing: Landing, timeout: float) -> Session | PrearchiveEntry:
        """Look until a row is archived or back in the prearchive; see `finish`."""
        return self._watch(landing, timeout, time.monotonic(), ask=False)

    def _watch(
        self, landing: Landing, timeout: float, begin: float, *, ask: bool
    ) -> Session | PrearchiveEntry:
        asked = time.monotonic()
        pause, gone = FIRST_LOOK, math.inf
        looks = _LOOKS_AFTER_THE_ROW
        while looks > 0 or time.monotonic() < gone + lagging.PATIENCE:
            row = self.row(landing.project, landing.study, landing.name)
            if row is None:
                found = self._arrived(landing)
                if found is not None:
                    return found
                gone = min(gone, time.monotonic())
                looks -= 1
            elif ask and row.get("status") == RECEIVING and time.monotonic() > asked + ASK_AGAIN:
                # The request never reached the server, whatever has answered it.
                self._ask(landing)
                asked = time.monotonic()
            left = begin + timeout - time.monotonic()
            if left <= 0:
                raise StillArchiving(
                    "archive", f"{landing.project}/{landing.name} takes more than {timeout:g} s"
                )
            rest(min(pause, left))
            pause = min(LONGEST_PAUSE, pause * 1.5)
        raise Gone("archive", f"{landing.uri} has ended and left no session {landing.name}")

    def _trigger(self, landing: Landing, deadline: float) -> None:
        """Ask for it to be archived now; the server refuses while a file is still being written.

        One that keeps refusing is left to `_watch`: what nobody fills any longer it archives by
        itself.
        """
        pause = FIRST_LOOK
        for _ in range(_MOST_REQUESTS):
            if self._ask(landing):
                return
            row = self.row(landing.project, landing.study, landing.name)
            if row is None or row.get("status") != RECEIVING:
                return
            rest(min(pause, deadline - time.monotonic()))
            pause = min(LONGEST_PAUSE, pause * 1.5)

    def _ask(self, landing: Landing) -> bool:
        """Ask once; returns whether the server refuses no more."""
        where = path("xapi", "direct-archive", landing.project, landing.study, landing.name)
        try:
            # Twice does no harm: what is being archived refuses to be archived again.
            self.client.post(where, repeatable=True, about=("session", landing.name))
        except ResourceNotFoundError:
            return True
        except ServerError:
            return False
        return True

    def _arrived(self, landing: Landing) -> Session | PrearchiveEntry | None:
        session = archived_session(self.client, landing.project, landing.name)
        if session is not None:
            return session
        rows = Prearchive(self.client).of_study(landing.project, landing.study)
        return next((entry for entry in rows if entry.label == landing.name), None)
