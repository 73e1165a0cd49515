"""A scan of a session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from xnat_core.models.base import Fact, Model
from xnat_core.models.datatypes import modality_of, type_in
from xnat_core.models.values import text


@dataclass(frozen=True)
class Scan(Model):
    """A scan; what is in it is known only where it was asked for."""

    kind: ClassVar[str] = "scan"
    columns: ClassVar[tuple[str, ...]] = ("id", "type", "series_description", "quality", "frames")

    id: Annotated[str, Fact("Scan ID, unique in the session")] = ""
    project: Annotated[str | None, Fact("Project of the session")] = None
    subject: Annotated[str | None, Fact("Label of the subject")] = None
    subject_id: Annotated[str | None, Fact("Accession ID of the subject")] = None
    session: Annotated[str | None, Fact("Label of the session")] = None
    session_id: Annotated[
        str | None, Fact("Accession ID of the session", names=("image_session_ID",))
    ] = None
    type: Annotated[str | None, Fact("Kind of scan, e.g. `T1w`")] = None
    series_description: Annotated[str | None, Fact("Series description")] = None
    quality: Annotated[str | None, Fact("`usable`, `questionable` or `unusable`")] = None
    condition: Annotated[str | None, Fact("Condition")] = None
    note: Annotated[str | None, Fact("Note")] = None
    frames: Annotated[int | None, Fact("Number of frames")] = None
    start_time: Annotated[
        str | None, Fact("Start of the scan, `HH:MM:SS`", names=("startTime", "scanTime"))
    ] = None
    scanner: Annotated[str | None, Fact("Scanner", names=("scanner/model",))] = None
    modality: Annotated[str | None, Fact("Modality; where not stored, that of the type")] = None
    xsi_type: Annotated[
        str | None, Fact("Data type, e.g. `xnat:mrScanData`", names=("xsiType", "xsi:type"))
    ] = None
    uid: Annotated[str | None, Fact("Series instance UID")] = None
    file_count: Annotated[int | None, Fact("Number of files in all its resources")] = None
    file_size: Annotated[int | None, Fact("Size of all its resources in bytes")] = None
    uri: Annotated[str | None, Fact("Path on the server")] = None

    @classmethod
    def deduced(cls, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """The modality, which is that of the data type where none is stored."""
        return {"modality": text(row.get("modality")) or modality_of(type_in(row))}

    @property
    def scan_id(self) -> str:
        """The scan ID."""
        return self.id
