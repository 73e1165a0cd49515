"""The trace of a change: a workflow row, and the reason where the site wants one."""

from __future__ import annotations

from .context import Context
from .model import Experiment, Project, Scan, Subject
from .responses import StatusError


def record(context: Context, id: str, project: str, data_type: str, action: str) -> int:
    """Write the workflow row of a change, or join the one that `event_id` names."""
    parameters = context.parameters
    joined = parameters.get("event_id")
    if joined.isdigit() and context.store.workflows.row(int(joined)):
        return int(joined)
    row = context.store.workflows.record(
        id,
        project,
        data_type,
        parameters.get("event_action") or action,
        user=context.login,
        type=parameters.get("event_type") or "WEB_SERVICE",
        justification=parameters.get("event_reason"),
        comments=parameters.get("event_comment"),
        percent_complete="100.0",
    )
    return row.number


def record_on(context: Context, item: Project | Subject | Experiment, action: str) -> int:
    """`record` for an item."""
    match item:
        case Project():
            return record(context, item.id, item.id, "xnat:projectData", action)
        case Subject():
            return record(context, item.id, item.project, "xnat:subjectData", action)
        case Experiment():
            return record(context, item.id, item.project, item.xsi_type, action)


def record_scan(context: Context, session: Experiment, scan: Scan, action: str) -> int:
    """`record` for a scan: the row is about its session."""
    return record(context, session.id, session.project, session.xsi_type, f"{action} {scan.id}")


def require_reason(context: Context, *, deleting: bool = False) -> None:
    """Refuse a change without a reason where the site demands one."""
    wanted = context.store.preferences.get("requireChangeJustification")
    if wanted and not context.parameters.get("event_reason"):
        raise StatusError(403 if deleting else 500, "A justification is required.")
