"""Making sure that a route below a project leads to the object whose accession ID is in it.

Below a project the server takes a name for a label first, and for an accession ID only when nothing
has that label. So something whose label is the accession ID of another object would be changed,
moved or deleted in its place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from xnat_core.errors import ValidationError
from xnat_core.services.lookup import identifier_of
from xnat_core.urls import path

if TYPE_CHECKING:
    from xnat_core.client import XNATClient


class LabelInTheWay(ValidationError):
    """An accession ID is the label of `other` in its project, which a request would reach."""

    def __init__(self, kind: str, id: str, other: str, project: str) -> None:
        super().__init__(
            f"{kind} {id}: the server would take {other} for it, which has that for a label in "
            f"project {project}; give {other} another label first",
            kind,
        )


def require_own_route(client: XNATClient, where: str) -> None:
    """Look that no label is in the way of the accession IDs of a route, before it changes anything.

    Raises LabelInTheWay.
    """
    _, root, *parts = (unquote(part) for part in where.strip("/").split("/"))
    if root != "projects":
        return
    project, levels = parts[0], dict(zip(parts[1::2], parts[2::2], strict=False))
    for level in ("subjects", "experiments"):
        if level in levels:
            _require_no_label(client, project, level, levels[level])


def _require_no_label(client: XNATClient, project: str, level: str, id: str) -> None:
    rows = client.rows(
        path("data", "projects", project, level),
        params={"columns": "ID,label", "label": id},
        about=("project", project),
    )
    for row in rows:
        other = identifier_of(row)
        if row.get("label") == id and other != id:
            raise LabelInTheWay(level.removesuffix("s"), id, other or "another", project)
