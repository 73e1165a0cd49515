"""POST /data/prearchive/projects/{project}/{timestamp}/{folder}?action=…"""

from __future__ import annotations

from collections.abc import Callable

from werkzeug.wrappers import Request, Response

from .archiver import ArchiveFailed
from .context import Context
from .intake import intake_of
from .prearchive_access import project_id, require_edit, session_at
from .prearchive_lifecycle import Timeout
from .prearchive_table import Locked, Taken
from .responses import StatusError, empty, uri_list
from .routing import Routes
from .staged_session import STATUSES, UNASSIGNED, StagedSession

routes = Routes()
SESSION = "/prearchive/projects/{project}/{timestamp}/{folder}"
LOCKED = "session document locked"


@routes.data(SESSION, methods=("POST",))
def act(request: Request, context: Context, project: str, timestamp: str, folder: str) -> Response:
    """Run one action."""
    action = ACTIONS.get(context.parameters.get("action"))
    if action is None:
        raise StatusError(400, f"Unsupported action: {context.parameters.get('action')}")
    # Whoever knows the address may move data out of Unassigned.
    require_edit(context, project, open_unassigned=True)
    handler, missing = action
    session = session_at(context, project, timestamp, folder)
    if session is None:
        raise StatusError(missing, f"Unable to find prearchive session {folder}")
    try:
        return handler(request, context, session)
    except Locked as error:
        raise StatusError(409, LOCKED) from error


def _build(request: Request, context: Context, session: StagedSession) -> Response:
    return uri_list([intake_of(context).lifecycle.build(session).uri])


def _commit(request: Request, context: Context, session: StagedSession) -> Response:
    """Build, then archive if told to or if the project always does: 301, the URI in the body."""
    lifecycle = intake_of(context).lifecycle
    built = lifecycle.build(session)
    given = context.parameters
    automatic = lifecycle.auto_archive_mode(built.project) != "Manual"
    asked = given.flag("AA") or given.flag("auto-archive")
    if not asked and (not automatic or built.project == UNASSIGNED):
        return uri_list([built.uri])
    if built.status != "READY":
        raise StatusError(500, f"{built.folder} is {built.status}")
    if built.project == UNASSIGNED:
        raise StatusError(500, f"{built.folder} has no project")
    options = lifecycle.import_options(
        built, context.login, given.get("overwrite"), replace_files=given.flag("overwrite_files")
    )
    try:
        return uri_list([lifecycle.archive_within_time(built, options)], 301)
    except ArchiveFailed as error:
        raise StatusError(500, str(error)) from error
    except Timeout as error:
        raise StatusError(500, "Archiving takes longer than the site allows.") from error


def _move(request: Request, context: Context, session: StagedSession) -> Response:
    key = request.args.get("newProject", "")
    if not key:
        raise StatusError(400, "Move operation requires 'newProject' specification.")
    target = context.project(key)
    context.require(context.caller.may("edit", target.id))
    try:
        moved = intake_of(context).lifecycle.move(session, target.id)
    except Locked:
        return empty()
    except Taken as error:
        raise StatusError(409, str(error)) from error
    return uri_list([moved.uri], 301)


def _reset_status(request: Request, context: Context, session: StagedSession) -> Response:
    """After a crash: what is built is READY again, the rest is received anew."""
    tag = request.args.get("tag", "")
    if tag and tag != session.tag:
        raise StatusError(500, f"Unable to find prearchive session with tag {tag}")
    intake = intake_of(context)
    built = intake.prearchive.document(session).is_file()
    intake.prearchive.set_status(session, "READY" if built else "RECEIVING")
    return uri_list([session.uri])


def _set_status(request: Request, context: Context, session: StagedSession) -> Response:
    status = context.parameters.get("status")
    if status not in STATUSES:
        raise StatusError(400, f"Illegal status: {status}")
    if session.is_locked:
        raise Locked
    intake_of(context).prearchive.set_status(session, status)
    return uri_list([session.uri])


Action = Callable[[Request, Context, StagedSession], Response]
# Each with the status for a session that is not there.
ACTIONS: dict[str, tuple[Action, int]] = {
    "build": (_build, 500),
    "commit": (_commit, 404),
    "move": (_move, 404),
    "reset-status": (_reset_status, 500),
    "set-status": (_set_status, 400),
}


@routes.data(SESSION, methods=("DELETE",))
def delete(
    request: Request, context: Context, project: str, timestamp: str, folder: str
) -> Response:
    """Remove a session at once."""
    _refuse_remainder(context)
    require_edit(context, project)
    session = session_at(context, project_id(context, project), timestamp, folder)
    if session is None:
        raise StatusError(404, f"Unable to find prearchive session {folder}")
    try:
        intake_of(context).lifecycle.delete(session)
    except Locked as error:
        raise StatusError(409, LOCKED) from error
    return empty()


@routes.data(SESSION, methods=("PUT",))
def put(request: Request, context: Context, project: str, timestamp: str, folder: str) -> Response:
    """Nothing can be put here; a path that no route knows is told apart."""
    _refuse_remainder(context)
    raise StatusError(405)


def _refuse_remainder(context: Context) -> None:
    if context.rest:
        raise StatusError(400, f"Illegal file path '{context.rest}'")
