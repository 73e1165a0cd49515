"""The records of files and resources that this tool makes itself."""

from __future__ import annotations

from functools import lru_cache
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
    """The record of a file, as `ResourceFile` makes it, with `facts` at its end."""
    record = dict(_head(server, group))
    try:
        record["uri"] = file_uri(group, inside)
    except XNATCtlError:
        del record["uri"]
    record["name"] = inside.rpartition("/")[2]
    record["path"] = inside
    if group.place.level == "assessor":
        record["assessor"] = group.place.facts()["assessor"]
    if size is not None:
        record["size"] = size
    if digest is not None:
        record["digest"] = digest
    if group.format is not None:
        record["format"] = group.format
    return {**record, **facts}


@lru_cache(maxsize=256)
def _head(server: str, group: Group) -> Record:
    """What the records of all files of a resource begin with; `uri` only keeps its place."""
    file = ResourceFile(
        collection=group.label, uri="-", scan_id=group.place.scan, **_parents(group)
    )
    record = file.to_record(server)
    record.pop("assessor", None)
    return record


def resource_record(server: str, group: Group) -> Record:
    """The record of a resource."""
    resource = Resource(
        label=group.label, uri=group.archive_uri, scan_id=group.place.scan, **_parents(group)
    )
    return resource.to_record(server)


def _parents(group: Group) -> dict[str, Any]:
    known = group.place.facts()
    return {key: known[key] for key in _FACTS}
