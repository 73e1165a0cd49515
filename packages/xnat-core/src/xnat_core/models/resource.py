"""Resources (named folders of files) and the files in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from xnat_core.errors import InvalidIdentifierError
from xnat_core.models.base import Fact, Model, ModelT
from xnat_core.models.values import lowered, text
from xnat_core.urls import path_of_uri

_UNITS = ("B", "KB", "MB", "GB", "TB", "PB")


@dataclass(frozen=True)
class Resource(Model):
    """A resource of a project, subject, session, scan or assessor."""

    kind: ClassVar[str] = "resource"
    columns: ClassVar[tuple[str, ...]] = ("label", "format", "file_count", "file_size", "content")

    id: Annotated[str | None, Fact("Number on the server", names=("xnat_abstractresource_id",))] = (
        None
    )
    label: Annotated[str, Fact("Label, unique within its parent")] = ""
    project: Annotated[str | None, Fact("Project")] = None
    subject: Annotated[str | None, Fact("Label of the subject")] = None
    subject_id: Annotated[str | None, Fact("Accession ID of the subject")] = None
    session: Annotated[str | None, Fact("Label of the session")] = None
    session_id: Annotated[str | None, Fact("Accession ID of the session")] = None
    scan_id: Annotated[str | None, Fact("Scan ID", key="scan")] = None
    assessor: Annotated[str | None, Fact("Accession ID of the assessor")] = None
    category: Annotated[
        str | None, Fact("`resources`, `scans`, `assessors` or `reconstructions`")
    ] = None
    format: Annotated[str | None, Fact("Format, e.g. `DICOM`", names=("file_format",))] = None
    content: Annotated[str | None, Fact("Content, e.g. `RAW`", names=("file_content",))] = None
    file_count: Annotated[int | None, Fact("Number of files")] = None
    file_size: Annotated[int | None, Fact("Size of all files in bytes")] = None
    tags: Annotated[str | None, Fact("Tags", names=("file_tags",))] = None
    uri: Annotated[str | None, Fact("Path on the server")] = None

    @property
    def file_size_mb(self) -> float:
        """Size in MiB; zero when unknown."""
        return (self.file_size or 0) / (1024 * 1024)

    @property
    def file_size_display(self) -> str:
        """Size for people, `88.4 MB`; a dash when unknown."""
        if self.file_size is None:
            return "-"
        size = float(self.file_size)
        for unit in _UNITS:
            if size < 1024 or unit == _UNITS[-1]:
                break
            size /= 1024
        return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"


@dataclass(frozen=True)
class ResourceFile(Model):
    """A file of a resource."""

    kind: ClassVar[str] = "file"
    columns: ClassVar[tuple[str, ...]] = ("scan", "resource", "path", "size", "digest")

    name: Annotated[str, Fact("Name without folders")] = ""
    path: Annotated[str, Fact("Path within the resource, with `/`")] = ""
    project: Annotated[str | None, Fact("Project")] = None
    subject: Annotated[str | None, Fact("Label of the subject")] = None
    subject_id: Annotated[str | None, Fact("Accession ID of the subject")] = None
    session: Annotated[str | None, Fact("Label of the session")] = None
    session_id: Annotated[str | None, Fact("Accession ID of the session")] = None
    scan_id: Annotated[str | None, Fact("Scan ID", key="scan")] = None
    assessor: Annotated[str | None, Fact("Accession ID of the assessor")] = None
    collection: Annotated[str | None, Fact("Label of the resource", key="resource")] = None
    size: Annotated[int | None, Fact("Size in bytes", names=("file_size",))] = None
    digest: Annotated[
        str | None,
        Fact("MD5 in lower-case hexadecimal; absent when never computed", read=lowered),
    ] = None
    format: Annotated[str | None, Fact("Format, e.g. `DICOM`", names=("file_format",))] = None
    content_type: Annotated[
        str | None, Fact("Content, e.g. `RAW`", key="content", names=("content", "file_content"))
    ] = None
    tags: Annotated[str | None, Fact("Tags", names=("file_tags",))] = None
    uri: Annotated[str | None, Fact("Path on the server, percent-encoded")] = None

    @property
    def resource(self) -> str | None:
        """Label of the resource it is in."""
        return self.collection

    @classmethod
    def from_row(cls: type[ModelT], row: Mapping[str, Any], **known: Any) -> ModelT:
        """Read a row of a files listing.

        The server's `Name` lacks the folders, and its `URI` is not percent-encoded: the path
        comes from the one, the `uri` that can be asked for is made of it.
        """
        raw = text(row.get("URI"))
        if raw:
            known.setdefault("path", relative_path(raw) or None)
            known.setdefault("uri", _encoded(raw))
            row = {key: value for key, value in row.items() if key != "URI"}
        known.setdefault("path", row.get("path") or row.get("Name") or row.get("name"))
        return super().from_row(row, **known)


def relative_path(uri: str) -> str:
    """The path of a file within its resource: what follows the first `/files/` after the
    resource's own name (a folder may be called `files` as well)."""
    _, _, below = uri.partition("/resources/")
    _, _, path = below.partition("/files/")
    return path or uri.partition("/files/")[2]


def _encoded(uri: str) -> str | None:
    """The path to ask for; none for a name such as `..`, which cannot be asked for."""
    try:
        return path_of_uri(uri)
    except InvalidIdentifierError:
        return None
