"""Local DICOM files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from xnat_core.models.base import Fact, Model


@dataclass(frozen=True)
class DicomFile(Model):
    """A DICOM file on this machine, or all those of one series or study.

    Of a series or study `path` is the folder, when nothing else is in it; else it has only
    `folder`. What identifies a patient is there only when it was asked for.
    """

    kind: ClassVar[str] = "dicom"
    columns: ClassVar[tuple[str, ...]] = ("path", "valid", "errors", "warnings")

    path: Annotated[str | None, Fact("Local file, or the folder of a series or study")] = None
    folder: Annotated[str | None, Fact("Folder that holds also files of others")] = None
    source: Annotated[str | None, Fact("File that this one was made from")] = None
    study_uid: Annotated[str | None, Fact("Study Instance UID")] = None
    series_uid: Annotated[str | None, Fact("Series Instance UID")] = None
    instance_uid: Annotated[str | None, Fact("SOP Instance UID")] = None
    sop_class: Annotated[str | None, Fact("SOP Class UID")] = None
    modality: Annotated[str | None, Fact("Modality, of a study several with commas")] = None
    date: Annotated[str | None, Fact("Day of the study, `YYYY-MM-DD`")] = None
    study_description: Annotated[str | None, Fact("Description of the study")] = None
    series_number: Annotated[int | None, Fact("Number of the series")] = None
    series_description: Annotated[str | None, Fact("Description of the series")] = None
    instance_number: Annotated[int | None, Fact("Number of the instance")] = None
    patient_id: Annotated[str | None, Fact("Patient ID, when asked for")] = None
    patient_name: Annotated[str | None, Fact("Patient's name, when asked for")] = None
    patient_birth_date: Annotated[str | None, Fact("Day of birth, when asked for")] = None
    patient_sex: Annotated[str | None, Fact("`M`, `F` or `O`, when asked for")] = None
    series_count: Annotated[int | None, Fact("Number of series, of a study")] = None
    files: Annotated[int | None, Fact("Number of files, of a series or study")] = None
    bytes: Annotated[int | None, Fact("Size")] = None
    valid: Annotated[bool | None, Fact("Whether nothing required is missing")] = None
    errors: Annotated[tuple[str, ...], Fact("What makes it invalid")] = ()
    warnings: Annotated[tuple[str, ...], Fact("What is worth a look")] = ()
    changed: Annotated[tuple[str, ...], Fact("Keywords whose values were changed")] = ()
    tags: Annotated[Mapping[str, Any], Fact("Values by DICOM keyword")] = field(
        default_factory=dict
    )


@dataclass(frozen=True)
class DicomTag(Model):
    """One element of a DICOM file."""

    kind: ClassVar[str] = "dicom_tag"
    columns: ClassVar[tuple[str, ...]] = ("tag", "vr", "name", "value")

    path: Annotated[str, Fact("Local file")] = ""
    tag: Annotated[str, Fact("Group and element, `(0010,0020)`")] = ""
    vr: Annotated[str | None, Fact("Value representation")] = None
    keyword: Annotated[str | None, Fact("Keyword of the dictionary")] = None
    name: Annotated[str | None, Fact("Name of the dictionary")] = None
    value: Annotated[
        str | None, Fact("Value as text; of binary ones and sequences only how much there is")
    ] = None
