"""Single scans, assessors and reconstructions."""

from __future__ import annotations

from urllib.parse import unquote

from werkzeug.wrappers import Request, Response

from .context import Context
from .datatypes import known_type
from .events import record_on, record_scan, require_reason
from .experiments import experiment_fields, remove_experiment, wanted_type
from .fields import EXPERIMENT_ALIASES, RECONSTRUCTION_ALIASES, SCAN_ALIASES, submitted
from .item_routes import check_label, documents, item_answer, no_remainder, sent_item
from .item_xml import Parsed
from .lookup import (
    ASSESSORS,
    RECONSTRUCTIONS,
    SCANS,
    SESSIONS,
    assessor_of,
    experiment_of,
    find_experiment,
    reconstruction_of,
    scan_of,
)
from .model import Experiment, Scan, Value
from .responses import StatusError, empty, text
from .routing import ITEM, Routes
from .sharing import share, target_of, unshare

routes = Routes()


@routes.data(*SCANS, variants=ITEM)
def get_scan(
    request: Request, context: Context, experiment: str, scan: str, **path: str
) -> Response:
    """The scan's document."""
    session = experiment_of(context, experiment, path.get("project", ""))
    found = scan_of(context, session, unquote(scan))
    node = documents(context).scan(found)
    return item_answer(request, context, node, "scan", str(found.number))


@routes.data(*SCANS, methods=("PUT",))
def put_scan(
    request: Request, context: Context, experiment: str, scan: str, **path: str
) -> Response:
    """Create a scan or change one."""
    no_remainder(context, "projects/")
    session = find_experiment(context, experiment, path.get("project", ""))
    if session is None:
        raise StatusError(417, "Session does not exist.")
    _check(context, session)
    sent = sent_item(request)
    _put(context, session, unquote(scan), sent)
    return empty()


@routes.data(*(f"{form}/scans" for form in SESSIONS), methods=("POST",))
def post_scan(request: Request, context: Context, experiment: str, **path: str) -> Response:
    """Create a scan from a document, numbering it when it has no id."""
    session = experiment_of(context, experiment, path.get("project", ""))
    _check(context, session)
    sent = sent_item(request)
    if sent is None:
        raise StatusError(417, "Need POST Contents")
    id = sent.take("ID") or _free_id(context, session)
    _put(context, session, id, sent)
    return text(f"{context.base_url}/data/experiments/{session.id}/scans/{id}")


@routes.data(*SCANS, methods=("DELETE",))
def delete_scan(
    request: Request, context: Context, experiment: str, scan: str, **path: str
) -> Response:
    """Delete one scan; a comma is part of the id here, not a list."""
    no_remainder(context, "projects/")
    session = experiment_of(context, experiment, path.get("project", ""))
    found = scan_of(context, session, unquote(scan))
    context.require(context.caller.may("delete", session.project))
    context.require(session.status not in ("locked", "obsolete"), "The item is locked.")
    require_reason(context, deleting=True)
    with context.store.database.transaction():
        remove_files = context.parameters.flag("removeFiles")
        context.store.delete_scan(found.number, remove_files=remove_files)
        record_scan(context, session, found, "Removed Scan")
    return empty()


@routes.data(*ASSESSORS, variants=ITEM)
def get_assessor(
    request: Request, context: Context, experiment: str, assessor: str, **path: str
) -> Response:
    """The assessor's document."""
    session = experiment_of(context, experiment, path.get("project", ""))
    found = assessor_of(context, session, assessor)
    node = documents(context).experiment(found)
    return item_answer(request, context, node, "experiment", found.id)


@routes.data(*ASSESSORS, methods=("PUT",))
def put_assessor(
    request: Request, context: Context, experiment: str, assessor: str, **path: str
) -> Response:
    """Create an assessor, change, rename or share it."""
    project = path.get("project", "")
    session = experiment_of(context, experiment, project)
    known = context.store.items.assessors(session.id)
    found = next((one for one in known if assessor in (one.id, one.label)), None)
    if context.rest:
        target_of(context)
        if found is None:
            raise StatusError(404)
        share(context, found, source=project)
        return empty()
    _check(context, session)
    sent = sent_item(request)
    if found is None:
        return text(_add_assessor(context, session, assessor, sent).id, 201)
    label = context.parameters.get("label")
    if label and label != found.label:
        check_label(label)
        if context.store.items.experiment_in(found.project, label):
            raise StatusError(409, "Specified label is already in use.")
        context.store.rename_experiment(found, label, context.login)
    elif not label:
        fields = experiment_fields(context, sent, found.xsi_type, EXPERIMENT_ALIASES)
        context.store.items.update_experiment(found.id, fields=fields, user=context.login)
    record_on(context, found, "Modified Assessor")
    return text(found.id)


@routes.data(*ASSESSORS, methods=("DELETE",))
def delete_assessor(
    request: Request, context: Context, experiment: str, assessor: str, **path: str
) -> Response:
    """Delete an assessor, or unshare it."""
    session = experiment_of(context, experiment, path.get("project", ""))
    found = assessor_of(context, session, assessor)
    if context.rest and unshare(context, found):
        return empty()
    return remove_experiment(context, found)


@routes.data(*RECONSTRUCTIONS, variants=ITEM)
def get_reconstruction(
    request: Request, context: Context, experiment: str, reconstruction: str, **path: str
) -> Response:
    """The reconstruction's document."""
    session = experiment_of(context, experiment, path.get("project", ""))
    found = reconstruction_of(context, session, unquote(reconstruction))
    node = documents(context).reconstruction(found)
    return item_answer(request, context, node, "reconstruction", str(found.number))


@routes.data(*RECONSTRUCTIONS, methods=("PUT",))
def put_reconstruction(
    request: Request, context: Context, experiment: str, reconstruction: str, **path: str
) -> Response:
    """Create a reconstruction or change one."""
    no_remainder(context, "projects/")
    session = experiment_of(context, experiment, path.get("project", ""))
    _check(context, session)
    sent = sent_item(request)
    fields: dict[str, Value] = dict(sent.fields) if sent else {}
    fields |= submitted(
        context.parameters.items(), "xnat:reconstructedImageData", RECONSTRUCTION_ALIASES
    )
    id = unquote(reconstruction)
    found = context.store.items.reconstruction(session.id, id)
    if found:
        context.store.items.update_reconstruction(found.number, fields, context.login)
    else:
        items = context.store.items
        items.create_reconstruction(session.id, id, fields=fields, user=context.login)
    record_on(context, session, f"Modified Reconstruction {id}")
    return empty()


@routes.data(*RECONSTRUCTIONS, methods=("DELETE",))
def delete_reconstruction(
    request: Request, context: Context, experiment: str, reconstruction: str, **path: str
) -> Response:
    """Delete a reconstruction."""
    no_remainder(context, "projects/")
    session = experiment_of(context, experiment, path.get("project", ""))
    found = reconstruction_of(context, session, unquote(reconstruction))
    context.require(context.caller.may("delete", session.project))
    remove_files = context.parameters.flag("removeFiles")
    context.store.delete_reconstruction(found.number, remove_files=remove_files)
    record_on(context, session, f"Removed Reconstruction {found.id}")
    return empty()


def _check(context: Context, session: Experiment) -> None:
    context.require(context.caller.may("edit", session.project))
    context.require(session.status not in ("locked", "obsolete"), "The item is locked.")
    require_reason(context)


def _put(context: Context, session: Experiment, id: str, sent: Parsed | None) -> None:
    items = context.store.items
    if sent:
        sent.take("ID")
    found = items.scan(session.id, id)
    if found:
        _update(context, session, found, sent)
        return
    if "/" in id or not id.strip("."):
        raise StatusError(400, f"Invalid scan ID: {id}")
    xsi_type = wanted_type(context, sent)
    fields = _fields(context, sent, xsi_type)
    with context.store.database.transaction():
        scan = items.create_scan(session.id, id, xsi_type, fields=fields, user=context.login)
        record_scan(context, session, scan, "Added Scan")


def _update(context: Context, session: Experiment, scan: Scan, sent: Parsed | None) -> None:
    given = context.parameters.get("xsiType") or (sent.xsi_type if sent else "")
    if not given and context.settings.release < (1, 8, 6):
        raise StatusError(417, "Need PUT Contents")
    if given and (known_type(given) or given) != scan.xsi_type:
        raise StatusError(409, "Specified xsiType differs from existing xsiType")
    fields = _fields(context, sent, scan.xsi_type)
    with context.store.database.transaction():
        context.store.items.update_scan(scan.number, fields=fields, user=context.login)
        record_scan(context, session, scan, "Modified Scan")


def _fields(context: Context, sent: Parsed | None, xsi_type: str) -> dict[str, Value]:
    fields: dict[str, Value] = dict(sent.fields) if sent else {}
    fields |= submitted(context.parameters.items(), xsi_type, SCAN_ALIASES)
    identity = ("id", "image_session_id", "xnat_imagescandata_id")
    return {path: value for path, value in fields.items() if path.lower() not in identity}


def _free_id(context: Context, session: Experiment) -> str:
    taken = {scan.id for scan in context.store.items.scans(session.id)}
    return next(str(number) for number in range(1, len(taken) + 2) if str(number) not in taken)


def _add_assessor(
    context: Context, session: Experiment, label: str, sent: Parsed | None
) -> Experiment:
    xsi_type = wanted_type(context, sent)
    label = context.parameters.get("label") or label
    check_label(label)
    if context.store.items.experiment_in(session.project, label):
        raise StatusError(409, "Specified label is already in use.")
    with context.store.database.transaction():
        created = context.store.items.create_experiment(
            session.project,
            label,
            xsi_type,
            session_id=session.id,
            fields=experiment_fields(context, sent, xsi_type, EXPERIMENT_ALIASES),
            user=context.login,
        )
        record_on(context, created, "Added Assessor")
    return created
