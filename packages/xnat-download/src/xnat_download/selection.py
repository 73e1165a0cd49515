"""Which parts of an object are wanted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from xnat_core.errors import UsageError, ValidationError
from xnat_core.validation import validate_scan_ids_input


@dataclass(frozen=True)
class Selection:
    """The filters of a run. `scans` is None for all of them, empty `resources` means all labels.

    Without `session_resources` only scan data is wanted, and nothing that hangs at the session
    itself, or at the subject or project that a record names. `pattern` is a glob that the name of
    a file, or its path within the resource, must match.
    """

    scans: frozenset[str] | None = None
    resources: frozenset[str] = frozenset()
    excluded: frozenset[str] = frozenset()
    session_resources: bool = False
    assessors: bool = False
    pattern: str | None = None

    def takes_level(self, level: str) -> bool:
        """Whether data of that level (`scan`, `session`, `assessor` …) is wanted."""
        if level == "scan":
            return True
        if level in ("assessor", "reconstruction"):
            return self.assessors
        return self.session_resources

    def takes_scan(self, scan: str) -> bool:
        """Whether the scan is wanted."""
        return self.scans is None or scan in self.scans

    def takes_resource(self, label: str) -> bool:
        """Whether resources of that label are wanted."""
        if label in self.excluded:
            return False
        return not self.resources or label in self.resources

    def takes_file(self, path: str) -> bool:
        """Whether the file of that path within its resource is wanted."""
        if self.pattern is None:
            return True
        name = path.rpartition("/")[2]
        return fnmatchcase(name, self.pattern) or fnmatchcase(path, self.pattern)

    def covers(self, file: Mapping[str, object]) -> bool:
        """Whether the file of a record would be asked for, if its session still had it."""
        scan, assessor = file.get("scan"), file.get("assessor")
        # Nothing but its URI tells a file of a reconstruction.
        below = assessor or "/reconstructions/" in str(file.get("uri"))
        level = "scan" if scan else "assessor" if below else "session"
        return (
            self.takes_level(level)
            and (scan is None or self.takes_scan(str(scan)))
            and self.takes_resource(str(file.get("resource") or ""))
            and self.takes_file(str(file.get("path") or ""))
        )

    @property
    def narrows_resources(self) -> bool:
        """Whether a resource can be left out for its label."""
        return bool(self.resources or self.excluded)


def scan_ids(text: str | None) -> frozenset[str] | None:
    """The scans of `1,2,3`; None for `*`, for `ALL`, and when nothing was given."""
    if text is None or text.strip().upper() == "ALL":
        return None
    try:
        found = validate_scan_ids_input(text)
    except ValidationError as error:
        raise UsageError(error.message) from None
    return None if found is None else frozenset(found)
