"""The staging area, and what an upload brought."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from xnat_core.models.base import Fact, Model
from xnat_core.models.values import day


@dataclass(frozen=True)
class PrearchiveEntry(Model):
    """A session that waits in the prearchive.

    It is addressed by project, timestamp and `name`, the folder; `label` is the session's.
    """

    kind: ClassVar[str] = "prearchive"
    columns: ClassVar[tuple[str, ...]] = (
        "project",
        "timestamp",
        "name",
        "status",
        "date",
        "subject",
    )
    derived: ClassVar[dict[str, str]] = {"id": "`project/timestamp/name`"}

    project: Annotated[str, Fact("Project, or `Unassigned`")] = ""
    timestamp: Annotated[str, Fact("Folder of the arrival, e.g. `20240502_101500123`")] = ""
    name: Annotated[str, Fact("Folder of the session; addresses the entry")] = ""
    label: Annotated[str | None, Fact("Label the session will have")] = None
    subject: Annotated[str | None, Fact("Label of the subject")] = None
    status: Annotated[str | None, Fact("`READY`, `CONFLICT`, `ERROR`, `RECEIVING` …")] = None
    scan_date: Annotated[
        str | None, Fact("Day of acquisition, `YYYY-MM-DD`", key="date", read=day)
    ] = None
    scan_time: Annotated[str | None, Fact("Time of acquisition", key="time")] = None
    uploaded: Annotated[str | None, Fact("When it arrived, server time")] = None
    lastmod: Annotated[str | None, Fact("When it was last changed, server time")] = None
    uid: Annotated[str | None, Fact("Study instance UID", names=("tag",))] = None
    autoarchive: Annotated[
        str | None, Fact("`Manual`, `AutoArchive` or `AutoArchiveOverwrite`")
    ] = None
    scan_count: Annotated[int | None, Fact("Number of scans")] = None
    uri: Annotated[str | None, Fact("Path on the server")] = None

    @property
    def id(self) -> str:
        """What people type to name it."""
        return f"{self.project}/{self.timestamp}/{self.name}"

    @property
    def upload_date(self) -> str | None:
        """When it arrived, server time."""
        return self.uploaded


@dataclass(frozen=True)
class Upload(Model):
    """Something local that is to be, or was, uploaded."""

    kind: ClassVar[str] = "upload"
    columns: ClassVar[tuple[str, ...]] = ("path", "project", "subject", "session", "files", "bytes")

    path: Annotated[str, Fact("Local file or folder")] = ""
    project: Annotated[str | None, Fact("Project it goes to")] = None
    subject: Annotated[str | None, Fact("Label of the subject")] = None
    session: Annotated[str | None, Fact("Label of the session")] = None
    session_id: Annotated[str | None, Fact("Accession ID of the session, once archived")] = None
    scan: Annotated[str | None, Fact("Scan ID, for a resource of a scan")] = None
    resource: Annotated[str | None, Fact("Label of the resource")] = None
    files: Annotated[int | None, Fact("Number of files sent")] = None
    bytes: Annotated[int | None, Fact("Bytes sent")] = None
    seconds: Annotated[float | None, Fact("How long it took")] = None
    verified: Annotated[bool | None, Fact("Whether sizes and digests were compared")] = None
    uid: Annotated[str | None, Fact("Study instance UID, when sent by C-STORE")] = None
    known: Annotated[int | None, Fact("Files that an earlier run had sent, or copies")] = None
    failed: Annotated[int | None, Fact("Files that were not taken")] = None
    warnings: Annotated[tuple[str, ...], Fact("What the receiver remarked")] = ()
    uri: Annotated[str | None, Fact("Path on the server of what came to be")] = None
