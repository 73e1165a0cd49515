"""From data that have arrived to the session that was asked for."""

from __future__ import annotations

import time
from collections.abc import Iterable

from xnat_core.errors import OperationError, ResourceNotFoundError
from xnat_core.imports import Landing, archived_session, replaces_nothing
from xnat_core.imports.answers import DIRECT, PREARCHIVE
from xnat_core.imports.settling import StillArchiving
from xnat_core.lagging import look_until
from xnat_core.models import PrearchiveEntry, Session
from xnat_core.prearchive_rows import ArchiveRefused, StagingError, WaitedTooLong
from xnat_upload.survey import Survey, Surveyor
from xnat_upload.terms import Delivered, Manner
from xnat_upload.whose import require_subject_of_row

LATE = (StillArchiving, WaitedTooLong)
"""Patience has ended; nothing has failed."""
_AT_LEAST = 60.0


class Ending:
    """Builds, archives and waits as long as `manner` says; 0 seconds wait for nothing."""

    def __init__(self, surveyor: Surveyor, manner: Manner) -> None:
        self._surveyor = surveyor
        self._prearchive = surveyor.prearchive
        self._destination = surveyor.destination
        self.manner = manner
        self._deadline = float("inf")

    def reach(self, survey: Survey, landings: Iterable[Landing]) -> Delivered:
        """Bring everything that has landed, now or before, to its end."""
        self._deadline = time.monotonic() + self.manner.wait
        done = Delivered()
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
            for row in rows.values():
                if self._destination.archive:
                    self._archive(row, done)
                else:
                    self._stage(row, done)
        except LATE as late:
            done.late = late
        if done.entry is None and done.session is None:
            if survey.session is not None:
                self._take_archived(survey.session, done)
            elif done.landing is not None and done.late is None:
                # The server has archived it before it answered.
                self._look_in_archive(done)
        return done

    @property
    def _left(self) -> float:
        return max(0.0, self._deadline - time.monotonic())

    def _finish_direct(
        self, landing: Landing, rows: dict[str, PrearchiveEntry], done: Delivered
    ) -> None:
        subject = self._destination.subject
        found = self._surveyor.direct.finish(landing, self._left, subject)
        done.ended.add(landing.uri)
        if isinstance(found, Session):
            self._take_archived(found, done)
        else:
            # It could not be archived: the row says why, and the archive service may do better.
            rows[found.id] = found

    def _stage(self, row: PrearchiveEntry, done: Delivered) -> None:
        settled = self._settled(row)
        if settled is None:
            self._look_in_archive(done, row)
        elif settled.status == "ERROR":
            reason = self._prearchive.reason(settled)
            raise StagingError("build", f"{settled.id}: {reason or 'ERROR'}", settled)
        else:
            # It may have come since the rows were looked at.
            self._surveyor.require_ours(settled)
            require_subject_of_row(settled, self._destination.subject)
            if done.entry is not None:
                done.beside.append(done.entry)
            done.entry = settled

    def _archive(self, row: PrearchiveEntry, done: Delivered) -> None:
        settled = self._settled(row)
        if settled is None:
            self._look_in_archive(done, row)
            return
        done.entry = settled
        # What has come since the rows were looked at has been joined by ours.
        self._surveyor.require_ours(settled)
        try:
            done.session = self._bring_in(settled, overwrite=self._replaces())
        except ResourceNotFoundError:
            self._look_in_archive(done, row)
        done.entry = None

    def _bring_in(self, row: PrearchiveEntry, *, overwrite: bool) -> Session:
        """Archive a settled row; without `overwrite` also one in conflict with the archive over
        what is the same byte for byte, or what this upload has brought to replace it.

        A row may hold what others have brought, which replaces nothing.
        """
        try:
            return self._prearchive.archive(
                row,
                subject=self._destination.subject,
                session=self._destination.session,
                overwrite=overwrite,
                timeout=max(self._left, _AT_LEAST),
                more={"quarantine": "true"} if self.manner.quarantine else None,
            )
        except ArchiveRefused as refused:
            if overwrite or not self._may_override(refused.entry):
                raise
            return self._bring_in(refused.entry, overwrite=True)

    def _may_override(self, row: PrearchiveEntry) -> bool:
        session = self._archived()
        if self._would_mix(session):
            return False
        difference, ours = self._surveyor.difference, self._surveyor.has_brought_to(row)
        is_own, least = difference.has_taken, 0
        if self.manner.overwrite != "delete":
            if session is None:
                return False
            is_own = difference.comparison.mends
            # The second study of one session is in conflict with the first one.
            least = 0 if len(difference.studies) > 1 else 1
        return session is None or replaces_nothing(
            self._prearchive, row, session, lambda name: ours and is_own(name), least
        )

    def _replaces(self) -> bool:
        """Whether there is something to be replaced from the start."""
        session = self._archived() if self.manner.again else None
        return session is not None and not self._would_mix(session)

    def _would_mix(self, session: Session | None) -> bool:
        """Whether a session of another study has come under the label since it was looked for."""
        return bool(
            session and not self.manner.merges and self._surveyor.is_of_another_study(session)
        )

    def _settled(self, row: PrearchiveEntry) -> PrearchiveEntry | None:
        """The row at rest; None when it has left. One that is nowhere may be about to appear."""
        patience = max(self._left, _AT_LEAST)
        return look_until(
            lambda: self._prearchive.settled(row, patience),
            lambda found: found is not None or self._archived() is not None,
        )

    def _archived(self) -> Session | None:
        return archived_session(
            self._surveyor.client, self._destination.project, self._destination.session
        )

    def _look_in_archive(self, done: Delivered, row: PrearchiveEntry | None = None) -> None:
        """A row that is gone, or was never seen, has been archived, by the project's own rule or by
        somebody."""
        found = look_until(self._archived, lambda session: session is not None)
        if found is None:
            name = row.id if row else self._destination.session
            raise OperationError("upload", f"{name} has left the prearchive and is not archived")
        self._take_archived(found, done)

    def _take_archived(self, session: Session, done: Delivered) -> None:
        done.session = session
        if not self._destination.archive:
            done.notes.append(
                f"{session.label} is in the archive, where the project or an earlier upload has "
                "brought it, not in the prearchive"
            )
