"""What the server holds of a session, file by file, in the archive and in the prearchive."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from xnat_core.errors import ResourceNotFoundError, XNATCtlError
from xnat_core.files import size_and_md5
from xnat_core.models import PrearchiveEntry, Session, Subject
from xnat_core.models.values import number
from xnat_core.parallel import bounded_map
from xnat_core.prearchive import Prearchive
from xnat_core.prearchive_rows import entry_path, scan_of_resource
from xnat_core.services.base import document, fields
from xnat_core.services.lookup import (
    LabelTaken,
    OnlyShared,
    find_session,
    is_found_by_path,
    session_of_item,
    with_subject_label,
)
from xnat_core.services.resource_files import with_labels
from xnat_core.unasked import is_no_answer
from xnat_core.urls import path

if TYPE_CHECKING:
    from xnat_core.client import XNATClient

_LISTINGS_AT_ONCE = 4
_IN_SCAN = re.compile(r"/scans/([^/]+)/resources/[^/]+/files/")


@dataclass(frozen=True, slots=True)
class HeldFile:
    """A file of a scan: `digest` is the MD5, or nothing where the server has none; `size` is None
    where it tells none."""

    scan: str
    name: str
    size: int | None
    digest: str = ""


class AnothersID(LabelTaken):
    """The label is the accession ID of another session, and the server would take that one."""

    def __init__(self, label: str, other: str | None) -> None:
        reason = f"that is the accession ID of {other}"
        said = f"cannot be made: {reason}; choose another label"
        super().__init__("session", label, said, reason)


def archived_session(
    client: XNATClient, project: str, label: str, subject: Subject | None = None
) -> Session | None:
    """The archived session of that label in that project, if there is one.

    `subject` is the one that it may be of, where that is known. Raises LabelTaken.
    """
    session = None
    if is_found_by_path(label):
        where = path("data", "projects", project, "experiments", label)
        item = document(client, where, ("session", label))
        if item is None:
            return None
        if fields(item).get("ID"):
            owner = str(fields(item).get("project") or project)
            if owner.lower() != project.lower():
                raise OnlyShared(label, project, owner)
            session = with_subject_label(client, session_of_item(item, project), subject)
            if session.label != label and session.id == label:
                raise AnothersID(label, session.label)
    if session is None:
        try:
            session = find_session(client, label, project, own=True)
        except ResourceNotFoundError:
            return None
    # An accession ID is found wherever it is; here only a label counts.
    return session if (session.project, session.label) == (project, label) else None


def archived_files(client: XNATClient, session_id: str) -> Iterator[HeldFile]:
    """The DICOM files of all scans of an archived session, as the listing arrives."""
    where, about = path("data", "experiments", session_id), ("session", session_id)
    rows = client.iter_rows(f"{where}/files", params={"all": True}, about=about)
    for row in with_labels(client, rows, where, about):
        found = _IN_SCAN.search(row.get("URI", ""))
        if found and _is_dicom(row.get("collection", ""), row.get("file_format", "")):
            yield _held(unquote(found[1]), row)


def staged_files(prearchive: Prearchive, entry: PrearchiveEntry) -> Iterator[HeldFile]:
    """The DICOM files of all scans of a row of the prearchive, which must have been built.

    Each scan is listed by a request of its own, several at once.
    """
    about = ("prearchive session", entry.id)
    resources = prearchive.client.rows(entry_path(entry) + "/resources", about=about)
    found = [
        (scan, label)
        for resource in resources
        if (scan := scan_of_resource(resource)) and _is_dicom(label := resource.get("label", ""))
    ]

    def held(one: tuple[str, str]) -> list[HeldFile]:
        return [_held(one[0], row) for row in prearchive.files(entry, *one)]

    listings = bounded_map(held, found, workers=_LISTINGS_AT_ONCE, ordered=True)
    with closing(listings):
        for listing in listings:
            yield from listing.result()


def staged_md5(
    prearchive: Prearchive, entry: PrearchiveEntry, scan: str, label: str, name: str
) -> str | None:
    """The MD5 of a file of a built row, which is read; None where there is no such file."""
    below = path("scans", scan, "resources", label, "files", name)
    try:
        return _md5_at(prearchive.client, entry_path(entry) + below)
    except ResourceNotFoundError:
        return None


def replaces_nothing(
    prearchive: Prearchive,
    entry: PrearchiveEntry,
    session: Session,
    is_own: Callable[[str], bool] = lambda name: False,
    least: int = 1,
) -> bool:
    """Whether archiving a built row loses nothing of an archived session.

    So it is when every file of the row that has the name of an archived one has its bytes as well,
    or is meant to replace it, which `is_own` tells by the name; and when there are at least `least`
    such files.

    The archived file may be in a scan of another number, which the server may have given it. Where
    several have one name, any of them may be the same: DICOM has its series in its bytes.
    """
    client, about = prearchive.client, ("prearchive session", entry.id)
    held: dict[str, set[str]] = {}
    for one in archived_files(client, session.id):
        held.setdefault(one.name, set()).add(one.digest)
    compared = 0
    for resource in client.rows(entry_path(entry) + "/resources", about=about):
        scan, label = scan_of_resource(resource), resource.get("label", "")
        if not (scan and _is_dicom(label)):
            return False
        below = entry_path(entry) + path("scans", scan, "resources", label, "files")
        for row in prearchive.files(entry, scan, label):
            name = row.get("Name", "")
            if name in held:
                if not is_own(name) and _md5_at(client, below + path(name)) not in held[name]:
                    return False
                compared += 1
    return compared >= least


def some_instance(client: XNATClient, session: Session, scan: str) -> str:
    """The SOP Instance UID of one file of an archived scan; empty where the server tells none.

    Raises XNATCtlError where it cannot be asked: other files would be taken for the same.
    """
    where = f"/archive/projects/{session.project}/experiments/{session.label}/scans/{scan}"
    try:
        rows = client.rows(
            "/data/services/dicomdump", params={"src": where, "field": "SOPInstanceUID"}
        )
    except XNATCtlError as error:
        if is_no_answer(error):
            raise
        return ""
    return rows[0].get("value", "").strip() if rows else ""


def _md5_at(client: XNATClient, uri: str) -> str:
    with client.stream(uri) as stream:
        return size_and_md5(stream.blocks())[1]


def _is_dicom(label: str, format: str = "") -> bool:
    """Whether a resource of a scan holds its images; others hold snapshots, NIfTI and the like."""
    return label in ("DICOM", "secondary") or format == "DICOM"


def _held(scan: str, row: dict[str, str]) -> HeldFile:
    digest = row.get("digest", "").lower()
    return HeldFile(scan, row.get("Name", ""), number(row.get("Size")), digest)
