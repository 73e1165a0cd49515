"""Merging a subject into another one, without losing a session.

There is no such call on the server. Writing `subject_ID` into an experiment destroys it on some
servers, so each experiment is put under the target, and looked at afterwards.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from xnat_core.errors import OperationError, ResourceNotFoundError, ValidationError, XNATCtlError
from xnat_core.lagging import look_until
from xnat_core.leases import Lease, take_one
from xnat_core.models import Subject, children
from xnat_core.services.base import Row, Rows, delete, document, fields
from xnat_core.services.lookup import identifier_of
from xnat_core.services.once import ask_and_see
from xnat_core.services.routes import require_own_route
from xnat_core.urls import path
from xnat_core.user_paths import cache_dir
from xnat_core.wording import counted

if TYPE_CHECKING:
    from xnat_core.client import XNATClient

_COLUMNS = {"columns": "ID,label,project,subject_ID"}


@dataclass(frozen=True)
class Merge:
    """What a merge did; `experiments` are labels, `reason` says why the source was kept, or in a
    dry run why it would be."""

    source: str
    target: str
    experiments: tuple[str, ...]
    experiments_moved: int
    source_deleted: bool
    dry_run: bool
    reason: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """As the services return it."""
        return {**asdict(self), "experiments": list(self.experiments)}


def merge(
    client: XNATClient,
    source: Subject,
    target: Subject,
    *,
    dry_run: bool = False,
    whole: bool = False,
    tell: Callable[[str], None] | None = None,
) -> Merge:
    """Move all experiments of `source` to `target` and delete `source` if nothing is left of it.

    With `whole` nothing is moved where the source would have to be kept. `tell` hears of it when
    another merge has to end first. Raises ValidationError for a subject and itself, or of another
    project; OperationError naming the experiment when a move did not happen. What was moved before
    stays moved.
    """
    if source.id == target.id:
        raise ValidationError(f"subject {source.label!r} cannot be merged with itself", "subject")
    if source.primary_project or target.primary_project or source.project != target.project:
        raise ValidationError("both subjects must belong to the same project", "subject")
    if dry_run:
        return _merge(client, source, target, dry_run=True)
    with _turn(client, str(source.project), tell):
        return _merge(client, source, target, dry_run=False, whole=whole)


@contextlib.contextmanager
def _turn(client: XNATClient, project: str, tell: Callable[[str], None] | None) -> Iterator[None]:
    """Wait until no other merge within the project is under way, of those who share this cache.

    The server deletes a subject with what another merge has just moved to it. Where there is no
    place for a lease the last look before the delete must do.
    """
    name = hashlib.sha256(f"{client.base_url} {project}".encode()).hexdigest()[:16]
    lease = Lease(cache_dir() / "merges" / name)

    def waiting() -> None:
        holder = lease.holder()
        if tell and holder:
            who = f"process {holder.pid} on {holder.host}"
            tell(f"waiting for another merge within {project} to end ({who})")

    with contextlib.ExitStack() as held:
        with contextlib.suppress(OSError):
            if take_one([lease], math.inf, waiting):
                held.enter_context(lease.kept())
        yield


def _merge(
    client: XNATClient, source: Subject, target: Subject, *, dry_run: bool, whole: bool = False
) -> Merge:
    for subject in (source, target):
        require_own_route(client, _path(subject))
        # Where there is no subject the server would make one of that name.
        if _document(client, subject) is None:
            raise ResourceNotFoundError("subject", subject.label)
    rows = _experiments(client, source)
    labels = tuple(str(row.get("label") or identifier_of(row)) for row in rows)
    for row in rows:
        _require_movable(client, row, source)
        # Of this route only the experiment: the subject that it is moved to has been looked at.
        id = str(identifier_of(row))
        require_own_route(client, path("data", "projects", str(source.project), "experiments", id))
    reason = _keeper(client, source, _document(client, source)) if dry_run or whole else None
    if dry_run or reason:
        return Merge(source.label, target.label, labels, 0, False, dry_run, reason)
    moved = 0
    try:
        for row in rows:
            _move(client, row, target)
            moved += 1
        reason = _doubt(client, source)
        if reason is None:
            delete(client, _path(source), ("subject", source.label), remove_files=True)
    except XNATCtlError as error:
        all_of_them = counted(len(rows), "session has", "sessions have")
        error.message += f"; {moved} of {all_of_them} been moved to {target.label}"
        raise
    return Merge(source.label, target.label, labels, len(rows), reason is None, False, reason)


def _experiments(client: XNATClient, subject: Subject) -> Rows:
    """All experiments of a subject: listed under it, or in its project and naming it."""
    about = ("subject", subject.label)
    below = client.rows(_path(subject) + path("experiments"), params=_COLUMNS, about=about)
    project = path("data", "projects", str(subject.project), "experiments")
    of_project = client.rows(project, params=_COLUMNS, about=about)
    found = {identifier_of(row): row for row in of_project if row.get("subject_ID") == subject.id}
    found.update({identifier_of(row): row for row in below})
    return list(found.values())


def _require_movable(client: XNATClient, row: Row, source: Subject) -> None:
    own = _read(client, row)
    if own.get("project") != source.project or own.get("subject_ID") != source.id:
        raise OperationError(
            "merge",
            f"experiment {row.get('label')!r} belongs to {own.get('project')}/"
            f"{own.get('subject_ID')}, not to subject {source.label!r}: nothing was moved",
        )


def _move(client: XNATClient, row: Row, target: Subject) -> None:
    identifier = str(identifier_of(row))
    about = ("experiment", str(row.get("label") or identifier))
    where = _path(target) + path("experiments", identifier)
    ask_and_see(
        lambda: client.put(where, about=about),
        lambda: _read(client, row).get("subject_ID") == target.id,
    )
    found = _read(client, row).get("subject_ID")
    if found != target.id:
        raise OperationError(
            "merge", f"experiment {about[1]!r} was to move to {target.id}, but is at {found}"
        )


def _doubt(client: XNATClient, source: Subject) -> str | None:
    """Why the source must be kept, or `None` when nothing would be lost with it."""
    if left := look_until(lambda: _experiments(client, source), lambda left: not left):
        return counted(len(left), "experiment is", "experiments are") + " still listed under it"
    item = _document(client, source)
    if item is not None and children(item, "experiments/experiment"):
        return "its document still has experiments"
    if reason := _keeper(client, source, item):
        return reason
    # The server deletes a subject with all that it has: the last look is at what counts most.
    below = _path(source) + path("experiments")
    if come := client.rows(below, params=_COLUMNS, about=("subject", source.label)):
        return counted(len(come), "experiment has", "experiments have") + " come to it meanwhile"
    return None


def _keeper(client: XNATClient, source: Subject, item: Row | None) -> str | None:
    """What besides its experiments would be lost with the source, or `None`; `item` is its
    document now."""
    if item is None:
        return "it could not be read any more"
    if children(item, "sharing/share"):
        return "it is shared with other projects"
    if client.rows(_path(source) + path("resources"), about=("subject", source.label)):
        return "it has resources of its own"
    return None


def _read(client: XNATClient, row: Row) -> Row:
    identifier = str(identifier_of(row))
    return fields(document(client, path("data", "experiments", identifier), ("", "")) or {})


def _document(client: XNATClient, subject: Subject) -> Row | None:
    return document(client, _path(subject), ("subject", subject.label))


def _path(subject: Subject) -> str:
    return path("data", "projects", str(subject.project), "subjects", subject.id)
