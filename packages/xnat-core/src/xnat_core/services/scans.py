"""Scans of sessions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from xnat_core import arguments
from xnat_core.arguments import named, several, switch
from xnat_core.errors import (
    OperationError,
    ResourceNotFoundError,
    ValidationError,
)
from xnat_core.models import Scan, Session, children
from xnat_core.models.values import number, total
from xnat_core.services.base import (
    BaseService,
    Row,
    Rows,
    columns_of,
    delete,
    document,
    fields,
    listing,
    same,
    written,
)
from xnat_core.services.lookup import find_session, identifier_of
from xnat_core.urls import path
from xnat_core.validation import validate_lookup, validate_workers
from xnat_core.writers import natural

if TYPE_CHECKING:
    from xnat_core.client import XNATClient
    from xnat_core.services.many import OnCount

COLUMNS = "ID,type,quality,xsiType,note,series_description,frames,condition"
QUALITIES = ("usable", "questionable", "unusable")
ALL = "*"

Scans = list[Scan]


class ScanService(BaseService):
    """Lists, edits and removes the scans of a session.

    Everything goes through the accession ID of the session: below a project and a session label
    the server takes a scan's path for that of the session.
    """

    def list(
        self,
        session_id: str | None = None,
        project: str | None = None,
        columns: Iterable[str] | str | None = None,
        *,
        session: str | None = None,
    ) -> Scans:
        """The scans of a session, scan 2 before scan 10."""
        return scans_of(
            self.client,
            self._session(session_id, session, project),
            columns_of(columns, COLUMNS),
        )

    def get(
        self,
        session_id: str | None = None,
        scan_id: str | None = None,
        project: str | None = None,
        *,
        session: str | None = None,
        scan: str | None = None,
    ) -> Scan:
        """One scan with what is in its resources. Raises ResourceNotFoundError."""
        wanted = named(scan_id, scan, "scan_id", "scan")
        return find_scan(self.client, self._session(session_id, session, project), wanted)

    def delete(
        self,
        session_id: str | None = None,
        scan_id: str | None = None,
        project: str | None = None,
        remove_files: bool = False,
        *,
        session: str | None = None,
        scan: str | None = None,
    ) -> bool:
        """Delete one scan. Raises ResourceNotFoundError."""
        remove_files = switch(remove_files, "remove_files")
        wanted = named(scan_id, scan, "scan_id", "scan")
        found = find_scan(self.client, self._session(session_id, session, project), wanted)
        delete_scan(self.client, found, remove_files=remove_files)
        return True

    def delete_multiple(
        self,
        session_id: str | None = None,
        scan_ids: str | Iterable[str] = (),
        project: str | None = None,
        remove_files: bool = False,
        parallel: bool = True,
        workers: int = 4,
        progress_callback: OnCount | None = None,
        *,
        session: str | None = None,
    ) -> dict[str, Any]:
        """Delete several scans; `"*"` is all of them. One failure does not stop the rest.

        Returns `deleted` and `failed` (scan IDs), `errors` (texts) and `total`. The callback gets
        how many are done and how many there are.
        """
        from xnat_core.services.many import do_to_each

        given = [validate_lookup(scan, "scan") for scan in several(scan_ids, "scan_ids")]
        remove_files = switch(remove_files, "remove_files")
        at_once = validate_workers(workers) if parallel else 1
        arguments.callback(progress_callback)
        owner = self._session(session_id, session, project)
        present = {scan.id: scan for scan in scans_of(self.client, owner)}
        wanted = list(present) if ALL in given else list(dict.fromkeys(given))

        def delete(scan_id: str) -> None:
            if scan_id not in present:
                raise ResourceNotFoundError("scan", f"{owner.label}/{scan_id}")
            delete_scan(self.client, present[scan_id], remove_files=remove_files)

        many = do_to_each(delete, wanted, at_once, progress_callback, "scan")
        return {
            "deleted": sorted(many.done, key=natural),
            "failed": sorted(many.failed, key=natural),
            "errors": many.errors,
            "total": len(wanted),
        }

    def get_resources(self, session_id: str, scan_id: str, project: str | None = None) -> Rows:
        """The rows of the scan's resources, as the server writes them."""
        session = self._session(session_id, None, project)
        validate_lookup(scan_id, "scan")
        return self.client.rows(
            path("data", "experiments", session.id, "scans", scan_id, "resources"),
            about=("scan", f"{session.label}/{scan_id}"),
        )

    def set_quality(
        self, session_id: str, scan_id: str, quality: str, project: str | None = None
    ) -> bool:
        """Mark a scan as usable, questionable or unusable, and read it back."""
        if quality not in QUALITIES:
            raise ValidationError(
                f"quality {quality!r}: must be one of {', '.join(QUALITIES)}", "quality", quality
            )
        return self.set_field(session_id, scan_id, "quality", quality, project)

    def set_note(
        self, session_id: str, scan_id: str, note: str, project: str | None = None
    ) -> bool:
        """Write the note of a scan, and read it back."""
        return self.set_field(session_id, scan_id, "note", note, project)

    def set_field(
        self, session_id: str, scan_id: str, field: str, value: str, project: str | None = None
    ) -> bool:
        """Set a field that all kinds of scans have, and read it back.

        Raises OperationError when the server did not store it: it answers 200 all the same.
        """
        arguments.text(field, "field")
        value = written(value)
        session = self._session(session_id, None, project)
        scan = find_scan(self.client, session, scan_id)
        set_scan_field(self.client, scan, field, value)
        return True

    def _session(self, value: str | None, alias: str | None, project: str | None) -> Session:
        return find_session(self.client, named(value, alias, "session_id", "session"), project)


def scans_of(client: XNATClient, session: Session, columns: str = COLUMNS) -> Scans:
    """The scans of a session, scan 2 before scan 10. Raises ResourceNotFoundError."""
    params = {"columns": columns}
    below = ("experiments", session.id, "scans")
    about = ("session", session.label or session.id)
    rows = list(listing(client, *below, params=params, about=about))
    if not rows and (session.xsi_type or "").endswith("SessionData"):
        # Some servers list the scans of rarer types only when asked for the type.
        scan_type = str(session.xsi_type).replace("SessionData", "ScanData")
        params["xsiType"] = scan_type
        rows = list(listing(client, *below, params=params, about=about))
    scans = (Scan.from_row(row, id=identifier_of(row), **_parents(session)) for row in rows)
    return sorted((_located(scan) for scan in scans if scan.id), key=lambda scan: natural(scan.id))


def find_scan(client: XNATClient, session: Session, scan_id: str) -> Scan:
    """One scan of a session with what is in its resources. Raises ResourceNotFoundError."""
    return scan_of_item(scan_item(client, session, scan_id), session)


def scan_item(client: XNATClient, session: Session, scan_id: str) -> Row:
    """The document of a scan. Raises ResourceNotFoundError."""
    validate_lookup(scan_id, "scan")
    about = ("scan", f"{session.label or session.id}/{scan_id}")
    where = path("data", "experiments", session.id, "scans", scan_id)
    item = document(client, where, about)
    # A route that fell back to the session's document must not pass for the scan.
    if item is None or str(fields(item).get("ID")) != scan_id:
        raise ResourceNotFoundError(*about)
    return item


def scan_of_item(item: Mapping[str, Any], session: Session) -> Scan:
    """The scan that a document of this session tells of."""
    files = children(item, "file")
    return _located(
        Scan.from_item(
            item,
            **_parents(session),
            file_count=_sum(files, "file_count"),
            file_size=_sum(files, "file_size"),
        )
    )


def delete_scan(client: XNATClient, scan: Scan, *, remove_files: bool = False) -> None:
    """Delete a scan that was found, and look that it is gone.

    Raises ResourceNotFoundError, OperationError when it is still there.
    """
    if not (scan.id and scan.session_id):
        raise ResourceNotFoundError("scan", scan.id)
    where = path("data", "experiments", scan.session_id, "scans", scan.id)
    about = ("scan", f"{scan.session or scan.session_id}/{scan.id}")
    delete(client, where, about, remove_files=remove_files)


def set_scan_field(client: XNATClient, scan: Scan, field: str, value: str) -> None:
    """Set a field that all kinds of scans have (`quality`, `note`, `type` …), and read it back.

    Raises OperationError when the server did not store it.
    """
    where = path("data", "experiments", str(scan.session_id), "scans", scan.id)
    about = ("scan", f"{scan.session or scan.session_id}/{scan.id}")
    stored: object = None
    # The path of the parent type is the documented key; some types take only the short name.
    for key in (f"xnat:imageScanData/{field}", field):
        params = {"xsiType": scan.xsi_type, key: value}
        client.put(where, params=params, about=about, repeatable=True)
        # What is not there would have an emptied field, too.
        stored = fields(client.item(where, about=about)).get(field)
        if same(stored, value):
            return
    raise OperationError("set", f"scan {about[1]}: {field} is {stored!r}, not {value!r}")


def _parents(session: Session) -> dict[str, str | None]:
    return {
        "project": session.project,
        "subject": session.subject_label,
        "subject_id": session.subject_id,
        "session": session.label or None,
        "session_id": session.id,
    }


def _located(scan: Scan) -> Scan:
    return replace(scan, uri=path("data", "experiments", str(scan.session_id), "scans", scan.id))


def _sum(rows: Rows, key: str) -> int | None:
    return total(number(row.get(key)) for row in rows) if rows else None
