"""Whether what the destination has under a label is what we would put there."""

from __future__ import annotations

from contextlib import suppress

from xnat_core.errors import PermissionDeniedError
from xnat_core.services.base import Row, document, fields
from xnat_core.transfer_errors import TransferConflictError
from xnat_core.urls import path
from xnat_core.validation import label_there
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
    project: str | None,
    xsi_type: str = "",
) -> None:
    """Compare what was found under a label with what an earlier run made.

    `kind` is `subject` or `experiment`, `project` that of the source, `found_id` the accession ID
    of what has the label now, None when nothing has. `mapped` is what had been made of it before
    that look: what another run has made since cannot have been seen. Raises TransferConflictError
    when an earlier run made something else, which still exists under another label or in another
    project, or which has been replaced, and for what the destination has itself. What has been
    deleted is forgotten: it is transferred again.
    """
    _require_elsewhere(route, kind, local_id, label, found_id, project)
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


def _require_elsewhere(
    route: Route, kind: str, local_id: str, label: str, found_id: str | None, project: str | None
) -> None:
    """Raise TransferConflictError for what the destination has itself, and would have twice.

    One server may have two URLs; its copy, made from the same database, has it just as well.
    """
    if route.one_server and project == route.project:
        reason = "source and destination are the same project"
        raise TransferConflictError(kind, label, local_id, reason)
    if found_id is not None or not (route.one_server or label_there(label) != label):
        return
    own: Row = {}
    with suppress(PermissionDeniedError):
        where = path("data", COLLECTIONS[kind], local_id)
        own = fields(document(route.dest, where, (kind, local_id)) or {})
    known = (own.get("ID"), own.get("project")) == (local_id, route.project)
    if known and (route.one_server or own.get("label") == label):
        reason = f"the destination has it already, as {own.get('label')}"
        raise TransferConflictError(kind, label, local_id, reason)
