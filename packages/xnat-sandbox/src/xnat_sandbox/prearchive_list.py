"""Listing the prearchive: /data/prearchive and its projects."""

from __future__ import annotations

from werkzeug.wrappers import Request, Response

from .context import Context
from .intake import intake_of
from .prearchive_access import project_id, table
from .responses import StatusError, empty
from .routing import LIST, Routes
from .staged_session import UNASSIGNED, StagedSession

routes = Routes()


@routes.data("/prearchive", variants=LIST)
def list_all(request: Request, context: Context) -> Response:
    """What the caller may edit, all of it or one study."""
    prearchive = intake_of(context).prearchive
    tag = context.parameters.get("tag")
    sessions = prearchive.of_study(tag) if tag else prearchive.all()
    visible = [session for session in sessions if _sees(context, session)]
    if tag and sessions and not visible:
        # The refusal happens in a constructor, so it looks like absence.
        raise StatusError(404)
    return table(request, context, visible)


@routes.data("/prearchive/experiments", variants=LIST)
def list_recent(request: Request, context: Context) -> Response:
    """The same, latest first."""
    sessions = intake_of(context).prearchive.all()
    visible = [session for session in sessions if _sees(context, session)]
    return table(request, context, reversed(visible))


@routes.data("/prearchive/projects/{projects}", variants=LIST)
def list_projects(request: Request, context: Context, projects: str) -> Response:
    """The sessions of some projects; who sees all data also gets those of none."""
    wanted = {project_id(context, key) for key in projects.split(",")}
    for id in wanted:
        known = id == UNASSIGNED or context.store.items.project(id) is not None
        allowed = context.caller.reads_all if id == UNASSIGNED else context.caller.may("read", id)
        if known and not allowed:
            raise StatusError(404)
    if context.caller.reads_all:
        wanted.add(UNASSIGNED)
    sessions = intake_of(context).prearchive.all()
    return table(request, context, [one for one in sessions if one.project in wanted])


@routes.data("/prearchive", methods=("PUT",))
def rescan(request: Request, context: Context) -> Response:
    """Make the table agree with the disk."""
    if not context.caller.is_admin:
        raise StatusError(404)
    intake_of(context).prearchive.rescan()
    return empty()


def _sees(context: Context, session: StagedSession) -> bool:
    if session.project == UNASSIGNED:
        return context.caller.reads_all
    return context.caller.reads_all or context.caller.may("edit", session.project)
