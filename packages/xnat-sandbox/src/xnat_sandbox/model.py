"""What the archive holds, as plain values.

`fields` of an item maps XML paths below its own element to values: `date`, `scanner/model`,
`demographics/gender`, `fields/field[name=X]/field`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Value = str | int | float
Fields = Mapping[str, Value]
OwnerKind = Literal["project", "subject", "experiment", "scan", "reconstruction"]


@dataclass(frozen=True, slots=True)
class Project:
    """A project; `id` is also its directory."""

    id: str
    accessibility: str
    prearchive_code: int
    quarantine_code: int
    current_arc: str
    aliases: tuple[str, ...]
    fields: Fields
    inserted: str
    insert_user: str

    @property
    def name(self) -> str:
        """The title, the id when none was given."""
        return str(self.fields.get("name", self.id))

    @property
    def secondary_id(self) -> str:
        """The running title, the id when none was given."""
        return str(self.fields.get("secondary_ID", self.id))


@dataclass(frozen=True, slots=True)
class Share:
    """An item seen from another project, under `label` there (None: its own label)."""

    number: int
    item: str
    project: str
    label: str | None


@dataclass(frozen=True, slots=True)
class Subject:
    """A subject by its accession id."""

    id: str
    project: str
    label: str
    fields: Fields
    inserted: str
    insert_user: str
    modified: str


@dataclass(frozen=True, slots=True)
class Experiment:
    """A session, another experiment of a subject, or (with `session_id`) an assessor."""

    id: str
    project: str
    label: str
    xsi_type: str
    subject_id: str | None
    session_id: str | None
    arc: str
    status: str
    fields: Fields
    inserted: str
    insert_user: str
    modified: str


@dataclass(frozen=True, slots=True)
class Scan:
    """A scan; `number` is site-wide (`xnat_imagescandata_id`), `id` counts in the session."""

    number: int
    session_id: str
    id: str
    xsi_type: str
    fields: Fields
    inserted: str
    insert_user: str


@dataclass(frozen=True, slots=True)
class Reconstruction:
    """A reconstructed image of a session."""

    number: int
    session_id: str
    id: str
    fields: Fields
    inserted: str
    insert_user: str


@dataclass(frozen=True, slots=True)
class Owner:
    """What a resource hangs on. `key` is an id, or the number of a scan or reconstruction."""

    kind: OwnerKind
    key: str
    direction: str = ""

    @classmethod
    def of(
        cls,
        item: Project | Subject | Experiment | Scan | Reconstruction,
        direction: str = "",
    ) -> Owner:
        """The owner that an item is; assessors and reconstructions have `in` and `out` files."""
        match item:
            case Project():
                return cls("project", item.id)
            case Subject():
                return cls("subject", item.id)
            case Experiment():
                return cls("experiment", item.id, direction or ("out" if item.session_id else ""))
            case Scan():
                return cls("scan", str(item.number))
            case Reconstruction():
                return cls("reconstruction", str(item.number), direction or "out")


@dataclass(frozen=True, slots=True)
class Resource:
    """A folder of files. Counts are None until somebody computed them."""

    number: int
    owner: Owner
    label: str
    format: str
    content: str
    tags: str
    description: str
    file_count: int | None
    file_size: int | None

    @property
    def folder(self) -> str:
        """The name of the directory, and the way to address it in a URL."""
        return self.label or str(self.number)


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A line of a resource's catalog; `digest` is empty when none was computed."""

    resource: int
    path: str
    size: int
    digest: str
    format: str
    content: str
    tags: str


@dataclass(frozen=True, slots=True)
class User:
    """An account."""

    number: int
    login: str
    first_name: str
    last_name: str
    email: str
    enabled: bool
    verified: bool
    modified: str
    last_login: str


@dataclass(frozen=True, slots=True)
class Workflow:
    """One change or one job."""

    number: int
    id: str
    project: str
    data_type: str
    pipeline_name: str
    status: str
    launch_time: str
    user: str
    type: str = "WEB_SERVICE"
    category: str = "DATA"
    justification: str = ""
    comments: str = ""
    details: str = ""
    percent_complete: str = ""
    step_id: str = ""
    step_description: str = ""
    job_id: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
