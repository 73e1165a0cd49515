"""Where a resource hangs on the server, and the folder that its files get on disk.

OUT/SESSION/scans/ID/resources/LABEL/files/…
OUT/SESSION/resources/LABEL/files/…
OUT/SESSION/assessors/LABEL/resources/LABEL/files/…        (in/ before resources/ for inputs)
OUT/SESSION/reconstructions/ID/resources/LABEL/files/…
OUT/subjects/SUBJECT/resources/LABEL/files/…
OUT/projects/PROJECT/resources/LABEL/files/…
"""

from __future__ import annotations

from dataclasses import dataclass

from xnat_core.errors import PathValidationError

RESERVED = ("projects", "subjects")
_FOLDERS = {"scan": "scans", "assessor": "assessors", "reconstruction": "reconstructions"}


@dataclass(frozen=True, slots=True)
class Place:
    """The owner of a resource. `level` is project, subject, session, scan, assessor or
    reconstruction; `owner` names it where it is below a session: scan ID, assessor label.

    `folder` replaces the label of the session on disk (`--name`).
    """

    level: str
    project: str | None = None
    subject: str | None = None
    subject_id: str | None = None
    session: str | None = None
    session_id: str | None = None
    owner: str | None = None
    owner_id: str | None = None
    direction: str = ""
    folder: str | None = None

    @property
    def scan(self) -> str | None:
        """The scan ID, if it is a scan."""
        return self.owner if self.level == "scan" else None

    def top(self) -> tuple[str, ...]:
        """The folders of the session, subject or project."""
        if self.level == "project":
            return "projects", component(self.project, "project")
        if self.level == "subject":
            return "subjects", component(self.subject or self.subject_id, "subject")
        if self.folder is not None:
            return (component(self.folder, "name"),)
        name = component(self.session or self.session_id, "session")
        if name in RESERVED:
            raise PathValidationError(
                name, "a session of this label needs another folder: --name or --layout"
            )
        return (name,)

    def parts(self) -> tuple[str, ...]:
        """The folders of the owner."""
        below = _FOLDERS.get(self.level)
        if below is None:
            return self.top()
        inside = ("in",) if self.direction == "in" else ()
        return (*self.top(), below, component(self.owner, self.level), *inside)

    def of_resource(self, label: str) -> str:
        """The folder of a resource's files, with `/` between its parts."""
        return "/".join((*self.parts(), "resources", component(label, "resource"), "files"))

    def facts(self) -> dict[str, str | None]:
        """The parents, under the keys that records have for them."""
        return {
            "project": self.project,
            "subject": self.subject,
            "subject_id": self.subject_id,
            "session": self.session,
            "session_id": self.session_id,
            "scan": self.scan,
            "assessor": self.owner_id or self.owner if self.level == "assessor" else None,
        }


def component(text: str | None, what: str) -> str:
    """A label as the name of one folder. Raises PathValidationError: it is never bent into one."""
    if not text or text in (".", "..") or "/" in text:
        raise PathValidationError(repr(text), f"cannot be the name of a folder for a {what}")
    return text
