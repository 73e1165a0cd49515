"""From data that have arrived to the session that was asked for."""

from __future__ import annotations

import time
from collections.abc import Iterable

from xnat_core.errors import ClientRequestError, OperationError, ResourceNotFoundError
from xnat_core.imports import Landing, archived_session
from xnat_core.imports.answers import DIRECT, PREARCHIVE
from xnat_core.imports.settling import StillArchiving
from xnat_core.models import PrearchiveEntry, Session
from xnat_core.prearchive import StagingError, WaitedTooLong
from xnat_upload.survey import RECEIVING, Survey, Surveyor, is_in_motion
from xnat_upload.terms import Delivered, Manner

_AT_LEAST = 60.0


class Ending:
    """Builds, archives and waits as long as `manner` says; 0 seconds wait for nothing."""

    def __init__(self, surveyor: Surveyor, manner: Manner) -> None:
        self._surveyor = surveyor
        self._prearchive = surveyor.prearchive
        self._destination = surveyor.destination
        self._manner = manner
        self._deadline = float("inf")

    def reach(self, survey: Survey, landings: Iterable[Landing]) -> Delivered:
        """Bring everything that has landed, now or before, to its end."""
        self._deadline = time.monotonic() + self._manner.wait
        done = Delivered(session=survey.session)
        rows = {row.id: row for row in survey.rows}
        direct = {landing.uri: landing for landing in survey.direct}
        for landing in landings:
            done.landing = landing
            if landing.area == PREARCHIVE:
                rows[landing.entry().id] = landing.entry()
            elif landing.area == DIRECT:
                direct[landing.uri] = landing
        try:
            for landing in direct.values():
                self._finish_direct(landing, rows, done)
            for position, row in enumerate(rows.values()):
                if self._destination.archive:
                    self._archive(row, done, again=position > 0)
                else:
                    self._stage(row, done)
        except (StillArchiving, WaitedTooLong) as late:
            done.late = late
        return done

    @property
    def _left(self) -> float:
        return max(0.0, self._deadline - time.monotonic())

    def _finish_direct(
        self, landing: Landing, rows: dict[str, PrearchiveEntry], done: Delivered
    ) -> None:
        found = self._surveyor.direct.finish(landing, self._left)
        if isinstance(found, Session):
            done.session = found
        else:
            # It could not be archived: the row says why, and the archive service may do better.
            rows[found.id] = found

    def _stage(self, row: PrearchiveEntry, done: Delivered) -> None:
        settled = self._settled(row)
        if settled is None:
            self._look_in_archive(row, done)
        elif settled.status == "ERROR":
            reason = self._prearchive.reason(settled)
            raise StagingError("build", f"{settled.id}: {reason or 'ERROR'}", settled)
        else:
            done.entry = settled

    def _archive(self, row: PrearchiveEntry, done: Delivered, *, again: bool) -> None:
        settled = self._settled(row)
        if settled is None:
            self._look_in_archive(row, done)
            return
        done.entry = settled
        done.session = self._prearchive.archive(
            settled,
            subject=self._destination.subject,
            session=self._destination.session,
            # The second study of a merged session is in conflict with the first one.
            overwrite=self._manner.overwrite == "delete" or again,
            timeout=max(self._left, _AT_LEAST),
            more={"quarantine": "true"} if self._manner.quarantine else None,
        )
        done.entry = None

    def _settled(self, row: PrearchiveEntry) -> PrearchiveEntry | None:
        """The row, built and at rest; None when it is gone."""
        while True:
            found = self._prearchive.wait(
                row, max(self._left, _AT_LEAST), until=lambda status: not is_in_motion(status)
            )
            if found is None or not (found.status or "").startswith(RECEIVING):
                return found
            try:
                return self._prearchive.build(found)
            except ResourceNotFoundError:
                return None
            except ClientRequestError:
                # Locked: the server has just begun to build it by itself.
                time.sleep(0.2)

    def _look_in_archive(self, row: PrearchiveEntry, done: Delivered) -> None:
        """A row that is gone has been archived, by the project's own rule or by somebody."""
        found = archived_session(
            self._surveyor.client, self._destination.project, self._destination.session
        )
        if found is None:
            raise OperationError("upload", f"{row.id} has left the prearchive and is not archived")
        done.session = found
        if not self._destination.archive:
            done.notes.append(
                f"{found.label}: the project archives by itself, so it did not stay in the "
                "prearchive"
            )
