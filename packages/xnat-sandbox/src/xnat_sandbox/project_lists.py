"""The list of projects, in its two very different forms."""

from __future__ import annotations

from werkzeug.wrappers import Request, Response

from .accounts import GROUPS
from .context import Context
from .model import Project
from .resultset import ResultSet, answer
from .routing import LIST, Routes

routes = Routes()

# Any of these asks the search engine, which knows other columns.
SEARCH_PARAMETERS = (
    *("accessible", "data", "prearc_code", "owner", "member", "collaborator"),
    *("activeSince", "recent", "favorite", "admin"),
)


@routes.data("/projects", variants=LIST)
def projects(request: Request, context: Context) -> Response:
    """The projects that the caller reads; or, searched for, all that the caller knows of."""
    if any(name in context.parameters for name in SEARCH_PARAMETERS):
        return answer(request, context, _searched(context))
    columns = (
        *("ID", "secondary_ID", "name", "description", "pi_firstname", "pi_lastname"),
        "URI",
    )
    rows = [
        (
            project.id,
            project.secondary_id,
            project.name,
            project.fields.get("description"),
            project.fields.get("PI/firstname"),
            project.fields.get("PI/lastname"),
            f"/data/projects/{project.id}",
        )
        for project in context.store.items.projects()
        if _listed(context, project)
    ]
    return answer(request, context, ResultSet(columns, rows, total=len(rows)))


def _listed(context: Context, project: Project) -> bool:
    caller, parameters = context.caller, context.parameters
    restrict = parameters.get("restrict") or parameters.get("permissions")
    if restrict in ("edit", "delete"):
        return caller.may("edit" if restrict == "edit" else "delete", project.id)
    return caller.may("read", project.id)


def _searched(context: Context) -> ResultSet:
    account = context.store.accounts.user(context.login)
    number = account.number if account else 0
    columns = [
        *("id", "name", "description", "secondary_id", "pi", "project_invs", "project_access"),
        *("project_access_img", "insert_date", "insert_user"),
        *(f"user_role_{number}", f"last_accessed_{number}"),
    ]
    codes = context.parameters.flag("prearc_code")
    if codes:
        columns += ["proj_quarantine", "proj_prearchive_code"]
    rows = []
    for project in context.store.items.projects():
        if not _found(context, project):
            continue
        first, last = project.fields.get("PI/firstname"), project.fields.get("PI/lastname")
        row: list[object] = [
            *(project.id, project.name, project.fields.get("description"), project.secondary_id),
            f"{last}, {first or ''}" if last else "",
            "",
            project.accessibility,
            f"/@WEBAPP/images/{project.accessibility[:1]}.gif",
            *(project.inserted, project.insert_user),
            GROUPS.get(context.caller.role_in(project.id), ""),
            "",
        ]
        if codes:
            row += [project.quarantine_code, project.prearchive_code]
        rows.append(row)
    extras = {"xdat_user_id": str(number)}
    return ResultSet(columns, rows, title="Projects", total=len(rows), extras=extras)


def _found(context: Context, project: Project) -> bool:
    roles = [role for role in GROUPS if context.parameters.flag(role)]
    if roles:
        return context.caller.role_in(project.id) in roles
    return context.caller.sees(project)
