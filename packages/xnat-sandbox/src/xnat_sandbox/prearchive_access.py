"""Who may see and touch staged sessions, and the table that shows them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from werkzeug.wrappers import Request, Response

from .context import Context
from .intake import intake_of
from .responses import StatusError
from .resultset import ResultSet, answer
from .staged_session import UNASSIGNED, StagedSession

COLUMNS = (
    *("project", "timestamp", "lastmod", "uploaded", "scan_date", "scan_time", "subject"),
    *("folderName", "name", "tag", "status", "url", "autoarchive", "prevent_anon"),
    *("prevent_auto_commit", "SOURCE", "VISIT", "PROTOCOL", "TIMEZONE"),
)
SOURCE = re.compile(r"(?:/data|/REST)?/prearchive/projects/([^/]+)/([^/]+)/([^/]+)/?")


def table(
    request: Request, context: Context, sessions: Iterable[StagedSession], *, default: str = ""
) -> Response:
    """The sessions as a ResultSet, in format `default` where the request names none."""
    if default and not context.format:
        context.parameters.add([("format", default)])
    return answer(request, context, ResultSet(COLUMNS, [_cells(one) for one in sessions]))


def session_at(context: Context, project: str, timestamp: str, folder: str) -> StagedSession | None:
    """A session by its address, None when there is none of that name."""
    return intake_of(context).prearchive.find(project_id(context, project), timestamp, folder)


def require_edit(context: Context, project: str, *, open_unassigned: bool = False) -> None:
    """Refuse callers who may not edit in the project: 403, or 500 where the server stumbles."""
    if project == UNASSIGNED:
        if not (open_unassigned or context.caller.edits_all):
            raise StatusError(500, "Unable to identify project")
    elif context.store.items.project(project) is None:
        raise StatusError(500, f"Unable to identify project {project}")
    else:
        context.require(
            context.caller.may("edit", project_id(context, project)),
            "User does not have permission to modify this session",
        )


def project_id(context: Context, key: str) -> str:
    """The id of a project given by id or alias; unknown ones as they are."""
    project = context.store.items.project(key)
    return project.id if project else key


def sources(context: Context) -> list[tuple[str, str, str]]:
    """Project, timestamp and folder of every `src`; 500 for what is no session's address."""
    found = []
    for source in context.parameters.all("src"):
        match = SOURCE.fullmatch(source)
        if match is None:
            raise StatusError(500, f"Invalid prearchive URI: {source}")
        found.append((match[1], match[2], match[3]))
    return found


def _cells(session: StagedSession) -> tuple[str | bool, ...]:
    return (
        session.project,
        session.timestamp,
        session.lastmod,
        session.uploaded,
        f"{session.scan_date} 00:00:00.0" if session.scan_date else "",
        "",
        session.subject,
        session.folder,
        session.name,
        session.tag,
        session.status,
        session.url,
        session.auto_archive,
        session.prevent_anon,
        session.prevent_auto_commit,
        session.source,
        session.visit,
        session.protocol,
        "",
    )
