"""Who belongs to a project."""

from __future__ import annotations

from urllib.parse import unquote

from werkzeug.wrappers import Request, Response

from .accounts import GROUPS
from .context import Context
from .lookup import PROJECT
from .model import Project
from .responses import StatusError
from .resultset import ResultSet, answer
from .routing import LIST, Routes

routes = Routes()

COLUMNS = ("GROUP_ID", "displayname", "login", "firstname", "lastname", "email")


@routes.data(f"{PROJECT}/users", variants=LIST)
def list_members(request: Request, context: Context, project: str) -> Response:
    """The members by group; `/true` behind it includes disabled users."""
    found = context.project(project)
    context.require(context.caller.may("read", found.id))
    return _members(request, context, found)


@routes.data(f"{PROJECT}/users/{{group}}/{{users}}", methods=("PUT", "DELETE"))
def change_members(
    request: Request, context: Context, project: str, group: str, users: str
) -> Response:
    """Add users to a group or take them out.

    A user that does not exist is invited by mail, which looks like success.
    """
    if context.caller.is_guest:
        raise StatusError(412)
    found = context.project(project)
    context.require(context.caller.may("delete", found.id))
    group_id = _group_id(found, unquote(group))
    accounts = context.store.accounts
    for key in unquote(users).split(","):
        user = accounts.find(key.strip())
        if user is None:
            continue
        if request.method == "PUT":
            accounts.join(user.login, group_id)
        else:
            accounts.leave(user.login, group_id)
    return _members(request, context, found)


@routes.data(f"{PROJECT}/groups", variants=LIST)
def list_groups(request: Request, context: Context, project: str) -> Response:
    """The groups of a project."""
    found = context.project(project)
    context.require(context.caller.may("read", found.id))
    rows = [
        (
            f"{found.id}_{role}",
            name,
            found.id,
            len(context.store.accounts.members(f"{found.id}_{role}")),
        )
        for role, name in GROUPS.items()
    ]
    columns = ("id", "displayname", "tag", "users")
    return answer(request, context, ResultSet(columns, rows, title="Groups", total=len(rows)))


def _group_id(project: Project, group: str) -> str:
    for role, name in GROUPS.items():
        if group in (role, name, f"{project.id}_{role}"):
            return f"{project.id}_{role}"
    raise StatusError(404)


def _members(request: Request, context: Context, project: Project) -> Response:
    accounts = context.store.accounts
    everybody = context.rest == "true"
    rows = []
    for role, name in GROUPS.items():
        group = f"{project.id}_{role}"
        for login in accounts.members(group):
            user = accounts.user(login)
            if user and (user.enabled or everybody):
                rows.append((group, name, login, user.first_name, user.last_name, user.email))
    return answer(request, context, ResultSet(COLUMNS, rows, title="Projects", total=len(rows)))
