"""Merging subjects, all or nothing as far as that can be known before."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from xnat_core.errors import OperationError
from xnat_core.services.merge import Merge, merge
from xnat_core.wording import counted

if TYPE_CHECKING:
    from xnat_core.client import XNATClient
    from xnat_core.models import Subject
    from xnat_core.records import Record


def require_mergeable(client: XNATClient, source: Subject, target: Subject) -> Merge:
    """What a merge would move. Raises OperationError when the source would have to be kept."""
    plan = merge(client, source, target, dry_run=True)
    if plan.reason:
        raise _failed(plan, "nothing was moved")
    return plan


def merge_whole(
    client: XNATClient,
    source: Subject,
    target: Subject,
    tell: Callable[[str], None],
    *,
    dry_run: bool = False,
) -> Record:
    """Move all sessions and delete the source; returns what to add to its record.

    `tell` hears of it when another merge has to end first. Raises OperationError when the source
    had to be kept.
    """
    if dry_run:
        found = require_mergeable(client, source, target)
    else:
        found = merge(client, source, target, whole=True, tell=tell)
        if found.reason:
            moved = found.experiments_moved
            what = counted(moved, "session was", "sessions were") if moved else "nothing was"
            raise _failed(found, f"{what} moved")
    return {"sessions": list(found.experiments)}


def _failed(found: Merge, what: str) -> OperationError:
    return OperationError(
        "merge", f"subject {found.source!r} cannot be deleted: {found.reason}; {what}"
    )
