"""Whether a project takes data from this user, asked before anything is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xnat_core.errors import PermissionDeniedError, XNATCtlError
from xnat_core.services.base import fields
from xnat_core.unasked import is_no_answer
from xnat_core.urls import path
from xnat_core.validation import validate_lookup

if TYPE_CHECKING:
    from xnat_core.client import XNATClient


def admitted(client: XNATClient, project: str) -> str:
    """The ID of a project (`project` may be an alias) to which this user may add data.

    The import service itself would not refuse: it files the data under whatever project they name,
    or under none. Raises ResourceNotFoundError, PermissionDeniedError, and whatever kept
    the server from being asked.
    """
    return admission(client, project)[0]


def admission(client: XNATClient, project: str) -> tuple[str, bool]:
    """As `admitted`, and whether the server tells that the user may: not all list by rights."""
    validate_lookup(project, "project")
    about = ("project", project)
    item = client.item(path("data", "projects", project), about=about)
    id = str(fields(item).get("ID") or project)
    try:
        rows = client.rows(
            path("data", "projects"),
            params={"restrict": "edit", "allDataOverride": True, "columns": "ID"},
        )
    except XNATCtlError as error:
        if is_no_answer(error):
            raise
        # The answers to the upload will tell it as well, only later.
        return id, False
    if id not in {row.get("ID") or row.get("id") for row in rows}:
        raise PermissionDeniedError(f"project {id}", "upload to")
    return id, True
