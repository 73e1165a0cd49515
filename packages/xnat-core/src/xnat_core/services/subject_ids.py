"""Labels of subjects that are the accession ID of another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xnat_core.services.base import document, fields
from xnat_core.services.lookup import (
    LabelTaken,
    holder_of,
    is_found_by_path,
    subjects_in,
)
from xnat_core.urls import path

if TYPE_CHECKING:
    from xnat_core.client import XNATClient


def require_no_id(client: XNATClient, project: str, wanted: str, *, given: bool) -> bool:
    """Raise LabelTaken for a label under which the server would archive for another subject.

    The server takes a label that the project does not have for an accession ID, of whatever
    project. This is met where data come from another XNAT whose subjects have no labels: there
    patients are called by their IDs. `given`: somebody has typed the label, and may mean a subject
    of this project by its ID.

    Returns whether the label, which may be used, is an ID as well: what goes straight into the
    archive is filed by IDs first.
    """
    if not is_found_by_path(wanted):
        return False
    own = fields(document(client, path("data", "subjects", wanted), ("subject", wanted)) or {})
    if own.get("ID") != wanted:
        return False
    if holder_of(client, project, "subjects", wanted) not in (None, wanted):
        return True
    subjects = subjects_in(client, project)
    is_of_project = any(subject.id == wanted for subject in subjects)
    names = {(subject.label or subject.id).lower() for subject in subjects}
    if wanted.lower() in names or (given and is_of_project):
        return True
    label, owner = own.get("label") or wanted, own.get("project")
    other = f"the accession ID of subject {label!r} of {owner}"
    itself = f"{wanted} where that one is meant, " if is_of_project else ""
    said = (
        f"is {other}, for whom the server would take it: name {itself}a label of {project}, "
        "or a new one"
    )
    raise LabelTaken("subject", wanted, said, f"it is {other}")
