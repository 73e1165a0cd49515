"""Labels of subjects that are the accession ID of another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xnat_core.services.base import document, fields
from xnat_core.services.lookup import (
    ACCESSION_OF_SUBJECT,
    LabelTaken,
    holder_of,
    subjects_in,
)
from xnat_core.urls import path

if TYPE_CHECKING:
    from xnat_core.client import XNATClient


def require_no_id(client: XNATClient, project: str, wanted: str, *, given: bool) -> bool:
    """Raise LabelTaken for a label under which the server would archive for another subject.

    One that the project does not have it takes for an ID, of whatever project; and patients are
    called by the IDs of another XNAT whose subjects have no labels. What was `given` by somebody
    may mean a subject of this project by its ID. Returns whether the label is an ID all the same:
    what goes straight into the archive is filed by IDs first.
    """
    if not ACCESSION_OF_SUBJECT.fullmatch(wanted):
        return False
    own = fields(document(client, path("data", "subjects", wanted), ("subject", wanted)) or {})
    if own.get("ID") != wanted:
        return False
    if holder_of(client, project, "subjects", wanted) not in (None, wanted):
        return True
    meant = ""
    for subject in subjects_in(client, project):
        name = subject.label or subject.id
        if name.lower() == wanted.lower() or (given and subject.id == wanted):
            return True
        if subject.id == wanted:
            meant = f"{wanted} where that one is meant, "
    label, owner = own.get("label") or wanted, own.get("project")
    other = f"the accession ID of subject {label!r} of {owner}"
    said = (
        f"is {other}, for whom the server would take it: name {meant}a label of {project}, "
        "or a new one"
    )
    raise LabelTaken("subject", wanted, said, f"it is {other}")
