"""What happened to an item, and old logs."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

from werkzeug.wrappers import Request, Response

from .context import Context
from .documents import seconds_of
from .lookup import (
    FLAT_EXPERIMENT,
    PROJECT_EXPERIMENT,
    SCOPED_EXPERIMENT,
    experiment_of,
    reads,
)
from .model import Workflow
from .responses import StatusError, json_body
from .routing import LIST, Routes

routes = Routes()

# The parts of a Java date pattern that have the same meaning under another letter here.
_JAVA = {
    "yyyy": "%Y",
    "MM": "%m",
    "dd": "%d",
    "HH": "%H",
    "mm": "%M",
    "ss": "%S",
    "SSS": "%f",
}


@routes.data(
    f"{SCOPED_EXPERIMENT}/history",
    f"{PROJECT_EXPERIMENT}/history",
    f"{FLAT_EXPERIMENT}/history",
    variants=LIST,
)
def experiment_history(
    request: Request, context: Context, experiment: str, project: str = "", subject: str = ""
) -> Response:
    """The changes of an experiment."""
    found = experiment_of(context, experiment, project)
    return _events(context, found.id)


@routes.data("/services/audit/{xsi_type}/{key}", variants=LIST)
def audit(request: Request, context: Context, xsi_type: str, key: str) -> Response:
    """The changes of any item."""
    items = context.store.items
    if xsi_type == "xnat:projectData":
        project = context.project(key)
        context.require(context.caller.may("read", project.id))
        return _events(context, project.id)
    item = items.subject(key) if xsi_type == "xnat:subjectData" else items.experiment(key)
    if item is None or not reads(context, item):
        raise StatusError(404)
    return _events(context, item.id)


@routes.xapi("/logs/download", "/logs/download/{spec:path}")
def download_logs(request: Request, context: Context, spec: str = "") -> Response:
    """The log files of the server: here, what workflow rows tell of accesses."""
    context.require_admin()
    rows = context.store.database.rows("SELECT * FROM workflow ORDER BY number")
    lines = [
        f"{row['launch_time']} {row['user']} 127.0.0.1 {row['pipeline_name']} {row['id']}"
        for row in rows
    ]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("access.log", "\n".join(lines) + "\n")
        archive.writestr("application.log", "")
    response = Response(packed.getvalue(), mimetype="application/zip")
    response.headers["Content-Disposition"] = 'attachment; filename="xnat-logs.zip"'
    return response


def _events(context: Context, id: str) -> Response:
    pattern = context.parameters.get("dateFormat")
    rows = context.store.workflows.of_item(id)
    return json_body({"events": [_event(row, pattern) for row in reversed(rows)]})


def _event(row: Workflow, pattern: str) -> dict[str, Any]:
    moment = seconds_of(row.launch_time)
    shown: int | str = int(moment.timestamp() * 1000)
    if pattern:
        format = re.sub("|".join(_JAVA), lambda found: _JAVA[found[0]], pattern)
        shown = moment.strftime(format)
    return {
        "event_id": row.number,
        "event_action": row.pipeline_name,
        "event_date": shown,
        "event_user": row.user,
        "event_type": row.type,
        "event_reason": row.justification,
        "event_category": row.category,
        "event_status": row.status,
        "changesets": [],
    }
