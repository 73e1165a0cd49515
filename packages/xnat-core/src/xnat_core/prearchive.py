"""What is done to sessions in the prearchive: build, archive, move, delete.

Failures come in three ways: as a status, as status 200 with a text that is no address, and as the
state of the row afterwards. All are looked at here. What only looks is in
`prearchive_looking`, what tells where rows have gone in `prearchive_gone`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from xnat_core.errors import (
    ClientRequestError,
    ResourceNotFoundError,
    ServerError,
    XNATCtlError,
)
from xnat_core.lagging import look_until
from xnat_core.models import PrearchiveEntry, Session
from xnat_core.new_subjects import first_alone
from xnat_core.prearchive_gone import GoneRows, shown
from xnat_core.prearchive_looking import FIRST_LOOK, LONGEST_PAUSE
from xnat_core.prearchive_rows import (
    PASSED_OVER,
    ArchiveRefused,
    StagingError,
    WaitedTooLong,
    archive_form,
    entry_of_uri,
    entry_path,
    findings_of,
    is_left_alone,
    is_settled,
    named,
    uri_of,
)
from xnat_core.services.lookup import find_session_of_uri
from xnat_core.services.once import LOST, ask_once
from xnat_core.services.subject_ids import require_no_id

if TYPE_CHECKING:
    from requests import Response

_BUSY = (409, 423)
"""Statuses that say that somebody else is working on the row."""


class Prearchive(GoneRows):
    """The prearchive of one server: its rows, and what is done to them.

    Every method raises PermissionDeniedError where the user may not edit the project, and
    ResourceNotFoundError for a row that is not there (archived, moved, deleted).
    """

    def build(self, entry: PrearchiveEntry) -> PrearchiveEntry:
        """Read the files and describe the session, now; never archives. Returns the settled row.

        Raises StagingError when there is nothing to build from, and with the reason of a refusal.
        """
        try:
            response = self._act(entry, "build", repeatable=True)
        except ServerError:
            # Also the answer for a row that is not there.
            self.get(entry)
            raise
        if response.text.strip():
            # Status 200 comes with a refusal, too; then this is no address.
            uri_of(response, "build", entry)
        built = self.get(entry)
        if built.status == "ERROR":
            raise StagingError("build", f"{entry.id}: {self.reason(entry) or 'ERROR'}", built)
        return built

    def settled(
        self, entry: PrearchiveEntry, timeout: float, *, anew: bool = False
    ) -> PrearchiveEntry | None:
        """The row when nothing is being done to it; None when it is gone.

        One that waits for more files is built, with `anew` any other, too. A build that fails
        leaves it in ERROR. Raises WaitedTooLong after `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        pause = FIRST_LOOK
        before: PrearchiveEntry | None = None
        while True:
            left = max(0.0, deadline - time.monotonic())
            found = self.wait(entry, left, until=is_left_alone)
            if found is None or (is_settled(found.status) and not anew):
                return found
            if before and found.status == "READY" and found.lastmod != before.lastmod:
                return found  # Built since it was asked for, only later than the answer came.
            before = found
            try:
                built = self._built(found)
            except ResourceNotFoundError:
                return None
            if built is not None and is_settled(built.status):
                return built
            # Somebody has just begun to do something to it, or has sent what was not read any more.
            if time.monotonic() >= deadline:
                raise WaitedTooLong(found, timeout)
            self._sleep(pause)
            pause = min(LONGEST_PAUSE, pause * 1.5)

    def _built(self, entry: PrearchiveEntry) -> PrearchiveEntry | None:
        """The row after a build, in ERROR where that failed; None while somebody works on it."""
        try:
            return self.build(entry)
        except StagingError as error:
            if error.entry.status != "ERROR":
                raise
            return error.entry
        except ClientRequestError as error:
            if error.details.get("status_code") not in _BUSY:
                raise
            return None

    def move(self, entry: PrearchiveEntry, project: str) -> PrearchiveEntry:
        """Give the session to another project and return its new row."""
        there = replace(entry, project=project)

        def send() -> None:
            nonlocal there
            response = self._act(entry, "move", newProject=project)
            try:
                there = entry_of_uri(uri_of(response, "move", entry))
            except StagingError:
                # A locked row is answered by success without an address, too.
                if self.find(entry) is not None or self.find(there) is None:
                    raise

        # What is not found may have been moved by a request whose answer was lost.
        excused = (*LOST, ResourceNotFoundError)
        moved, lost = ask_once(
            send, lambda: self.find(there) is not None, excused=excused, sleep=self._sleep
        )
        if lost is not None and not moved:
            raise lost
        found = self.get(there)
        if found.id == entry.id and entry.project != project:
            raise StagingError("move", f"{entry.id} is still there", found)
        return found

    def delete(self, entry: PrearchiveEntry) -> None:
        """Remove the row and its files.

        Raises ResourceNotFoundError for one that is not there, also when it was removed by a
        request whose answer was lost; StagingError where others may have moved or archived it.
        """
        try:
            gone, lost = ask_once(
                lambda: self.client.delete(entry_path(entry), about=named(entry)),
                lambda: self.find(entry) is None,
                sleep=self._sleep,
            )
        except ResourceNotFoundError:
            if self.find(entry) is None:
                self._require_nowhere(entry)
            raise
        if not gone:
            raise lost or StagingError("delete", f"{entry.id} is still there", entry)
        if lost is not None:
            self._require_nowhere(entry)

    def delete_seen(self, entry: PrearchiveEntry) -> None:
        """As `delete`, of a row that was there a moment ago: what is not found any more has been
        deleted since, be it by a request whose answer was lost."""
        try:
            self.delete(entry)
        except ResourceNotFoundError:
            # Or what cannot be seen any more is its project.
            if self.find(entry) is not None:
                raise

    def _require_nowhere(self, entry: PrearchiveEntry) -> None:
        """That a row is gone is no answer: raise where its data may be for all that is known."""
        kept = look_until(lambda: self.whereabouts(entry), bool)
        if kept:
            what = f"{entry.id} is gone, but no answer tells that it was deleted: {kept}"
            raise StagingError("delete", what, entry)

    def archive(
        self,
        entry: PrearchiveEntry,
        *,
        subject: str | None = None,
        session: str | None = None,
        overwrite: bool = False,
        timeout: float | None = None,
        more: Mapping[str, str] | None = None,
    ) -> Session:
        """Archive a built session, wait for it, and return the archived one.

        `subject` and `session` name it anew. For one session the server merges in any case;
        `overwrite` also lets it override conflicts and replace files of the same name. `more` are
        parameters as the archive service reads them (`quarantine`, `triggerPipelines`).

        Raises ArchiveRefused with the server's reason, WaitedTooLong after `timeout` seconds,
        LabelTaken for a subject that would be another one.
        """
        self._require_no_id(entry, subject)
        form = archive_form(entry, subject, session, overwrite=overwrite) | dict(more or {})
        with first_alone(self.client, entry.project, subject or entry.subject) as succeeded:
            found = self._archive(entry, form, session, timeout)
            succeeded()
        return found

    def _archive(
        self,
        entry: PrearchiveEntry,
        form: Mapping[str, str],
        label: str | None,
        timeout: float | None,
    ) -> Session:
        try:
            response = self.client.post(
                "/data/services/archive",
                data=form,
                accept={301, 303},
                about=named(entry),
                timeout=timeout,
            )
            uri = uri_of(response, "archive", entry)
        except ResourceNotFoundError:
            # It may have been archived since it was seen; also by this, when an answer was lost.
            # The row may be shown for a while all the same.
            if look_until(lambda: self.find(entry), lambda found: found is None) is not None:
                raise
            return self.become(entry, label, overwritten="overwrite" in form)
        except XNATCtlError as error:
            self._require_gone(entry, error, timeout)
            return self.become(entry, label, overwritten="overwrite" in form)
        return shown(lambda: find_session_of_uri(self.client, uri))

    def conflicts(
        self,
        entry: PrearchiveEntry,
        *,
        subject: str | None = None,
        session: str | None = None,
        overwrite: bool = False,
    ) -> list[dict[str, Any]]:
        """What speaks against archiving: `code`, `type` (FAIL, CONFLICT, WARN), `message`.

        The server tells of all conflicts; those that it would pass over are left out.
        """
        self._require_no_id(entry, subject)
        response = self.client.post(
            "/data/services/validate-archive",
            params={"format": "json"},
            data=archive_form(entry, subject, session, overwrite=overwrite),
            repeatable=True,
            about=named(entry),
        )
        return [
            found
            for found in findings_of(response)
            if found.get("type") != "CONFLICT"
            or not (overwrite or PASSED_OVER.search(str(found.get("message"))))
        ]

    def _act(
        self,
        entry: PrearchiveEntry,
        action: str,
        *,
        repeatable: bool = False,
        **params: str | None,
    ) -> Response:
        return self.client.post(
            entry_path(entry),
            params={"action": action, **params},
            accept={301, 303},
            about=named(entry),
            repeatable=repeatable,
        )

    def _require_no_id(self, entry: PrearchiveEntry, subject: str | None) -> None:
        if wanted := subject or entry.subject:
            require_no_id(self.client, entry.project or "", wanted, given=bool(subject))

    def _require_gone(
        self, entry: PrearchiveEntry, error: XNATCtlError, timeout: float | None
    ) -> None:
        """Find out what a failed answer came to; raises unless the session has been archived.

        The server answers 500 after ten minutes while its worker goes on, and an answer can be lost
        on the way; so the row decides.
        """
        patience = self.client.timeout if timeout is None else timeout
        now = self.wait(entry, patience, until=is_left_alone)
        if now is None:
            return
        if now.status not in ("CONFLICT", "ERROR"):
            raise error
        raise ArchiveRefused(now, self.reason(now) or error.message) from error
