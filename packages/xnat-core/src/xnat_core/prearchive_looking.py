"""Looking at the prearchive, where sessions wait before they are archived; nothing is changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from xnat_core.errors import ResourceNotFoundError, ServerError, XNATCtlError
from xnat_core.models import PrearchiveEntry
from xnat_core.models.values import number
from xnat_core.parallel import check_stop, rest
from xnat_core.prearchive_rows import (
    UNASSIGNED,
    WaitedTooLong,
    entry_of_row,
    entry_path,
    is_settled,
    named,
)
from xnat_core.redaction import one_line
from xnat_core.urls import path

if TYPE_CHECKING:
    from xnat_core.client import XNATClient

FIRST_LOOK = 0.2
LONGEST_PAUSE = 10.0
"""Seconds between two looks at a row that is busy: at first, and when it takes long."""

Row = dict[str, str]


class PrearchiveRows:
    """The rows of the prearchive of one server; `Prearchive` acts on them, too."""

    def __init__(self, client: XNATClient, *, sleep: Callable[[float], None] = rest) -> None:
        self.client = client
        self._sleep = sleep

    def entries(
        self, project: str | None = None, *, study_uid: str | None = None
    ) -> list[PrearchiveEntry]:
        """The rows of a project, or of all projects where the user may edit.

        Who sees all data gets those of `Unassigned`, too, when no project is named.
        """
        entries = [entry_of_row(row) for row in self._rows(project, study_uid)]
        if study_uid:
            # The listing of a project knows no such filter and lets everything through.
            entries = [entry for entry in entries if entry.uid == study_uid]
        if project in (None, UNASSIGNED):
            return entries
        # The server adds them to every project: what is done to all of one must not reach them.
        return [entry for entry in entries if entry.project != UNASSIGNED]

    def of_study(self, project: str, study_uid: str) -> list[PrearchiveEntry]:
        """The rows of a study in a project where this user may edit.

        Where the listing of the project would tell of all its rows, the server tells of these.
        """
        try:
            rows = self.client.rows(path("data", "prearchive"), params={"tag": study_uid})
        except ResourceNotFoundError:
            # The study may lie in another project, too, where this user has no rights.
            return self.entries(project, study_uid=study_uid)
        entries = map(entry_of_row, rows)
        return [one for one in entries if (one.project, one.uid) == (project, study_uid)]

    def find(self, entry: PrearchiveEntry) -> PrearchiveEntry | None:
        """The row as it is now; None when it is gone."""
        try:
            rows = self.client.rows(entry_path(entry), about=named(entry))
        except ServerError:
            # So the server answers for a project that there is not.
            if entry.project not in (None, UNASSIGNED):
                where = path("data", "projects", entry.project)
                self.client.item(where, about=("project", entry.project))
            raise
        return entry_of_row(rows[0]) if rows else None

    def get(self, entry: PrearchiveEntry) -> PrearchiveEntry:
        """The row as it is now. Raises ResourceNotFoundError."""
        found = self.find(entry)
        if found is None:
            raise ResourceNotFoundError(*named(entry))
        return found

    def scans(self, entry: PrearchiveEntry) -> list[Row]:
        """`ID`, `xsiType`, `series_description` of each scan; nothing is known before a build."""
        return self.client.rows(entry_path(entry) + "/scans", about=named(entry))

    def files(self, entry: PrearchiveEntry, scan: str, resource: str = "DICOM") -> Iterator[Row]:
        """`Name`, `Size`, `URI` of each file of a scan; the session must have been built."""
        below = path("scans", scan, "resources", resource, "files")
        return self.client.iter_rows(entry_path(entry) + below, about=named(entry))

    def reason(self, entry: PrearchiveEntry) -> str:
        """Why a row is in CONFLICT or ERROR: the latest entry of its log; empty when it has none.

        Entries come in any order, and are called by the time of their making.
        """
        try:
            rows = self.client.rows(entry_path(entry) + "/logs", about=named(entry))
        except XNATCtlError:
            return ""
        entries = sorted(rows, key=lambda row: number(row.get("id")) or 0)
        return one_line(entries[-1].get("entry", ""), 300) if entries else ""

    def wait(
        self,
        entry: PrearchiveEntry,
        timeout: float,
        *,
        until: Callable[[str | None], bool] = is_settled,
    ) -> PrearchiveEntry | None:
        """Look until the status passes `until`; None when the row is gone.

        Raises WaitedTooLong after `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        pause = FIRST_LOOK
        while True:
            check_stop()
            found = self.find(entry)
            if found is None or until(found.status):
                return found
            left = deadline - time.monotonic()
            if left <= 0:
                raise WaitedTooLong(found, timeout)
            self._sleep(min(pause, left))
            pause = min(LONGEST_PAUSE, pause * 1.5)

    def _rows(self, project: str | None, study_uid: str | None) -> list[Row]:
        where = path("data", "prearchive")
        if project is not None:
            return self.client.rows(where + path("projects", project), about=("project", project))
        if study_uid:
            # Not found is also a study that lies elsewhere, where this user has no rights.
            with suppress(ResourceNotFoundError):
                return self.client.rows(where, params={"tag": study_uid})
        return self.client.rows(where)
