"""The Container Service plugin: commands, and which of their wrappers may be used."""

from __future__ import annotations

from werkzeug.wrappers import Request, Response

from .container_access import plugin_of, require_project
from .container_store import Document
from .context import Context
from .datatypes import lineage
from .responses import StatusError, json_body
from .routing import Routes
from .users import sent_json

routes = Routes()


@routes.xapi("/commands")
def list_commands(request: Request, context: Context) -> Response:
    """The commands, filtered by name, version or image."""
    found = plugin_of(context).commands()
    for key in ("name", "version", "image"):
        wanted = context.parameters.get(key)
        found = [command for command in found if wanted in ("", command.get(key))]
    return json_body(found)


@routes.xapi("/commands", methods=("POST",))
def add_command(request: Request, context: Context) -> Response:
    """Add a command; the answer is its bare id."""
    plugin = plugin_of(context)
    context.require_admin()
    return json_body(plugin.add_command(sent_json(request, dict)), 201)


@routes.xapi("/commands/{id}")
def get_command(request: Request, context: Context, id: str) -> Response:
    """One command."""
    return json_body(_command(context, id))


@routes.xapi("/commands/{id}", methods=("POST",))
def update_command(request: Request, context: Context, id: str) -> Response:
    """Change a command."""
    context.require_admin()
    _command(context, id)
    plugin_of(context).update_command(int(id), sent_json(request, dict))
    return json_body(int(id))


@routes.xapi("/commands/{id}", methods=("DELETE",))
def delete_command(request: Request, context: Context, id: str) -> Response:
    """Delete a command, whether there is one or not."""
    context.require_admin()
    if id.isdigit():
        plugin_of(context).delete_command(int(id))
    return Response(status=204)


@routes.xapi("/commands/available", "/projects/{project}/commands/available")
def available(request: Request, context: Context, project: str = "") -> Response:
    """The wrappers that may be launched on a type: on it, or on what it descends from."""
    project = project or context.parameters.get("project")
    xsi_type = context.parameters.get("xsiType")
    if not (project and xsi_type):
        raise StatusError(400, "Parameter conditions not met for actual request parameters")
    require_project(context, project)
    types = lineage(xsi_type)
    if not types:
        raise StatusError(400, f"Bad XSI Type. {xsi_type}")
    plugin = plugin_of(context)
    return json_body(
        [
            _offer(command, wrapper, enabled=plugin.enabled(wrapper["id"], project))
            for command in plugin.commands()
            for wrapper in command["xnat"]
            if types & set(wrapper.get("contexts") or [])
        ]
    )


@routes.xapi(
    "/wrappers/{wrapper}/enabled",
    "/projects/{project}/wrappers/{wrapper}/enabled",
)
def get_enabled(request: Request, context: Context, wrapper: str, project: str = "") -> Response:
    """Whether a wrapper may be used."""
    number = int(wrapper) if wrapper.isdigit() else 0
    return json_body(plugin_of(context).enabled(number, project))


@routes.xapi(
    *(
        f"{home}/wrappers/{{wrapper}}/{word}"
        for home in ("", "/projects/{project}")
        for word in ("enabled", "disabled")
    ),
    methods=("PUT",),
)
def put_enabled(request: Request, context: Context, wrapper: str, project: str = "") -> Response:
    """Allow a wrapper or forbid it, whether there is one or not."""
    plugin = plugin_of(context)
    allowed = context.caller.may("delete", project) if project else context.caller.is_admin
    context.require(allowed)
    number = int(wrapper) if wrapper.isdigit() else 0
    plugin.enable(number, project, request.path.endswith("enabled"))
    return Response(status=200)


@routes.xapi("/docker/server")
def docker_server(request: Request, context: Context) -> Response:
    """The compute backend that is pretended."""
    plugin_of(context)
    return json_body({"id": 1, "name": "sandbox", "host": "unix:///var/run/docker.sock"})


def _command(context: Context, id: str) -> Document:
    found = plugin_of(context).command(int(id)) if id.isdigit() else None
    if found is None:
        raise StatusError(404)
    return found


def _offer(command: Document, wrapper: Document, *, enabled: bool) -> Document:
    roots = wrapper.get("external-inputs") or [{}]
    return {
        "command-id": command["id"],
        "command-name": command.get("name"),
        "command-description": command.get("description"),
        "wrapper-id": wrapper["id"],
        "wrapper-name": wrapper["name"],
        "wrapper-description": wrapper.get("description"),
        "wrapper-contexts": wrapper.get("contexts"),
        "image-name": command.get("image"),
        "image-type": "docker",
        "root-element-name": roots[0].get("name"),
        "enabled": enabled,
    }
