"""A subject."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from xnat_core.models.base import Fact, Model, ModelT, children, custom_variables
from xnat_core.models.values import day


@dataclass(frozen=True)
class Subject(Model):
    """A subject, as seen from `project`: a shared one has the label it has there."""

    kind: ClassVar[str] = "subject"
    columns: ClassVar[tuple[str, ...]] = ("id", "label", "session_count")

    id: Annotated[str, Fact("Accession ID")] = ""
    label: Annotated[str, Fact("Label in the project")] = ""
    project: Annotated[str | None, Fact("Project it was listed in")] = None
    primary_project: Annotated[
        str | None, Fact("Project that owns it, where that is another one")
    ] = None
    group: Annotated[str | None, Fact("Group within the study")] = None
    gender: Annotated[str | None, Fact("`male`, `female`, `other` or `unknown`")] = None
    handedness: Annotated[str | None, Fact("`right`, `left`, `ambidextrous` or `unknown`")] = None
    yob: Annotated[int | None, Fact("Year of birth")] = None
    dob: Annotated[str | None, Fact("Date of birth", read=day)] = None
    age: Annotated[float | None, Fact("Age in years")] = None
    height: Annotated[float | None, Fact("Height")] = None
    weight: Annotated[float | None, Fact("Weight")] = None
    race: Annotated[str | None, Fact("Race")] = None
    ethnicity: Annotated[str | None, Fact("Ethnicity")] = None
    education: Annotated[str | None, Fact("Years of education")] = None
    src: Annotated[str | None, Fact("Recruitment source", names=("source",))] = None
    fields: Annotated[Mapping[str, Any], Fact("Custom variables")] = field(default_factory=dict)
    session_count: Annotated[int | None, Fact("Number of sessions")] = None
    insert_date: Annotated[str | None, Fact("When it was created, server time")] = None
    uri: Annotated[str | None, Fact("Path on the server")] = None

    @classmethod
    def from_item(cls: type[ModelT], item: Mapping[str, Any], **known: Any) -> ModelT:
        """Read a single document; the demographics are a child of it."""
        row = dict(item.get("data_fields") or {})
        for child in children(item, "demographics"):
            row.update(child)
        return cls.from_row({"fields": custom_variables(item), **row}, **known)
