"""The Container Service plugin: launches. Nothing is really run."""

from __future__ import annotations

import json
from typing import Any

from werkzeug.wrappers import Request, Response

from .container_access import plugin_of, require_project
from .container_store import Document, history_entry
from .context import Context
from .lookup import find_experiment
from .model import Experiment
from .responses import StatusError, json_body
from .routing import Routes
from .users import sent_json

routes = Routes()


@routes.xapi("/projects/{project}/wrappers/{wrapper}/launch")
def launch_form(request: Request, context: Context, project: str, wrapper: str) -> Response:
    """What a launch wants to know."""
    require_project(context, project)
    found = plugin_of(context).wrapper(wrapper)
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
    found = plugin_of(context).wrapper(wrapper)
    return json_body(
        {
            "bulk-launch-id": f"{context.login}-{len(plugin_of(context).containers())}",
            "pipeline-name": found[1]["name"] if found else wrapper,
            "successes": launched,
            "failures": [],
        }
    )


def _launchable(context: Context, project: str) -> None:
    plugin_of(context)
    if project and context.store.items.project(project) is None:
        raise StatusError(500, f"There was an error in the request : No project {project}")
    context.require(not project or context.caller.may("edit", project))


def _launch(
    context: Context, project: str, wrapper: str, root: str, inputs: dict[str, Any]
) -> Document:
    plugin = plugin_of(context)
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
    plugin, workflows = plugin_of(context), context.store.workflows
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
