"""The Container Service plugin: containers and their logs."""

from __future__ import annotations

import io
import zipfile

from werkzeug.wrappers import Request, Response

from .container_access import is_mine, plugin_of, require_project
from .container_store import FINISHED, Document
from .context import Context
from .responses import StatusError, json_body, text
from .routing import Routes
from .users import sent_json

routes = Routes()


@routes.xapi("/containers", "/projects/{project}/containers")
def list_containers(request: Request, context: Context, project: str = "") -> Response:
    """The containers: one's own, or all of them to owners and administrators."""
    if project:
        require_project(context, project)
    found = [one for one in plugin_of(context).containers(project) if is_mine(context, one)]
    if context.parameters.flag("nonfinalized"):
        found = [one for one in found if not one["status"].startswith(FINISHED)]
    return json_body(found)


@routes.xapi("/containers", methods=("POST",))
def page_containers(request: Request, context: Context) -> Response:
    """The containers in pages, newest first."""
    page = sent_json(request, dict)
    found = [one for one in plugin_of(context).containers() if is_mine(context, one)]
    found.reverse()
    size = int(page.get("size") or 50)
    start = (int(page.get("page") or 1) - 1) * size
    return json_body(found[start : start + size])


@routes.xapi("/containers/{id}")
def get_container(request: Request, context: Context, id: str) -> Response:
    """One container, with little in it for strangers."""
    found = _container(context, id)
    if not is_mine(context, found):
        found = {key: found[key] for key in ("id", "status", "status-time", "wrapper-id")}
    return json_body(found)


@routes.xapi("/containers/{id}", methods=("DELETE",))
def delete_container(request: Request, context: Context, id: str) -> Response:
    """Forget a container; a missing right is 401 here."""
    found = _container(context, id)
    if not is_mine(context, found):
        raise StatusError(401)
    plugin_of(context).delete_container(int(id))
    return Response(status=204)


@routes.xapi("/containers/{id}/logs/{name}")
def get_log(request: Request, context: Context, id: str, name: str) -> Response:
    """What a container wrote so far."""
    number = int(id) if id.isdigit() else 0
    found = None
    if name in ("stdout", "stderr"):
        found = plugin_of(context).log(number, name)
    if found is None:
        raise StatusError(500, f"There was an error in the request : No log {name}")
    return text(found)


@routes.xapi("/containers/{id}/logs")
def get_logs(request: Request, context: Context, id: str) -> Response:
    """Both logs as a zip."""
    _container(context, id)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in ("stdout", "stderr"):
            archive.writestr(f"{name}.log", plugin_of(context).log(int(id), name) or "")
    return Response(packed.getvalue(), mimetype="application/zip")


@routes.xapi("/containers/{id}/logSince/{name}")
def get_log_since(request: Request, context: Context, id: str, name: str) -> Response:
    """What a container wrote, as JSON."""
    found = _container(context, id)
    content = plugin_of(context).log(int(id), name if name == "stderr" else "stdout")
    ended = found["status"].startswith(FINISHED)
    return json_body({"content": content, "timestamp": "-1" if ended else found["status-time"]})


@routes.xapi("/containers/{id}/kill", "/projects/{project}/containers/{id}/kill", methods=("POST",))
def kill(request: Request, context: Context, id: str, project: str = "") -> Response:
    """Stop a container."""
    found = _container(context, id)
    context.require(is_mine(context, found))
    if plugin_of(context).proceed(int(id), "Killed"):
        context.store.workflows.update(int(found["workflow-id"]), status="Killed")
    return text(found["container-id"])


def _container(context: Context, id: str) -> Document:
    plugin = plugin_of(context)
    found = plugin.container(int(id)) if id.isdigit() else None
    if found is None:
        raise StatusError(404, f"No container with ID {id}")
    return found
