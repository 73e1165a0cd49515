"""The staging area, as the documented library has it: `xnatctl.services.prearchive`."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING, Any

from xnat_core.arguments import named, switch
from xnat_core.models import PrearchiveEntry
from xnat_core.prearchive import Prearchive
from xnat_core.services.base import BaseService
from xnat_core.services.projects import ProjectService

if TYPE_CHECKING:
    from xnat_core.client import XNATClient


class Row(dict[str, Any]):
    """A mapping whose keys are attributes, too: `row["status"]`, `row.status`."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class PrearchiveService(BaseService):
    """List, archive, delete, rebuild and move sessions that wait.

    A session is named by project, timestamp and folder (`session_name`). Methods raise
    ResourceNotFoundError for one that is not there, PermissionDeniedError, and OperationError with
    the server's reason for one that stays in conflict.
    """

    def __init__(self, client: XNATClient) -> None:
        super().__init__(client)
        self._prearchive = Prearchive(client)

    def list(self, project: str | None = None) -> builtins.list[Row]:
        """The rows, with `name`, `status`, `upload_date` and `scan_count` among their keys."""
        return [_row(entry) for entry in self._prearchive.entries(project)]

    def get(self, project: str, timestamp: str, session_name: str) -> Row:
        """One row."""
        return _row(self._prearchive.get(_entry(project, timestamp, session_name)))

    def archive(
        self,
        project: str,
        timestamp: str,
        session_name: str | None = None,
        subject: str | None = None,
        experiment_label: str | None = None,
        overwrite: bool = False,
        *,
        session: str | None = None,
    ) -> dict[str, Any]:
        """Archive one session and return the record of what it has become."""
        entry = _entry(project, timestamp, named(session_name, session, "session_name", "session"))
        archived = self._prearchive.archive(
            self._prearchive.get(entry),
            subject=subject,
            session=experiment_label,
            overwrite=switch(overwrite, "overwrite"),
        )
        return archived.to_record(self.client.base_url)

    def delete(
        self,
        project: str,
        timestamp: str,
        session_name: str | None = None,
        *,
        session: str | None = None,
    ) -> bool:
        """Delete one session and its files."""
        name = named(session_name, session, "session_name", "session")
        self._prearchive.delete_seen(self._prearchive.get(_entry(project, timestamp, name)))
        return True

    def rebuild(self, project: str, timestamp: str, session_name: str) -> dict[str, Any]:
        """Read the files of one session anew and return its row."""
        entry = self._prearchive.get(_entry(project, timestamp, session_name))
        return _row(self._prearchive.build(entry))

    def move(
        self, project: str, timestamp: str, session_name: str, target_project: str
    ) -> dict[str, Any]:
        """Give one session to another project and return its new row."""
        entry = _entry(project, timestamp, session_name)
        # The server would take an alias for a project of its own.
        target = ProjectService(self.client).get(target_project).id
        return _row(self._prearchive.move(entry, target))

    def get_scans(
        self, project: str, timestamp: str, session_name: str
    ) -> builtins.list[dict[str, Any]]:
        """The scans of one session: `ID`, `xsiType`, `series_description`."""
        entry = _entry(project, timestamp, session_name)
        return [dict(row) for row in self._prearchive.scans(entry)]


def _entry(project: str, timestamp: str, name: str) -> PrearchiveEntry:
    return PrearchiveEntry(project=project, timestamp=timestamp, name=name)


def _row(entry: PrearchiveEntry) -> Row:
    return Row({**entry.to_dict(), "id": entry.id, "upload_date": entry.upload_date})
