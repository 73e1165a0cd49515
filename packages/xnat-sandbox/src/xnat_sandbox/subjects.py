"""Single subjects."""

from __future__ import annotations

from werkzeug.wrappers import Request, Response

from .context import Context
from .events import record_on, require_reason
from .fields import SUBJECT_ALIASES, submitted
from .item_routes import check_label, documents, item_answer, sent_item
from .item_xml import Parsed
from .lookup import FLAT_SUBJECT, SUBJECT, find_subject, subject_of
from .model import Project, Subject, Value
from .responses import StatusError, empty, text
from .routing import ITEM, Routes
from .sharing import projects_of, share, target_of, unshare

routes = Routes()


@routes.data(SUBJECT, FLAT_SUBJECT, variants=ITEM)
def get_subject(request: Request, context: Context, subject: str, project: str = "") -> Response:
    """The subject's document, or with `/projects` the list of where it is shared."""
    found = subject_of(context, subject, project)
    if context.rest == "projects":
        return projects_of(request, context, found)
    return item_answer(request, context, documents(context).subject(found), "subject", found.id)


@routes.data(SUBJECT, FLAT_SUBJECT, methods=("PUT",))
def put_subject(request: Request, context: Context, subject: str, project: str = "") -> Response:
    """Create, change, rename or share a subject."""
    if context.rest:
        return _share(request, context, subject, project)
    owner = _project(context, project or context.parameters.get("project"))
    found = find_subject(context, subject, owner.id if owner else "")
    if found is None:
        if owner is None:
            raise StatusError(422, "Submitted subject record must include the project attribute.")
        return text(_create(request, context, owner, subject).id, 201)
    context.require(context.caller.may("edit", found.project))
    require_reason(context)
    label = context.parameters.get("label")
    if label:
        return _rename(context, found, label)
    _update(request, context, found)
    return text(found.id)


@routes.data("/projects/{project}/subjects", methods=("POST",))
def post_subject(request: Request, context: Context, project: str) -> Response:
    """Create a subject from a document."""
    owner = _project(context, project)
    if owner is None:
        raise StatusError(404)
    sent = sent_item(request)
    if sent is None:
        raise StatusError(417, "Need POST Contents")
    label = sent.take("label") or sent.take("ID")
    if context.store.items.subject_in(owner.id, label):
        raise StatusError(409, "Specified label is already in use.")
    created = _add(context, owner, label, sent)
    url = f"{context.base_url}/data/projects/{owner.id}/subjects/{created.id}"
    response = text(url)
    response.headers["Location"] = url
    return response


@routes.data(SUBJECT, FLAT_SUBJECT, methods=("DELETE",))
def delete_subject(request: Request, context: Context, subject: str, project: str = "") -> Response:
    """Delete a subject, or take it out of a project it is shared into."""
    found = subject_of(context, subject, project)
    if context.rest:
        if unshare(context, found):
            return empty()
    elif project:
        owner = _project(context, project)
        if owner and owner.id != found.project:
            context.require(context.caller.may("delete", owner.id))
            context.store.items.unshare(found.id, owner.id)
            record_on(context, found, "Unshared")
            return empty()
    context.require(context.caller.may("delete", found.project))
    require_reason(context, deleting=True)
    remove_files = context.parameters.flag("removeFiles")
    context.store.delete_subject(found, remove_files=remove_files)
    record_on(context, found, "Removed Subject")
    return empty()


def ensure_subject(context: Context, project: Project, key: str) -> Subject:
    """The subject of a path, made when it does not exist."""
    found = context.store.items.subject_in(project.id, key)
    return found or _add(context, project, key, None)


def _project(context: Context, key: str) -> Project | None:
    if not key:
        return None
    found = context.store.items.project(key)
    if found is None or not context.caller.sees(found):
        raise StatusError(422, "Unable to identify project.")
    return found


def _share(request: Request, context: Context, subject: str, project: str) -> Response:
    target_of(context)
    found = find_subject(context, subject, project)
    if found is None:
        raise StatusError(404 if project else 403, "" if project else "Sharing is not allowed")
    if share(context, found, source=project):
        return empty()
    return item_answer(request, context, documents(context).subject(found), "subject", found.id)


def _create(request: Request, context: Context, project: Project, label: str) -> Subject:
    sent = sent_item(request)
    if sent:
        sent.take("ID")
        label = sent.take("label") or label
    return _add(context, project, context.parameters.get("label") or label, sent)


def _add(context: Context, project: Project, label: str, sent: Parsed | None) -> Subject:
    context.require(context.caller.may("edit", project.id))
    require_reason(context)
    check_label(label)
    fields = _fields(context, sent)
    with context.store.database.transaction():
        created = context.store.items.create_subject(
            project.id, label, fields=fields, user=context.login
        )
        record_on(context, created, "Added Subject")
    return created


def _rename(context: Context, subject: Subject, label: str) -> Response:
    """A new label, and nothing else: every other parameter of the call is dropped."""
    if label == subject.label:
        return empty()
    check_label(label)
    if context.store.items.subject_in(subject.project, label):
        raise StatusError(409, "Specified label is already in use.")
    with context.store.database.transaction():
        context.store.rename_subject(subject, label, context.login)
        record_on(context, subject, f"Renamed from {subject.label}")
    return empty()


def _update(request: Request, context: Context, subject: Subject) -> None:
    sent = sent_item(request)
    project = context.parameters.get("project") or (sent.take("project") if sent else "")
    if project and project != subject.project:
        raise StatusError(409, "Use the sharing routes to change the project of a subject.")
    fields = _fields(context, sent)
    with context.store.database.transaction():
        context.store.items.update_subject(subject.id, fields=fields, user=context.login)
        record_on(context, subject, "Modified Subject")


def _fields(context: Context, sent: Parsed | None) -> dict[str, Value]:
    fields = dict(sent.fields) if sent else {}
    fields |= submitted(context.parameters.items(), "xnat:subjectData", SUBJECT_ALIASES)
    return {path: value for path, value in fields.items() if path not in ("ID", "label", "project")}
