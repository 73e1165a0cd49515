"""A project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from xnat_core.models.base import Fact, Model, ModelT, children


@dataclass(frozen=True)
class Project(Model):
    """A project; the counts are known only where they were asked for."""

    kind: ClassVar[str] = "project"
    columns: ClassVar[tuple[str, ...]] = ("id", "name", "pi", "description")
    derived: ClassVar[dict[str, str]] = {"pi": "Principal investigator"}

    id: Annotated[str, Fact("Project ID, unique on the server")] = ""
    name: Annotated[str | None, Fact("Title")] = None
    secondary_id: Annotated[str | None, Fact("Running title")] = None
    description: Annotated[str | None, Fact("Description")] = None
    keywords: Annotated[str | None, Fact("Keywords, as one text")] = None
    pi_firstname: Annotated[str | None, Fact("First name of the investigator", key="")] = None
    # The display listing has one column for the whole name.
    pi_lastname: Annotated[
        str | None, Fact("Last name of the investigator", key="", names=("pi",))
    ] = None
    accessibility: Annotated[
        str | None, Fact("`private`, `protected` or `public`", names=("project_access",))
    ] = None
    subject_count: Annotated[int | None, Fact("Number of subjects")] = None
    session_count: Annotated[int | None, Fact("Number of sessions")] = None
    insert_date: Annotated[str | None, Fact("When it was created, server time")] = None
    uri: Annotated[str | None, Fact("Path on the server")] = None

    @classmethod
    def from_item(cls: type[ModelT], item: Mapping[str, Any], **known: Any) -> ModelT:
        """Read a single document; the investigator is a child of it."""
        for pi in children(item, "PI"):
            known.setdefault("pi_firstname", pi.get("firstname"))
            known.setdefault("pi_lastname", pi.get("lastname"))
        return super().from_item(item, **known)

    @property
    def pi(self) -> str | None:
        """First and last name of the principal investigator."""
        return " ".join(name for name in (self.pi_firstname, self.pi_lastname) if name) or None

    @property
    def label(self) -> str:
        """What people call it: the ID."""
        return self.id
