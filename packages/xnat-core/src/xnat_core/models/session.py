"""A session: an experiment of a subject."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from xnat_core.models.base import Fact, Model, ModelT, custom_variables
from xnat_core.models.datatypes import modality_of, type_in
from xnat_core.models.values import day, text


@dataclass(frozen=True)
class Session(Model):
    """A session, as seen from `project`: a shared one has the label it has there."""

    kind: ClassVar[str] = "session"
    columns: ClassVar[tuple[str, ...]] = ("id", "label", "subject", "date", "modality")

    id: Annotated[str, Fact("Accession ID", names=("session_ID",))] = ""
    label: Annotated[str, Fact("Label in the project", names=("session_label",))] = ""
    project: Annotated[str | None, Fact("Project it was listed in")] = None
    subject_id: Annotated[
        str | None,
        Fact("Accession ID of the subject", names=("xnat:subjectassessordata/subject_id",)),
    ] = None
    subject_label: Annotated[str | None, Fact("Label of the subject", key="subject")] = None
    xsi_type: Annotated[
        str | None, Fact("Data type, e.g. `xnat:mrSessionData`", names=("xsiType", "xsi:type"))
    ] = None
    modality: Annotated[str | None, Fact("Modality; where not stored, that of the type")] = None
    session_date: Annotated[
        str | None, Fact("Day of acquisition, `YYYY-MM-DD`", key="date", names=("date",), read=day)
    ] = None
    time: Annotated[str | None, Fact("Time of acquisition, `HH:MM:SS`")] = None
    scanner: Annotated[
        str | None, Fact("Scanner", names=("scanner/model", "scanner/manufacturer"))
    ] = None
    operator: Annotated[str | None, Fact("Who operated the scanner")] = None
    visit_id: Annotated[str | None, Fact("Visit", names=("visit",))] = None
    note: Annotated[str | None, Fact("Note")] = None
    uid: Annotated[str | None, Fact("Study instance UID", names=("studyInstanceUID",))] = None
    fields: Annotated[Mapping[str, Any], Fact("Custom variables")] = field(default_factory=dict)
    scan_count: Annotated[int | None, Fact("Number of scans")] = None
    resource_count: Annotated[int | None, Fact("Number of resources of the session itself")] = None
    insert_date: Annotated[str | None, Fact("When it was created, server time")] = None
    uri: Annotated[str | None, Fact("Path on the server")] = None

    @classmethod
    def deduced(cls, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """The modality, which is that of the data type where none is stored."""
        return {"modality": text(row.get("modality")) or modality_of(type_in(row))}

    @classmethod
    def from_item(cls: type[ModelT], item: Mapping[str, Any], **known: Any) -> ModelT:
        """Read a single document with its custom variables."""
        return super().from_item(item, fields=custom_variables(item) or None, **known)
