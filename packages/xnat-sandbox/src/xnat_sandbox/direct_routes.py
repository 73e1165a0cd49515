"""/xapi/direct-archive: the rows, and starting one."""

from __future__ import annotations

from werkzeug.wrappers import Request, Response

from .context import Context
from .direct_archive import StillReceiving
from .direct_table import DirectSession
from .intake import intake_of
from .responses import StatusError, empty, json_body
from .routing import Routes

routes = Routes()
SESSION = "/direct-archive/{project}/{tag}/{session}"


@routes.xapi(SESSION)
def show(request: Request, context: Context, project: str, tag: str, session: str) -> Response:
    """One row."""
    return json_body(_as_json(_row(context, project, tag, session)))


@routes.xapi(SESSION, methods=("POST",))
def trigger(request: Request, context: Context, project: str, tag: str, session: str) -> Response:
    """Queue a session for the archive now."""
    if context.settings.release < (1, 8, 4):
        raise StatusError(404)
    row = _row(context, project, tag, session)
    context.require(context.caller.may("edit", row.project))
    try:
        intake_of(context).direct_lifecycle.trigger(row)
    except StillReceiving as error:
        message = f"There was an error in the request : Refusing to trigger archive of {error}"
        raise StatusError(500, message) from error
    return empty()


@routes.xapi("/direct-archive", methods=("POST",))
def list_rows(request: Request, context: Context) -> Response:
    """The rows of the projects that the caller may edit; the page asked for."""
    page = request.get_json(silent=True) or {}
    rows = [row for row in intake_of(context).direct.all() if _may_edit(context, row)]
    size = int(page.get("size") or 0)
    start = (int(page.get("page") or 1) - 1) * size
    return json_body([_as_json(row) for row in rows[start : start + size if size else None]])


@routes.xapi("/direct-archive/{id}", methods=("DELETE",))
def delete(request: Request, context: Context, id: str) -> Response:
    """Forget a row and its files."""
    intake = intake_of(context)
    row = intake.direct.get(int(id)) if id.isdigit() else None
    if row is None:
        raise StatusError(404)
    context.require(context.caller.may("delete", row.project))
    intake.direct_lifecycle.delete(row)
    return empty()


def _row(context: Context, project: str, tag: str, session: str) -> DirectSession:
    if not _offered(context):
        raise StatusError(404)
    found = intake_of(context).direct.find(project, tag, session)
    if found is None or not context.caller.may("read", found.project):
        raise StatusError(404)
    return found


def _offered(context: Context) -> bool:
    return context.settings.direct_archive and context.settings.release >= (1, 8, 3)


def _may_edit(context: Context, row: DirectSession) -> bool:
    return context.caller.may("edit", row.project)


def _as_json(row: DirectSession) -> dict[str, str | int]:
    return {
        "id": row.id,
        "project": row.project,
        "subject": row.subject,
        "session": row.session,
        "status": row.status,
        "tag": row.tag,
        "location": row.arc,
        "scanDate": row.scan_date,
        "scanTime": row.scan_time,
        "source": row.source,
        "visit": row.visit,
        "protocol": row.protocol,
        "uploaded": row.uploaded,
        "lastmod": row.lastmod,
    }
