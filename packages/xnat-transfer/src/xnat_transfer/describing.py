"""What the source knows of sessions, scans and assessors, written on the destination."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from xnat_core.bodies import BytesBody
from xnat_core.models import Scan, Session
from xnat_core.services.base import document, fields
from xnat_core.services.routes import require_own_route
from xnat_core.services.sessions import session_path
from xnat_core.transfer_errors import TransferConflictError
from xnat_core.urls import path
from xnat_core.validation import label_there
from xnat_transfer.contents import Assessor
from xnat_transfer.metadata import overlay
from xnat_transfer.route import Route


def unmakeable(id: str, awaited: Collection[str], scans: Mapping[str, str]) -> str | None:
    """Why a scan that the destination does not have cannot be made there, or None."""
    if id in awaited:
        return (
            f"the destination kept none of the DICOM of scan {id}; its anonymization may reject it"
        )
    if id in scans.values():
        # To make it would give its metadata to the other.
        return f"scan {id} has no DICOM, and the destination has given its ID to another scan"
    return None


class Describer:
    """Writes metadata into one session of the destination."""

    def __init__(self, route: Route, there: Session) -> None:
        self.route = route
        self.there = there
        self._about = ("session", there.label)

    def session(self, id: str, scans: Mapping[str, str]) -> None:
        """Overlay the document of a session of the source.

        `scans` maps those that are let through to their IDs on the destination.
        """
        fit = self._overlay(id, id_there=self.there.id, scans=scans)
        where = session_path(self.there)
        require_own_route(self.route.dest, where)
        self._put(where, fit)

    def scan(self, scan: Scan) -> None:
        """Make a scan that has no DICOM to come from."""
        self.route.dest.put(
            path("data", "experiments", self.there.id, "scans", scan.id),
            params={
                "xsiType": scan.xsi_type,
                "type": scan.type,
                "quality": scan.quality,
                "note": scan.note,
                "series_description": scan.series_description,
            },
            accept={409},
            about=self._about,
            repeatable=True,
        )

    def assessor(self, assessor: Assessor, id_there: str) -> None:
        """Make an assessor, or describe the one that is there. Raises TransferConflictError."""
        name = id_there or label_there(assessor.label)
        if not id_there:
            self._require_free(assessor.label, name)
        where = path("data", "experiments", self.there.id, "assessors", name)
        fit = None
        if self.route.config.transfer_xml_metadata:
            fit = self._overlay(assessor.id, id_there=id_there, session=self.there.id)
        self._put(where, fit, assessor.xsi_type)

    def _require_free(self, label: str, name: str) -> None:
        """Look that no other experiment of the project has a label: the server may take that one.

        Raises TransferConflictError.
        """
        where = path("data", "projects", self.route.project, "experiments", name)
        own = fields(document(self.route.dest, where, ("experiment", name)) or {})
        if own.get("ID") and own.get("imageSession_ID") != self.there.id:
            reason = f"it is no assessor of {self.there.label}"
            raise TransferConflictError("assessor", label, str(own["ID"]), reason)

    def _overlay(
        self,
        id: str,
        *,
        id_there: str,
        scans: Mapping[str, str] | None = None,
        session: str = "",
    ) -> bytes:
        where = path("data", "experiments", id)
        answer = self.route.source.get(where, params={"format": "xml"}, about=("experiment", id))
        return overlay(
            bytes(answer.content),
            id=id_there,
            project=self.route.project,
            scans=scans,
            session=session,
            anonymized=self.route.anonymizes is not False,
        )

    def _put(self, where: str, document: bytes | None, xsi_type: str | None = None) -> None:
        self.route.dest.put(
            where,
            params={"xsiType": xsi_type},
            body=BytesBody(document, "text/xml") if document else None,
            about=self._about,
            repeatable=True,
        )
