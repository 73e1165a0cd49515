"""Local DICOM files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from xnat_core.models.base import Fact, Model


@dataclass(frozen=True)
class DicomFile(Model):
    """A DICOM file on this machine."""

    kind: ClassVar[str] = "dicom"
    columns: ClassVar[tuple[str, ...]] = ("path", "valid", "errors", "warnings")

    path: Annotated[str, Fact("Local file")] = ""
    valid: Annotated[bool | None, Fact("Whether nothing required is missing")] = None
    errors: Annotated[tuple[str, ...], Fact("What makes it invalid")] = ()
    warnings: Annotated[tuple[str, ...], Fact("What is worth a look")] = ()
    tags: Annotated[Mapping[str, Any], Fact("Values by DICOM keyword")] = field(
        default_factory=dict
    )
