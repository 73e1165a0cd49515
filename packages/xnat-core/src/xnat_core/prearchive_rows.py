"""A row of the prearchive: its address, its states, and what can be wrong with it.

A row is addressed by project, timestamp and folder; the folder is `name` in our records, while the
server's `name` is the label of the session.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from xnat_core.errors import OperationError
from xnat_core.models import PrearchiveEntry
from xnat_core.redaction import one_line
from xnat_core.urls import hide_dots, local_path, path

if TYPE_CHECKING:
    from requests import Response

UNASSIGNED = "Unassigned"
RECEIVING = "RECEIVING"
SETTLED = frozenset({"READY", "CONFLICT", "ERROR"})
# Conflicts that do not stop the archiving of a single session: that is merged in any case, its
# scans with those of the same number and UID.
PASSED_OVER = re.compile(r"retry with overwrite|with the same UID and number|will be renamed")


class StagingError(OperationError):
    """Something about a row of the prearchive; `entry` is the row as it was seen last."""

    def __init__(self, operation: str, message: str, entry: PrearchiveEntry) -> None:
        super().__init__(operation, message)
        self.entry = entry


class ArchiveRefused(StagingError):
    """The session stays in the prearchive, in conflict with what is archived or for an error."""

    def __init__(self, entry: PrearchiveEntry, reason: str) -> None:
        super().__init__("archive", f"{entry.id}: {reason}", entry)
        self.reason = reason

    @property
    def is_of_other_modality(self) -> bool:
        """Whether it would be added to a session of another type, which the server prevents.

        How servers put that is theirs.
        """
        return "modality" in self.reason.lower()


class WaitedTooLong(StagingError):
    """The row is still busy; nothing has failed."""

    def __init__(self, entry: PrearchiveEntry, seconds: float) -> None:
        super().__init__("wait", f"{entry.id} is {entry.status} after {seconds:g} seconds", entry)


def is_settled(status: str | None) -> bool:
    """Whether nothing is being done to a row: READY, CONFLICT or ERROR, and no value unknown."""
    return status in SETTLED


def is_left_alone(status: str | None) -> bool:
    """Whether no operation runs: settled, or waiting for more files."""
    return is_settled(status) or (status or "").startswith(RECEIVING)


def entry_path(entry: PrearchiveEntry) -> str:
    """The address of a row as it goes on the wire."""
    return path(
        *("data", "prearchive", "projects", entry.project),
        *(hide_dots(entry.timestamp), hide_dots(entry.name)),
    )


def entry_of_uri(uri: str) -> PrearchiveEntry:
    """The row that a URI of the server names, with or without `/data`. Raises OperationError."""
    parts = (
        unquote(local_path(urlsplit(uri.strip()).path)).strip("/").removeprefix("data/").split("/")
    )
    if len(parts) != 5 or parts[:2] != ["prearchive", "projects"]:
        raise OperationError("prearchive", f"{one_line(uri)!r} is no address of a session in it")
    entry = PrearchiveEntry(project=parts[2], timestamp=parts[3], name=parts[4])
    return replace(entry, uri=entry_path(entry))


def entry_of_row(row: Mapping[str, str]) -> PrearchiveEntry:
    """A row as the server lists it."""
    entry = PrearchiveEntry.from_row(
        row,
        name=row.get("folderName") or row.get("name"),
        label=row.get("name"),
        status=row.get("status", "").strip().upper() or None,
    )
    return replace(entry, uri=entry_path(entry))


def scan_of_resource(row: Mapping[str, str]) -> str:
    """The scan that a resource in the list of a session is of; empty for one of the session.

    The owner tells: what servers call the category of a scan is theirs.
    """
    of_session = row.get("category", "").strip().lower() in ("resource", "resources")
    return "" if of_session else row.get("cat_id", "")


def named(entry: PrearchiveEntry) -> tuple[str, str]:
    """Kind and id, for the error texts of the client."""
    return "prearchive session", entry.id


def plain_path(entry: PrearchiveEntry) -> str:
    """As the services want it in their parameters: not encoded."""
    return f"/prearchive/projects/{entry.project}/{entry.timestamp}/{entry.name}"


def archive_form(
    entry: PrearchiveEntry, subject: str | None, session: str | None, *, overwrite: bool
) -> dict[str, str]:
    """What the archive service is asked, and first the one that tells what speaks against it."""
    form = {
        "src": plain_path(entry),
        "subject": subject,
        "session": session,
        "overwrite": "delete" if overwrite else None,
    }
    return {key: value for key, value in form.items() if value}


def uri_of(response: Response, operation: str, entry: PrearchiveEntry) -> str:
    """The address that an answer gives, in its body or as a redirect that is not followed."""
    # Labels may have spaces: an address is a line.
    told = [response.text.strip().partition("\n")[0], response.headers.get("Location", "")]
    uri = next((found for found in map(_address, told) if found), None)
    if uri is None:
        from xnat_core.http.answers import message_of

        said = message_of(response) or "the server answered without saying where it is"
        raise StagingError(operation, f"{entry.id}: {said}", entry)
    return uri


def _address(text: str) -> str | None:
    try:
        found = local_path(urlsplit(text.strip()).path)
    except ValueError:
        return None
    return found if found.startswith("/data/") else None


def findings_of(response: Response) -> list[dict[str, Any]]:
    """What `validate-archive` found, one object for each. Raises OperationError for an answer of
    another shape: that nothing was read is no proof that nothing speaks against it."""
    import orjson

    from xnat_core.http.listings import is_empty_list

    data: Any = None
    with suppress(orjson.JSONDecodeError):
        data = orjson.loads(response.content)
    result = data.get("ResultSet") if isinstance(data, dict) else None
    rows = result.get("Result") if isinstance(result, dict) else data
    if is_empty_list(data):
        return []
    if not isinstance(rows, list):
        said = one_line(response.text, 200)
        raise OperationError(
            "archive", f"the server does not tell what speaks against archiving: {said!r}"
        )
    return [row for row in rows if isinstance(row, dict)]
