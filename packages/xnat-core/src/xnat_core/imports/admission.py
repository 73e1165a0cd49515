"""Whether a project takes data from this user, asked before anything is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xnat_core.errors import PermissionDeniedError, XNATCtlError
from xnat_core.services.base import fields
from xnat_core.urls import path
from xnat_core.validation import validate_lookup

if TYPE_CHECKING:
    from xnat_core.client import XNATClient


def admitted(client: XNATClient, project: str) -> str:
    """The ID of a project (`project` may be an alias) to which this user may add data.

    The import service itself would not refuse: it files the data under whatever project they name,
    or under none. Raises ResourceNotFoundError and PermissionDeniedError.
    """
    validate_lookup(project, "project")
    about = ("project", project)
    item = client.item(path("data", "projects", project), about=about)
    id = str(fields(item).get("ID") or project)
    try:
        rows = client.rows(
            path("data", "projects"),
            params={"restrict": "edit", "allDataOverride": True, "columns": "ID"},
        )
    except XNATCtlError:
        # The answers to the upload will tell it as well, only later.
        return id
    if id not in {row.get("ID") or row.get("id") for row in rows}:
        raise PermissionDeniedError(f"project {id}", "upload to")
    return id
