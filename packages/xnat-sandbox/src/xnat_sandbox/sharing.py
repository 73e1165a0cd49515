"""`<item>/projects/{target}`: sharing, moving to another project, and the traps of DELETE."""

from __future__ import annotations

from werkzeug.wrappers import Request, Response

from .context import Context
from .events import record_on
from .model import Experiment, Project, Subject
from .responses import StatusError
from .resultset import ResultSet, answer

Shareable = Subject | Experiment


def target_of(context: Context) -> str:
    """The project named by the remainder `projects/{target}`; 400 for any other remainder."""
    rest = context.rest
    if not rest.startswith("projects/"):
        raise StatusError(400, f"Illegal file path '{rest}' does not start with 'projects/'.")
    return rest.removeprefix("projects/").strip("/")


def share(context: Context, item: Shareable, *, source: str = "") -> bool:
    """Share an item into the project of the remainder, or with `primary=true` move it there.

    `source` is the project of the path. Answers whether the item was moved.
    """
    target = context.store.items.project(target_of(context))
    if target is None:
        raise StatusError(404, "Unable to identify project")
    context.require(context.caller.may("edit", target.id))
    context.require(context.caller.may("read", item.project))
    if context.parameters.flag("primary"):
        _move(context, item, target, source)
        return True
    _share(context, item, target)
    return False


def unshare(context: Context, item: Shareable) -> bool:
    """Take an item out of the project of the remainder.

    Answers False when that is its own project: then it is to be deleted, as the server does.
    """
    target = context.store.items.project(target_of(context))
    if target is None:
        raise StatusError(404, "Unable to identify project")
    if target.id == item.project:
        return False
    context.require(context.caller.may("edit", target.id))
    if not context.store.items.unshare(item.id, target.id) and isinstance(item, Subject):
        raise StatusError(403, "The subject is not shared into this project.")
    record_on(context, item, "Unshared")
    return True


def projects_of(request: Request, context: Context, item: Shareable) -> Response:
    """Where an item is shown, its own project included."""
    items = context.store.items
    places = [(item.label, item.project)]
    places += [(share.label or item.label, share.project) for share in items.shares(item.id)]
    rows = []
    for label, id in places:
        project = items.project(id)
        if project:
            rows.append((label, id, project.secondary_id, project.name))
    columns = ("label", "ID", "Secondary_ID", "Name")
    return answer(request, context, ResultSet(columns, rows, total=len(rows)))


def _share(context: Context, item: Shareable, target: Project) -> None:
    items = context.store.items
    already = any(share.project == target.id for share in items.shares(item.id))
    if already or item.project == target.id:
        raise StatusError(409, "Already assigned to this project.")
    label = context.parameters.get("label")
    if _taken(context, item, target, label or item.label):
        raise StatusError(409, "Specified label is already in use.")
    items.share(item.id, target.id, label or None)
    record_on(context, item, f"Shared into Project {target.id}")


def _move(context: Context, item: Shareable, target: Project, source: str) -> None:
    if target.id == item.project:
        raise StatusError(409, "Already assigned to this project.")
    context.require(context.caller.may("delete", item.project))
    label = context.parameters.get("label") or _label_there(context, item, target)
    conflict = _taken(context, item, target, label)
    # The server notices a label in use, sets 409 and moves all the same. Two of one label do not
    # fit into the store, so here the newcomer goes by its accession id.
    _relocate(context, item, target, item.id if conflict else label)
    if not source:
        # The flat route has no source project: the move is done, then the server trips over it.
        raise StatusError(500, "java.lang.NullPointerException")
    if conflict:
        raise StatusError(409, "Specified label is already in use.")


def _relocate(context: Context, item: Shareable, target: Project, label: str) -> None:
    store = context.store
    with store.database.transaction():
        if isinstance(item, Subject):
            store.move_subject(item, target.id, label, context.login)
        else:
            store.move_experiment(item, target.id, label, context.login)
        record_on(context, item, "Modified Project Assignment")


def _label_there(context: Context, item: Shareable, target: Project) -> str:
    for share in context.store.items.shares(item.id):
        if share.project == target.id and share.label:
            return share.label
    return item.label


def _taken(context: Context, item: Shareable, target: Project, label: str) -> bool:
    items = context.store.items
    found: Shareable | None
    if isinstance(item, Subject):
        found = items.subject_in(target.id, label)
    else:
        found = items.experiment_in(target.id, label)
    return found is not None and found.id != item.id
