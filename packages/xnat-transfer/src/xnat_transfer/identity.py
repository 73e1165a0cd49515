"""Whether what the destination has under a label is what we would put there."""

from __future__ import annotations

from xnat_core.errors import TransferConflictError
from xnat_core.services.base import document, fields
from xnat_core.urls import path
from xnat_transfer.route import Route
from xnat_transfer.state import Entity

COLLECTIONS = {"subject": "subjects", "experiment": "experiments"}


def require_ours(
    route: Route,
    kind: str,
    local_id: str,
    label: str,
    found_id: str | None,
    mapped: str | None,
    *,
    xsi_type: str = "",
) -> None:
    """Compare what was found under a label with what an earlier run made.

    `kind` is `subject` or `experiment`, `found_id` the accession ID of what has the label now, None
    when nothing has. `mapped` is what had been made of it before that look: what another run has
    made since cannot have been seen. Raises TransferConflictError when an earlier run made
    something else, which still exists under another label or in another project, or which has been
    replaced. What has been deleted is forgotten: it is transferred again.
    """
    others = route.run.mapped_to(found_id, local_id) if found_id else None
    if found_id and others:
        raise TransferConflictError(kind, label, found_id, f"it was transferred from {others}")
    if mapped is None or mapped == found_id:
        return
    own = fields(
        document(route.dest, path("data", COLLECTIONS[kind], mapped), (kind, mapped)) or {}
    )
    if own.get("ID") == mapped:
        now = f"{own.get('project')}/{own.get('label')}"
        raise TransferConflictError(kind, label, mapped, f"it is {now} on the destination now")
    if found_id is not None:
        raise TransferConflictError(
            kind, label, found_id, f"the label was {mapped}'s, which has been deleted"
        )
    # Forgotten first: a run that is killed now must not take what the next one makes for another's.
    route.run.forget(local_id)
    route.run.note(Entity(kind, local_id, label, "deleted", mapped, label, xsi_type))
