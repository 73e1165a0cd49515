"""The classic pipeline engine: two demonstration pipelines, or none where it is not installed."""

from __future__ import annotations

import json
from dataclasses import dataclass

from werkzeug.wrappers import Request, Response

from .context import Context
from .lookup import PROJECT, find_experiment
from .model import Experiment
from .responses import StatusError, empty, json_body
from .resultset import ResultSet, answer
from .routing import LIST, Routes
from .users import sent_json

routes = Routes()


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What a pipeline says about itself."""

    name: str
    description: str
    path: str
    applies_to: str
    generates: str


DEMONSTRATIONS = (
    Pipeline(
        "DicomToNifti",
        "Converts DICOM to NIfTI.",
        "/data/xnat/pipeline/catalog/mricron/DicomToNifti.xml",
        "xnat:mrSessionData",
        "xnat:resourceCatalog",
    ),
    Pipeline(
        "FaultyQC",
        "Fails, so that failures can be seen.",
        "/data/xnat/pipeline/catalog/qc/FaultyQC.xml",
        "xnat:imageSessionData",
        "xnat:qcAssessmentData",
    ),
)
COLUMNS = ("Name", "Description", "Path", "Applies To", "Generates", "datatype")


@routes.data(f"{PROJECT}/pipelines", variants=LIST)
def project_pipelines(request: Request, context: Context, project: str) -> Response:
    """The pipelines of a project, or one of them by the rest of the path."""
    found = context.project(project)
    context.require(context.caller.may("delete", found.id))
    if context.rest:
        return _details(context, context.rest.split("/")[0])
    return _list(request, context)


@routes.data(f"{PROJECT}/pipelines/{{step}}/experiments/{{experiment}}", methods=("POST",))
def launch_step(
    request: Request, context: Context, project: str, step: str, experiment: str
) -> Response:
    """Launch a pipeline on an experiment: an empty success, and a workflow row to look for."""
    found = context.project(project)
    pipeline = _pipeline(context, step)
    if pipeline is None:
        raise StatusError(404)
    session = find_experiment(context, experiment, found.id)
    if session is None:
        raise StatusError(410)
    context.require(context.caller.may("edit", found.id))
    _launch(context, pipeline, session)
    return empty()


@routes.xapi("/pipelines/site", "/pipelines/project/{project}")
def site_pipelines(request: Request, context: Context, project: str = "") -> Response:
    """The pipelines as any user may see them."""
    return _list(request, context)


@routes.xapi("/pipelines/launch/{name}", methods=("POST",))
def launch_many(request: Request, context: Context, name: str) -> Response:
    """Launch a pipeline on several experiments; a good status even when all of it failed."""
    sent = sent_json(request, dict)
    project = context.parameters.get("project")
    pipeline = _pipeline(context, name)
    statuses = []
    for uri in json.loads(sent.get("Experiments") or "[]"):
        session = find_experiment(context, uri.rpartition("/")[2])
        allowed = session is not None and context.caller.may("edit", session.project)
        if pipeline and session and allowed:
            _launch(context, pipeline, session)
        statuses.append(
            {
                "status": "SUCCESS" if pipeline and allowed else "FAILURE",
                "project": project,
                "exptId": uri.rpartition("/")[2],
                "exptLabel": session.label if session else None,
                "workflowId": None,
            }
        )
    return _launched(statuses)


@routes.xapi("/pipelines/terminate/{name}/project/{project}", methods=("POST",))
def terminate(request: Request, context: Context, name: str, project: str) -> Response:
    """Stop what runs of a pipeline on these experiments."""
    sent = sent_json(request, dict)
    statuses = []
    for uri in json.loads(sent.get("Experiments") or "[]"):
        id = uri.rpartition("/")[2]
        stopped = False
        for row in context.store.workflows.of_item(id):
            if row.pipeline_name == name and row.status in ("Queued", "Running"):
                context.store.workflows.update(row.number, status="Killed")
                stopped = True
        state = "SUCCESS" if stopped else "FAILURE"
        statuses.append({"status": state, "project": project, "exptId": id, "workflowId": None})
    return _launched(statuses)


def _offered(context: Context) -> tuple[Pipeline, ...]:
    return DEMONSTRATIONS if context.settings.pipelines else ()


def _pipeline(context: Context, name: str) -> Pipeline | None:
    return next((one for one in _offered(context) if one.name == name), None)


def _list(request: Request, context: Context) -> Response:
    wanted = context.parameters.get("xsiType")
    rows = [
        (one.name, one.description, one.path, one.applies_to, one.generates, one.applies_to)
        for one in _offered(context)
        if wanted in ("", one.applies_to) or one.applies_to == "xnat:imageSessionData"
    ]
    table = ResultSet(COLUMNS, rows, title="Pipelines", total=len(rows))
    return answer(request, context, table)


def _details(context: Context, name: str) -> Response:
    found = _pipeline(context, name)
    if found is None:
        raise StatusError(404)
    return json_body(
        {"id": found.name, "path": found.path, "description": found.description, "inputs": []}
    )


def _launch(context: Context, pipeline: Pipeline, session: Experiment) -> None:
    workflows = context.store.workflows
    row = workflows.record(
        session.id,
        session.project,
        session.xsi_type,
        pipeline.name,
        user=context.login,
        status="Queued",
        category="SERVER",
        type="PROCESS",
    )
    end = "Failed" if pipeline.name == "FaultyQC" else "Complete"

    def proceed(status: str, percent: str) -> None:
        now = workflows.row(row.number)
        if now and now.status != "Killed":
            workflows.update(row.number, status=status, percent_complete=percent)

    pause = context.settings.container_seconds / 2
    steps = [lambda: proceed("Running", "50.0"), lambda: proceed(end, "100.0")]
    context.app.jobs.run(steps, pause)


def _launched(statuses: list[dict[str, str | None]]) -> Response:
    good = sum(1 for one in statuses if one["status"] == "SUCCESS")
    return json_body(
        {
            "params": {},
            "successes": good,
            "failures": len(statuses) - good,
            "experimentLaunchStatuses": statuses,
        }
    )
