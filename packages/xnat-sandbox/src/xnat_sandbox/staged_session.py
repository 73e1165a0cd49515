"""One session in the prearchive, as a value: what arrives for it, its row, and its statuses.

upload -> RECEIVING -> BUILDING -> READY | CONFLICT | ERROR -> ARCHIVING -> gone
"""

from __future__ import annotations

from dataclasses import dataclass

UNASSIGNED = "Unassigned"
RECEIVING = ("RECEIVING", "RECEIVING_INTERRUPT")
_OPERATIONS = ("BUILDING", "ARCHIVING", "MOVING", "DELETING", "SEPARATING")
STATUSES = frozenset(
    {*RECEIVING, "READY", "CONFLICT", "ERROR", *_OPERATIONS}
    | {f"QUEUED_{operation}" for operation in _OPERATIONS}
)
AUTO_ARCHIVE = {4: "AutoArchive", 5: "AutoArchiveOverwrite"}
"""What a project's `prearchive_code` says of its sessions; any other code: `Manual`."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """What the first object of a session says about it."""

    project: str
    tag: str
    name: str
    subject: str = ""
    scan_date: str = ""
    scan_time: str = ""
    auto_archive: str = "Manual"
    prevent_anon: bool = False
    prevent_auto_commit: bool = False
    source: str = ""
    visit: str = ""
    protocol: str = ""
    timestamp: str = ""
    """Forced by the sender, like `folder`."""
    folder: str = ""


@dataclass(frozen=True, slots=True)
class StagedSession:
    """A row. `tag` is the Study Instance UID, `name` the label, `folder` the directory."""

    number: int
    project: str
    timestamp: str
    folder: str
    name: str
    subject: str
    tag: str
    status: str
    lastmod: str
    uploaded: str
    scan_date: str
    scan_time: str
    auto_archive: str
    prevent_anon: bool
    prevent_auto_commit: bool
    source: str
    visit: str
    protocol: str

    @property
    def url(self) -> str:
        """The address as listings have it, without `/data`."""
        return f"/prearchive/projects/{self.project}/{self.timestamp}/{self.folder}"

    @property
    def uri(self) -> str:
        return "/data" + self.url

    @property
    def is_locked(self) -> bool:
        return self.status.startswith("_")
