"""The records of files and resources that this tool makes itself."""

from __future__ import annotations

from typing import Any

from xnat_core.errors import XNATCtlError
from xnat_core.models import Resource, ResourceFile
from xnat_core.records import Record
from xnat_core.urls import path
from xnat_download.inventory import Group

_FACTS = ("project", "subject", "subject_id", "session", "session_id", "assessor")


def file_uri(group: Group, inside: str) -> str:
    """The path to ask for a file. Raises InvalidIdentifierError for `..` and its like."""
    return f"{group.uri}/files{path(*inside.split('/'))}"


def file_record(
    server: str, group: Group, inside: str, size: int | None, digest: str | None, **facts: Any
) -> Record:
    """The record of a file, with `facts` at its end."""
    try:
        uri: str | None = file_uri(group, inside)
    except XNATCtlError:
        uri = None
    file = ResourceFile(
        name=inside.rpartition("/")[2],
        path=inside,
        collection=group.label,
        size=size,
        digest=digest,
        format=group.format,
        uri=uri,
        scan_id=group.place.scan,
        **_parents(group),
    )
    return {**file.to_record(server), **facts}


def resource_record(server: str, group: Group) -> Record:
    """The record of a resource."""
    resource = Resource(
        label=group.label, uri=group.archive_uri, scan_id=group.place.scan, **_parents(group)
    )
    return resource.to_record(server)


def _parents(group: Group) -> dict[str, Any]:
    known = group.place.facts()
    return {key: known[key] for key in _FACTS}
