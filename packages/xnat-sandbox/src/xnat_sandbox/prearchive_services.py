"""POST /data/services/prearchive/{delete|move|rebuild}: always queued."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from werkzeug.wrappers import Request, Response

from .context import Context
from .intake import intake_of
from .prearchive_access import require_edit, session_at, sources, table
from .prearchive_actions import LOCKED
from .prearchive_table import Locked
from .responses import StatusError
from .routing import Routes
from .staged_session import StagedSession

routes = Routes()


@routes.data("/services/prearchive/delete", methods=("POST",))
def delete(request: Request, context: Context) -> Response:
    """Remove sessions."""
    lifecycle = intake_of(context).lifecycle
    return _queue(request, context, "DELETING", lifecycle.delete, missing=500)


@routes.data("/services/prearchive/move", methods=("POST",))
def move(request: Request, context: Context) -> Response:
    """Give sessions to another project."""
    lifecycle = intake_of(context).lifecycle
    if not context.parameters.all("src"):
        return table(request, context, [], default="xml")
    key = context.parameters.get("newProject")
    if not key:
        raise StatusError(400, "Move operation requires 'newProject' specification.")
    target = context.project(key)
    context.require(context.caller.may("edit", target.id))

    def work(session: StagedSession) -> object:
        return lifecycle.move(session, target.id)

    return _queue(request, context, "MOVING", work, missing=404, open_unassigned=True)


@routes.data("/services/prearchive/rebuild", methods=("POST",))
def rebuild(request: Request, context: Context) -> Response:
    """Build sessions anew; none is archived afterwards, whatever its project does otherwise."""
    lifecycle = intake_of(context).lifecycle
    return _queue(request, context, "BUILDING", lifecycle.build, missing=500)


def _queue(
    request: Request,
    context: Context,
    status: str,
    work: Callable[[StagedSession], object],
    *,
    missing: int,
    open_unassigned: bool = False,
) -> Response:
    """Check every session, then queue them all and show the table as it is then."""
    intake = intake_of(context)
    found = []
    for project, timestamp, folder in sources(context):
        require_edit(context, project, open_unassigned=open_unassigned)
        session = session_at(context, project, timestamp, folder)
        if session is None:
            raise StatusError(missing, f"Unable to find prearchive session {folder}")
        if session.is_locked:
            if not context.parameters.flag("overrideLock"):
                raise StatusError(409, LOCKED)
            session = intake.prearchive.update(session, status="READY")
        found.append(session)
    for session in found:
        try:
            intake.lifecycle.later(session, status, partial(work, session))
        except Locked as error:
            raise StatusError(409, LOCKED) from error
    present = [intake.prearchive.get(session.number) for session in found]
    return table(request, context, [one for one in present if one], default="xml")
