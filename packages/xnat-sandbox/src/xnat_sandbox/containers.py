"""The Container Service plugin: commands, wrappers, launches. Nothing is really run."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from werkzeug.wrappers import Request, Response

from .container_store import FINISHED, Containers, Document, history_entry
from .context import Context
from .lookup import find_experiment
from .model import Experiment
from .responses import StatusError, json_body, text
from .routing import Routes
from .users import sent_json

routes = Routes()


@routes.xapi("/commands")
def list_commands(request: Request, context: Context) -> Response:
    """The commands, filtered by name, version or image."""
    found = _plugin(context).commands()
    for key in ("name", "version", "image"):
        wanted = context.parameters.get(key)
        found = [command for command in found if wanted in ("", command.get(key))]
    return json_body(found)


@routes.xapi("/commands", methods=("POST",))
def add_command(request: Request, context: Context) -> Response:
    """Add a command; the answer is its bare id."""
    plugin = _plugin(context)
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
    _plugin(context).update_command(int(id), sent_json(request, dict))
    return json_body(int(id))


@routes.xapi("/commands/{id}", methods=("DELETE",))
def delete_command(request: Request, context: Context, id: str) -> Response:
    """Delete a command, whether there is one or not."""
    context.require_admin()
    if id.isdigit():
        _plugin(context).delete_command(int(id))
    return Response(status=204)


@routes.xapi("/commands/available", "/projects/{project}/commands/available")
def available(request: Request, context: Context, project: str = "") -> Response:
    """The wrappers that may be launched."""
    project = project or context.parameters.get("project")
    if project:
        _project(context, project)
    found = []
    for command in _plugin(context).commands():
        for wrapper in command["xnat"]:
            if _plugin(context).enabled(wrapper["id"], project):
                found.append(_offer(command, wrapper))
    return json_body(found)


@routes.xapi(
    "/wrappers/{wrapper}/enabled",
    "/projects/{project}/wrappers/{wrapper}/enabled",
)
def get_enabled(request: Request, context: Context, wrapper: str, project: str = "") -> Response:
    """Whether a wrapper may be used."""
    number = int(wrapper) if wrapper.isdigit() else 0
    return json_body(_plugin(context).enabled(number, project))


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
    plugin = _plugin(context)
    allowed = context.caller.may("delete", project) if project else context.caller.is_admin
    context.require(allowed)
    number = int(wrapper) if wrapper.isdigit() else 0
    plugin.enable(number, project, request.path.endswith("enabled"))
    return Response(status=200)


@routes.xapi("/projects/{project}/wrappers/{wrapper}/launch")
def launch_form(request: Request, context: Context, project: str, wrapper: str) -> Response:
    """What a launch wants to know."""
    _project(context, project)
    found = _plugin(context).wrapper(wrapper)
    if found is None:
        raise StatusError(404)
    command, one = found
    inputs = [*one.get("external-inputs", []), *command.get("inputs", [])]
    return json_body(
        {
            "command-id": command["id"],
            "wrapper-id": one["id"],
            "input-config": inputs,
            "input-values": [
                {"name": given["name"], "values": [{"value": given.get("default-value")}]}
                for given in inputs
            ],
        }
    )


_LAUNCHES = (
    "/projects/{project}/wrappers/{wrapper}/root/{root}/launch",
    "/wrappers/{wrapper}/root/{root}/launch",
)


@routes.xapi(*_LAUNCHES, methods=("POST",))
def launch(
    request: Request, context: Context, wrapper: str, root: str, project: str = ""
) -> Response:
    """Queue a launch. Success says no more than that: nothing has been looked at."""
    inputs = sent_json(request, dict)
    _launchable(context, project)
    return json_body(_launch(context, project, wrapper, root, inputs))


@routes.xapi("/projects/{project}/wrappers/{wrapper}/root/{root}/bulklaunch", methods=("POST",))
def bulk_launch(
    request: Request, context: Context, project: str, wrapper: str, root: str
) -> Response:
    """Queue a launch for each of the root inputs, which come as a JSON array in a string."""
    inputs = sent_json(request, dict)
    _launchable(context, project)
    try:
        roots = json.loads(inputs.get(root) or "[]")
    except ValueError as error:
        raise StatusError(500, str(error)) from error
    launched = [_launch(context, project, wrapper, root, {**inputs, root: one}) for one in roots]
    found = _plugin(context).wrapper(wrapper)
    return json_body(
        {
            "bulk-launch-id": f"{context.login}-{len(_plugin(context).containers())}",
            "pipeline-name": found[1]["name"] if found else wrapper,
            "successes": launched,
            "failures": [],
        }
    )


@routes.xapi("/containers", "/projects/{project}/containers")
def list_containers(request: Request, context: Context, project: str = "") -> Response:
    """The containers: one's own, or all of them to owners and administrators."""
    if project:
        _project(context, project)
    found = [one for one in _plugin(context).containers(project) if _mine(context, one)]
    if context.parameters.flag("nonfinalized"):
        found = [one for one in found if not one["status"].startswith(FINISHED)]
    return json_body(found)


@routes.xapi("/containers", methods=("POST",))
def page_containers(request: Request, context: Context) -> Response:
    """The containers in pages, newest first."""
    page = sent_json(request, dict)
    found = [one for one in _plugin(context).containers() if _mine(context, one)]
    found.reverse()
    size = int(page.get("size") or 50)
    start = (int(page.get("page") or 1) - 1) * size
    return json_body(found[start : start + size])


@routes.xapi("/containers/{id}")
def get_container(request: Request, context: Context, id: str) -> Response:
    """One container, with little in it for strangers."""
    found = _container(context, id)
    if not _mine(context, found):
        found = {key: found[key] for key in ("id", "status", "status-time", "wrapper-id")}
    return json_body(found)


@routes.xapi("/containers/{id}", methods=("DELETE",))
def delete_container(request: Request, context: Context, id: str) -> Response:
    """Forget a container; a missing right is 401 here."""
    found = _container(context, id)
    if not _mine(context, found):
        raise StatusError(401)
    _plugin(context).delete_container(int(id))
    return Response(status=204)


@routes.xapi("/containers/{id}/logs/{name}")
def get_log(request: Request, context: Context, id: str, name: str) -> Response:
    """What a container wrote so far."""
    number = int(id) if id.isdigit() else 0
    found = None
    if name in ("stdout", "stderr"):
        found = _plugin(context).log(number, name)
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
            archive.writestr(f"{name}.log", _plugin(context).log(int(id), name) or "")
    return Response(packed.getvalue(), mimetype="application/zip")


@routes.xapi("/containers/{id}/logSince/{name}")
def get_log_since(request: Request, context: Context, id: str, name: str) -> Response:
    """What a container wrote, as JSON."""
    found = _container(context, id)
    content = _plugin(context).log(int(id), name if name == "stderr" else "stdout")
    ended = found["status"].startswith(FINISHED)
    return json_body({"content": content, "timestamp": "-1" if ended else found["status-time"]})


@routes.xapi("/containers/{id}/kill", "/projects/{project}/containers/{id}/kill", methods=("POST",))
def kill(request: Request, context: Context, id: str, project: str = "") -> Response:
    """Stop a container."""
    found = _container(context, id)
    context.require(_mine(context, found))
    if _plugin(context).proceed(int(id), "Killed"):
        context.store.workflows.update(int(found["workflow-id"]), status="Killed")
    return text(found["container-id"])


@routes.xapi("/docker/server")
def docker_server(request: Request, context: Context) -> Response:
    """The compute backend that is pretended."""
    _plugin(context)
    return json_body({"id": 1, "name": "sandbox", "host": "unix:///var/run/docker.sock"})


def _plugin(context: Context) -> Containers:
    if not context.settings.containers:
        raise StatusError(404)
    return context.app.containers


def _project(context: Context, project: str) -> None:
    """Project-guarded calls tell strangers 403 and only all-data users 404."""
    found = context.store.items.project(project)
    context.require(context.caller.reads_all or context.caller.may("read", project))
    if found is None:
        raise StatusError(404)


def _launchable(context: Context, project: str) -> None:
    _plugin(context)
    if project and context.store.items.project(project) is None:
        raise StatusError(500, f"There was an error in the request : No project {project}")
    context.require(not project or context.caller.may("edit", project))


def _command(context: Context, id: str) -> Document:
    found = _plugin(context).command(int(id)) if id.isdigit() else None
    if found is None:
        raise StatusError(404)
    return found


def _container(context: Context, id: str) -> Document:
    plugin = _plugin(context)
    found = plugin.container(int(id)) if id.isdigit() else None
    if found is None:
        raise StatusError(404, f"No container with ID {id}")
    return found


def _mine(context: Context, container: Document) -> bool:
    if container["user-id"] == context.login:
        return True
    return context.caller.may("delete", container["project"])


def _offer(command: Document, wrapper: Document) -> Document:
    roots = wrapper.get("external-inputs") or [{}]
    return {
        "command-id": command["id"],
        "command-name": command.get("name"),
        "command-description": command.get("description"),
        "wrapper-id": wrapper["id"],
        "wrapper-name": wrapper["name"],
        "wrapper-description": wrapper.get("description"),
        "image-name": command.get("image"),
        "image-type": "docker",
        "root-element-name": roots[0].get("name"),
        "enabled": True,
    }


def _launch(
    context: Context, project: str, wrapper: str, root: str, inputs: dict[str, Any]
) -> Document:
    plugin = _plugin(context)
    found = plugin.wrapper(wrapper)
    session = find_experiment(context, str(inputs.get(root, "")).rpartition("/")[2])
    if found:
        _start(context, project, found, session, inputs)
    return {
        "status": "success",
        "params": {name: str(value) for name, value in inputs.items()},
        "id": None,
        "command-id": found[0]["id"] if found else None,
        "wrapper-id": int(wrapper) if wrapper.isdigit() else None,
        "workflow-id": "To be assigned",
    }


def _start(
    context: Context,
    project: str,
    found: tuple[Document, Document],
    session: Experiment | None,
    inputs: dict[str, Any],
) -> None:
    plugin, workflows = _plugin(context), context.store.workflows
    command, wrapper = found
    project = project or (session.project if session else "")
    row = workflows.record(
        session.id if session else "",
        project,
        session.xsi_type if session else "",
        wrapper["name"],
        user=context.login,
        status="Queued",
        type="PROCESS",
    )
    first = history_entry("Created", context.login)
    content: Document = {
        "command-id": command["id"],
        "wrapper-id": wrapper["id"],
        "container-id": f"{row.number:064x}",
        "container-name": f"{wrapper['name']}-{row.number}",
        "status": "Created",
        "status-time": first["time-recorded"],
        "project": project,
        "user-id": context.login,
        "docker-image": command.get("image"),
        "workflow-id": str(row.number),
        "backend": "docker",
        "subtype": "docker",
        "command-line": command.get("command-line"),
        "working-directory": None,
        "env": {},
        "ports": {},
        "mounts": [],
        "inputs": [{"type": "raw", "name": key, "value": inputs[key]} for key in inputs],
        "outputs": [],
        "history": [first],
        "log-paths": [],
    }
    id = plugin.add_container(project, context.login, content)
    # Inputs are looked at only now, as by the real plugin: a bad one ends as a failed job.
    good = session is not None and wrapper["name"] != "demo-failing"

    def proceed(status: str, percent: str, **logs: str) -> None:
        if plugin.proceed(id, status, **logs):
            workflows.update(row.number, status=status, percent_complete=percent)

    end = "Complete" if good else "Failed"
    errors = "" if good else "something went wrong\n"
    steps = [
        lambda: proceed("Running", "50.0", stdout="started\n"),
        lambda: proceed("Finalizing", "90.0"),
        lambda: proceed(end, "100.0", stdout="done\n" if good else "", stderr=errors),
    ]
    context.app.jobs.run(steps, context.settings.container_seconds / 3)
