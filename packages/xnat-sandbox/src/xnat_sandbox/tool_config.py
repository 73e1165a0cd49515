"""`/config/{tool}/{path}`: versioned texts of tools, for the site and for projects."""

from __future__ import annotations

from werkzeug.wrappers import Request, Response

from .context import Context
from .lookup import PROJECT
from .preferences import ToolConfig
from .responses import StatusError, empty, json_body, text
from .routing import Routes

routes = Routes()

HOMES = ("/config", f"{PROJECT}/config")


@routes.data(*HOMES, *(f"{home}/{{tool}}" for home in HOMES))
def get_config(request: Request, context: Context, tool: str = "", project: str = "") -> Response:
    """A configuration, or the tools and paths that there are."""
    scope = _scope(context, project, write=False)
    tools = context.store.tools
    if not tool:
        return _names([{"tool": name} for name in tools.tools(scope)])
    if not context.rest:
        return _names([{"path": name} for name in tools.paths(scope, tool)])
    versions = tools.versions(scope, tool, context.rest)
    wanted = context.parameters.get("version")
    found = [one for one in versions if str(one.version) == wanted] if wanted else versions[-1:]
    if not found:
        raise StatusError(404)
    if context.parameters.flag("contents"):
        return text(found[0].contents)
    rows = [_row(one, context.parameters.flag("meta")) for one in found]
    return json_body({"ResultSet": {"Result": rows}})


@routes.data(*(f"{home}/{{tool}}" for home in HOMES), methods=("PUT", "POST"))
def put_config(request: Request, context: Context, tool: str, project: str = "") -> Response:
    """Store a new version, or switch the configuration on or off."""
    scope = _scope(context, project, write=True)
    if not context.rest:
        raise StatusError(400)
    tools, path = context.store.tools, context.rest
    latest = tools.latest(scope, tool, path)
    contents = request.get_data(as_text=True)
    if not context.parameters.flag("inbody") or not contents:
        contents = context.parameters.get("contents") or (latest.contents if latest else "")
    status = context.parameters.get("status") or (latest.status if latest else "enabled")
    if status not in ("enabled", "disabled"):
        raise StatusError(400)
    reason = context.parameters.get("reason")
    tools.put(scope, tool, path, contents, user=context.login, status=status, reason=reason)
    return empty(200 if latest else 201)


def _scope(context: Context, project: str, *, write: bool) -> str:
    if not project:
        context.require(not write or context.caller.is_admin)
        return ""
    found = context.project(project)
    context.require(context.caller.may("delete" if write else "read", found.id))
    return found.id


def _names(rows: list[dict[str, str]]) -> Response:
    if not rows:
        raise StatusError(404)
    return json_body({"ResultSet": {"Result": rows}})


def _row(config: ToolConfig, bare: bool) -> dict[str, str]:
    row = {
        "tool": config.tool,
        "path": config.path,
        "project": config.project,
        "user": config.user,
        "create_date": config.created,
        "reason": config.reason,
        "contents": config.contents,
        "unversioned": "false",
        "version": str(config.version),
        "status": config.status,
    }
    if bare:
        del row["contents"]
    return row
