"""Workflow rows: looked up, written, and searched by pipeline."""

from __future__ import annotations

from werkzeug.wrappers import Request, Response

from .context import Context
from .documents import Node
from .item_routes import item_answer
from .lookup import find_experiment
from .model import Value, Workflow
from .responses import StatusError, empty
from .resultset import ResultSet, answer
from .routing import LIST, XML, Routes

routes = Routes()

PREFIX = "wrk:workflowData/"
KEY = ("id", "pipeline_name", "launch_time")
COLUMNS = {
    "wrk_workflowData_id": "number",
    "id": "id",
    "externalid": "project",
    "data_type": "data_type",
    "pipeline_name": "pipeline_name",
    "status": "status",
    "launch_time": "launch_time",
    "percentagecomplete": "percent_complete",
    "current_step_id": "step_id",
    "step_description": "step_description",
    "create_user": "user",
}


@routes.data("/workflows/{number}", variants=(*XML, *LIST))
def get_workflow(request: Request, context: Context, number: str) -> Response:
    """One row by its number."""
    row = context.store.workflows.row(int(number)) if number.isdigit() else None
    if row is None or not _readable(context, row):
        raise StatusError(404)
    return _document(request, context, row)


@routes.data("/workflows", variants=(*XML, *LIST))
def find_workflow(request: Request, context: Context) -> Response:
    """The row that item, pipeline and launch time name exactly."""
    row = _find(context)
    if row is None or not _readable(context, row):
        raise StatusError(404)
    return _document(request, context, row)


@routes.data("/workflows", methods=("PUT",))
def put_workflow(request: Request, context: Context) -> Response:
    """Create a row, or change the one of the same item, pipeline and launch time."""
    given = {name: context.parameters.get(f"{PREFIX}{name}") for name in (*KEY, "data_type")}
    status = context.parameters.get(f"{PREFIX}status")
    if not all(given.values()) or not status:
        raise StatusError(400, "A required field is missing.")
    item = _project_of(context, given["id"])
    if item is None:
        raise StatusError(404)
    context.require(context.caller.may("edit", item))
    row = _find(context)
    if row:
        context.store.workflows.update(row.number, status=status)
    else:
        context.store.workflows.record(
            given["id"],
            item,
            given["data_type"],
            given["pipeline_name"],
            user=context.login,
            status=status,
            launch_time=given["launch_time"],
        )
    return empty()


@routes.data("/services/workflows/workflowid/{number}", variants=LIST)
def get_by_number(request: Request, context: Context, number: str) -> Response:
    """One row by its number; the server stumbles over an unknown one."""
    row = context.store.workflows.row(int(number)) if number.isdigit() else None
    if row is None:
        raise StatusError(500, "java.lang.NullPointerException")
    return _document(request, context, row)


@routes.data("/services/workflows/{pipeline}", variants=LIST)
def of_pipeline(request: Request, context: Context, pipeline: str) -> Response:
    """The newest row of an experiment whose pipeline name contains `pipeline`, or all of them."""
    parameters = context.parameters
    experiment = parameters.get("experiment")
    found = find_experiment(context, experiment, parameters.get("project")) or find_experiment(
        context, experiment
    )
    if not experiment or found is None:
        raise StatusError(404)
    names = pipeline.split(",")
    status = parameters.get("status")
    rows = [
        row
        for row in context.store.workflows.of_item(found.id)
        if any(name.lower() in row.pipeline_name.lower() for name in names)
        and (not status or row.status == status)
    ]
    if parameters.get("display").upper() == "ALL":
        cells = [[getattr(row, name) for name in COLUMNS.values()] for row in rows]
        table = ResultSet(list(COLUMNS), cells, title="All workflows", total=len(rows))
        return answer(request, context, table)
    if not rows:
        raise StatusError(404)
    return _document(request, context, rows[-1])


def _find(context: Context) -> Workflow | None:
    id, pipeline, launched = (context.parameters.get(f"{PREFIX}{name}") for name in KEY)
    rows = context.store.workflows.of_item(id)
    matching = (r for r in rows if (r.pipeline_name, r.launch_time) == (pipeline, launched))
    return next(matching, None)


def _project_of(context: Context, id: str) -> str | None:
    items = context.store.items
    found = items.experiment(id) or items.subject(id)
    if found:
        return found.project
    project = items.project(id)
    return project.id if project else None


def _readable(context: Context, row: Workflow) -> bool:
    return context.caller.may("read", row.project)


def _document(request: Request, context: Context, row: Workflow) -> Response:
    fields: dict[str, Value] = {
        "wrk_workflowData_id": row.number,
        "ID": row.id,
        "ExternalID": row.project,
        "data_type": row.data_type,
        "pipeline_name": row.pipeline_name,
        "status": row.status,
        "launch_time": row.launch_time,
        "percentageComplete": row.percent_complete,
        "current_step_id": row.step_id,
        "step_description": row.step_description,
        "jobID": row.job_id,
        "details": row.details,
        "justification": row.justification,
        "comments": row.comments,
        "category": row.category,
        "type": row.type,
        "create_user": row.user,
    }
    present = {name: value for name, value in fields.items() if value != ""}
    node = Node("wrk:workflowData", present, inserted=row.launch_time)
    return item_answer(request, context, node, "workflow", str(row.number))
