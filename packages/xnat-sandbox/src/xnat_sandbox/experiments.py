"""Single experiments: three PUT routes with different abilities, and what lies below a session."""

from __future__ import annotations

from collections.abc import Mapping

from werkzeug.wrappers import Request, Response

from .context import Context
from .datatypes import ABSTRACT, known_type
from .events import record_on, require_reason
from .experiment_content import add_content
from .fields import EXPERIMENT_ALIASES, own_path, submitted
from .item_routes import check_label, documents, item_answer, sent_item
from .item_xml import Parsed
from .lookup import (
    FLAT_EXPERIMENT,
    PROJECT_EXPERIMENT,
    SCOPED_EXPERIMENT,
    experiment_of,
    find_experiment,
    subject_of,
)
from .model import Experiment, Project, Value
from .responses import StatusError, empty, text
from .routing import ITEM, Routes
from .sharing import projects_of, share, target_of, unshare
from .subjects import ensure_subject

routes = Routes()

IDENTITY = ("ID", "label", "project", "subject_ID", "imageSession_ID", "image_session_ID")
ACTIONS = ("triggerPipelines", "pullDataFromHeaders", "fixScanTypes", "supressEmail")
STATUSES = {
    "activate": "active",
    "quarantine": "quarantine",
    "_lock": "locked",
    "_unlock": "active",
    "_obsolete": "obsolete",
}


@routes.data(SCOPED_EXPERIMENT, PROJECT_EXPERIMENT, FLAT_EXPERIMENT, variants=ITEM)
def get_experiment(
    request: Request, context: Context, experiment: str, project: str = "", subject: str = ""
) -> Response:
    """The experiment's document, or one of its few sub-views."""
    if subject:
        subject_of(context, subject, project)
    found = experiment_of(context, experiment, project)
    if context.rest == "projects":
        return projects_of(request, context, found)
    if context.rest == "status":
        return text(found.status)
    node = documents(context).experiment(found)
    return item_answer(request, context, node, "experiment", found.id)


@routes.data(SCOPED_EXPERIMENT, methods=("PUT",))
def put_scoped(
    request: Request, context: Context, project: str, subject: str, experiment: str
) -> Response:
    """Create, change, rename, move or share: the only route that knows field aliases."""
    owner = _project(context, project)
    found = find_experiment(context, experiment, owner.id)
    if context.rest:
        return _share(context, found, owner.id)
    if found is None:
        return _create(request, context, owner, experiment, subject)
    _check_editable(context, found)
    label = context.parameters.get("label")
    if label:
        return _rename(context, found, label)
    if _act(context, found):
        return text(found.id)
    _move_to_subject(context, found, owner, subject)
    _update(request, context, found, EXPERIMENT_ALIASES)
    return text(found.id)


@routes.data(PROJECT_EXPERIMENT, methods=("PUT",))
def put_in_project(request: Request, context: Context, project: str, experiment: str) -> Response:
    """As the scoped route, without aliases; creates only from a full document."""
    owner = _project(context, project)
    found = find_experiment(context, experiment, owner.id)
    if context.rest:
        return _share(context, found, owner.id)
    if found is None:
        return _create(request, context, owner, experiment, "")
    _check_editable(context, found)
    label = context.parameters.get("label")
    if label:
        return _rename(context, found, label)
    if not _act(context, found):
        _update(request, context, found, {})
    return text(found.id)


@routes.data(FLAT_EXPERIMENT, methods=("PUT",))
def put_flat(request: Request, context: Context, experiment: str) -> Response:
    """Renames and shares; fields are taken in and dropped."""
    found = find_experiment(context, experiment)
    if context.rest:
        return _share(context, found, "")
    typed = "xsiType" in context.parameters
    if typed or any(_is_path(name) for name, _ in context.parameters.items()):
        # The server builds a fresh document from the parameters, and that has no project.
        raise StatusError(422, "Submitted experiment record must include the project attribute.")
    if found is None:
        raise StatusError(404, "Unable to identify experiment")
    _check_editable(context, found)
    label = context.parameters.get("label")
    if label:
        return _rename(context, found, label)
    _act(context, found)
    return text(found.id)


@routes.data(SCOPED_EXPERIMENT, PROJECT_EXPERIMENT, FLAT_EXPERIMENT, methods=("DELETE",))
def delete_experiment(
    request: Request, context: Context, experiment: str, project: str = "", subject: str = ""
) -> Response:
    """Delete an experiment, or take it out of a project it is shared into."""
    if not project and context.settings.release < (1, 8, 5):
        raise StatusError(405)
    found = experiment_of(context, experiment, project)
    if context.rest:
        if unshare(context, found):
            return empty()
    elif project:
        owner = _project(context, project)
        if owner.id != found.project:
            context.require(context.caller.may("delete", owner.id))
            context.store.items.unshare(found.id, owner.id)
            record_on(context, found, "Unshared")
            return empty()
    return remove_experiment(context, found)


@routes.data("/projects/{project}/subjects/{subject}/experiments", methods=("POST",))
def post_experiment(request: Request, context: Context, project: str, subject: str) -> Response:
    """Create an experiment from a document; the subject must exist."""
    owner = _project(context, project)
    subject_of(context, subject, owner.id)
    sent = sent_item(request)
    if sent is None:
        raise StatusError(417, "Need POST Contents")
    label = str(sent.fields.get("label") or sent.fields.get("ID") or "")
    if context.store.items.experiment_in(owner.id, label):
        raise StatusError(409, "Specified label is already in use.")
    created = _add(context, owner, label, subject, sent)
    return text(f"{context.base_url}/data/experiments/{created.id}")


def remove_experiment(context: Context, experiment: Experiment) -> Response:
    """Delete an experiment or assessor that the caller may delete."""
    context.require(context.caller.may("delete", experiment.project))
    context.require(experiment.status not in ("locked", "obsolete"), "The item is locked.")
    require_reason(context, deleting=True)
    remove_files = context.parameters.flag("removeFiles")
    with context.store.database.transaction():
        context.store.delete_experiment(experiment, remove_files=remove_files)
        record_on(context, experiment, "Removed Experiment")
    return empty()


def experiment_fields(
    context: Context, sent: Parsed | None, xsi_type: str, aliases: Mapping[str, str]
) -> dict[str, Value]:
    """The fields that body and parameters set, parameters last."""
    fields = dict(sent.fields) if sent else {}
    fields |= submitted(context.parameters.items(), xsi_type, dict(aliases))
    return {path: value for path, value in fields.items() if path not in IDENTITY}


def wanted_type(context: Context, sent: Parsed | None) -> str:
    """The type of a new experiment; 417 when none is given, 400 for one that cannot be."""
    given = context.parameters.get("xsiType")
    if not given:
        roots = (name.partition("/")[0] for name, _ in context.parameters.items() if _is_path(name))
        given = next(roots, "") or (sent.xsi_type if sent else "")
    if not given:
        raise StatusError(417, "Need PUT Contents")
    found = known_type(given) or given
    if found in ABSTRACT or ":" not in found:
        raise StatusError(400, f"Unable to create an item of type {given}")
    return found


def _project(context: Context, key: str) -> Project:
    found = context.store.items.project(key)
    if found is None or not context.caller.sees(found):
        raise StatusError(404, "Unable to identify project")
    return found


def _check_editable(context: Context, experiment: Experiment) -> None:
    context.require(context.caller.may("edit", experiment.project))
    unlocking = any(context.parameters.flag(name) for name in ("_unlock", "activate"))
    locked = experiment.status in ("locked", "obsolete")
    context.require(unlocking or not locked, "The item is locked.")
    require_reason(context)


def _share(context: Context, experiment: Experiment | None, source: str) -> Response:
    target_of(context)
    if experiment is None:
        raise StatusError(404, "Unable to identify experiment")
    moved = share(context, experiment, source=source)
    return empty() if moved or not source else text(experiment.id)


def _create(
    request: Request, context: Context, project: Project, label: str, subject: str
) -> Response:
    sent = sent_item(request)
    if not subject and sent is None:
        raise StatusError(417, "Need PUT Contents")
    return text(_add(context, project, label, subject, sent).id, 201)


def _add(
    context: Context, project: Project, label: str, subject: str, sent: Parsed | None
) -> Experiment:
    context.require(context.caller.may("edit", project.id))
    require_reason(context)
    xsi_type = wanted_type(context, sent)
    label = context.parameters.get("label") or label
    check_label(label)
    fields = experiment_fields(context, sent, xsi_type, EXPERIMENT_ALIASES)
    key = subject or context.parameters.get("subject_ID")
    key = key or (str(sent.fields.get("subject_ID", "")) if sent else "")
    with context.store.database.transaction():
        owner = ensure_subject(context, project, key) if key else None
        created = context.store.items.create_experiment(
            project.id,
            label,
            xsi_type,
            subject_id=owner.id if owner else None,
            fields=fields,
            user=context.login,
        )
        if sent:
            add_content(context, created, sent)
        record_on(context, created, "Added Experiment")
    return created


def _rename(context: Context, experiment: Experiment, label: str) -> Response:
    """A new label, and nothing else: every other parameter of the call is dropped."""
    if label == experiment.label:
        return empty()
    check_label(label)
    if context.store.items.experiment_in(experiment.project, label):
        raise StatusError(409, "Specified label is already in use.")
    with context.store.database.transaction():
        context.store.rename_experiment(experiment, label, context.login)
        record_on(context, experiment, f"Renamed from {experiment.label}")
    return empty()


def _act(context: Context, experiment: Experiment) -> bool:
    """Carry out `_lock=true` and the like; True when the call was such a one."""
    for name, status in STATUSES.items():
        if context.parameters.flag(name):
            # Like the server, leave the lifting of a lock to those who may delete.
            context.require(context.caller.may("delete", experiment.project))
            context.store.items.update_experiment(experiment.id, status=status, user=context.login)
            record_on(context, experiment, "Modified Status")
            return True
    for name in ACTIONS:
        if context.parameters.flag(name):
            record_on(context, experiment, name)
            return True
    return False


def _move_to_subject(
    context: Context, experiment: Experiment, project: Project, subject: str
) -> None:
    owner = ensure_subject(context, project, context.parameters.get("subject_ID") or subject)
    if owner.id != experiment.subject_id:
        items = context.store.items
        items.update_experiment(experiment.id, subject_id=owner.id, user=context.login)


def _update(
    request: Request, context: Context, experiment: Experiment, aliases: Mapping[str, str]
) -> None:
    sent = sent_item(request)
    fields = experiment_fields(context, sent, experiment.xsi_type, aliases)
    with context.store.database.transaction():
        context.store.items.update_experiment(experiment.id, fields=fields, user=context.login)
        if sent:
            add_content(context, experiment, sent)
        record_on(context, experiment, "Modified Experiment")


def _is_path(name: str) -> bool:
    return own_path(name, name.partition("/")[0]) is not None and ":" in name
