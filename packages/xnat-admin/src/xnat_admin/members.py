"""Users, and the groups of projects they are in.

A group is called `{project}_{role}`, and a project may have underscores: the last one counts. The
server invites by mail whom it does not know, so a user is looked for before.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from xnat_core.errors import (
    OperationError,
    PermissionDeniedError,
    ResourceNotFoundError,
    ServerError,
    ValidationError,
    XNATCtlError,
)
from xnat_core.models import User
from xnat_core.services.projects import ProjectService
from xnat_core.urls import path
from xnat_core.validation import validate_lookup

if TYPE_CHECKING:
    from xnat_core.client import XNATClient

ROLES = ("owner", "member", "collaborator")

Outcomes = dict[str, XNATCtlError | str]
"""By group: the error that kept it from being changed, or `done` or `skipped`."""


def split(group: str) -> tuple[str, str]:
    """Project and role of a group; the role is empty for a group of another kind."""
    project, _, role = group.rpartition("_")
    return (project, role) if project and role in ROLES else ("", "")


def group_names(groups: Iterable[str], projects: Iterable[str], role: str) -> list[str]:
    """The groups that are named, and those of that role in the projects.

    Raises ValidationError for none at all and for what is no name.
    """
    if role not in ROLES:
        raise ValidationError(f"role {role!r}: must be one of {', '.join(ROLES)}", "role", role)
    named = [*groups, *(f"{validate_lookup(project, 'project')}_{role}" for project in projects)]
    if not named:
        raise ValidationError("which groups? name them, or name projects", "groups")
    return list(dict.fromkeys(validate_lookup(group, "group") for group in named))


def find_user(client: XNATClient, username: str) -> User:
    """The account, as far as it may be read.

    Raises ResourceNotFoundError; PermissionDeniedError when nobody tells whether it exists.
    """
    validate_lookup(username, "user")
    about = ("user", username)
    try:
        return _user(client.json(path("xapi", "users", username), about=about))
    except PermissionDeniedError:
        pass
    # Other accounts are for administrators; who there is, others may know as well.
    for known in list_users(client):
        if known.username.lower() == username.lower():
            return known
    raise ResourceNotFoundError(*about)


def list_users(client: XNATClient, project: str | None = None) -> list[User]:
    """The users of the server, or the members of a project with their groups in it."""
    if project is not None:
        return _members(client, project)
    try:
        where = path("xapi", "users", "profiles")
        return [_user(entry) for entry in _listed(client, where, ("users", "of the server"))]
    except (PermissionDeniedError, ResourceNotFoundError, ServerError):
        # Profiles are for administrators on some sites that tell everybody who there is.
        rows = client.rows(path("data", "users"), about=("users", "of the server"))
        return [User.from_row(row, enabled=True) for row in rows]


def groups_of(client: XNATClient, username: str, projects: Iterable[str] = ()) -> set[str]:
    """The groups that a user is in; without the right to see all, those in `projects`."""
    try:
        where = path("xapi", "users", username, "groups")
        return {str(group) for group in _listed(client, where, ("user", username))}
    except PermissionDeniedError:
        return {
            group
            for project in dict.fromkeys(projects)
            for member in _members(client, project)
            if member.username == username
            for group in member.groups
        }


def groups_in(
    client: XNATClient, username: str, projects: Iterable[str], role: str | None = None
) -> list[str]:
    """The groups of these projects that a user is in, or those of a role; where the user has no
    role in a project, all of its groups, so that a mistyped project is told."""
    wanted = [validate_lookup(project, "project") for project in projects]
    if role or not wanted:
        return [f"{project}_{role}" for project in wanted]
    present = groups_of(client, find_user(client, username).username, wanted)
    found: list[str] = []
    for project in wanted:
        all_roles = [f"{project}_{one}" for one in ROLES]
        found += [group for group in all_roles if group in present] or all_roles
    return found


def change(
    client: XNATClient, username: str, groups: Iterable[str], *, join: bool, dry_run: bool = False
) -> Outcomes:
    """Have a user join or leave groups and look what came of it, group by group.

    Raises ResourceNotFoundError for the user.
    """
    user = find_user(client, username).username
    outcomes: Outcomes = {}
    for group in groups:
        if missing := _missing_project(client, group):
            outcomes[group] = missing
    left = [group for group in groups if group not in outcomes]
    projects = [project for project, _ in map(split, left) if project]
    before = groups_of(client, user, projects)
    outcomes |= {group: "skipped" for group in left if (group in before) is join}
    left = [group for group in left if group not in outcomes]
    if dry_run or not left:
        return outcomes | dict.fromkeys(left, "done")
    refused = _send(client, user, left, join=join)
    after = groups_of(client, user, projects)
    for group in left:
        if (group in after) is join:
            outcomes[group] = "done"
        else:
            still = "is not in" if join else "is still in"
            said = ", the server refused" if group in refused else " although the server said yes"
            outcomes[group] = refused.get(group) or OperationError(
                "user", f"{user} {still} group {group!r}{said}"
            )
    return outcomes


def _send(
    client: XNATClient, user: str, groups: list[str], *, join: bool
) -> dict[str, XNATCtlError | None]:
    """Send the change; the groups that the server refuses, with its reason where it gives one."""
    method = "PUT" if join else "DELETE"
    try:
        response = client.request(
            method,
            path("xapi", "users", user, "groups"),
            json=groups,
            about=("groups of user", user),
            repeatable=True,
        )
        return dict.fromkeys(_failed(response) if response.status_code == 202 else ())
    except PermissionDeniedError as denied:
        # Owners of a project may change its members by another route.
        refused: dict[str, XNATCtlError | None] = {}
        for group in groups:
            project, _ = split(group)
            try:
                if not project:
                    raise denied
                where = path("data", "projects", project, "users", group, user)
                client.request(method, where, about=("project", project), repeatable=True)
            except XNATCtlError as error:
                refused[group] = error
        return refused


def _listed(client: XNATClient, where: str, about: tuple[str, str]) -> list[Any]:
    found = client.json(where, about=about)
    if not isinstance(found, list):
        raise OperationError(f"GET {where}", "the server does not answer with a list")
    return found


def _failed(response: Any) -> list[str]:
    try:
        return [str(group) for group in response.json()]
    except (ValueError, TypeError):
        return []


def _missing_project(client: XNATClient, group: str) -> XNATCtlError | None:
    project, _ = split(group)
    if not project:
        return None
    try:
        found = ProjectService(client).get(project).id
    except XNATCtlError as error:
        return error
    return None if found == project else ResourceNotFoundError("project", project)


def _members(client: XNATClient, project: str) -> list[User]:
    validate_lookup(project, "project")
    where = path("data", "projects", project, "users", "true")
    members: dict[str, list[dict[str, Any]]] = {}
    for row in client.rows(where, about=("project", project)):
        members.setdefault(str(row.get("login")), []).append(row)
    return [
        User.from_row(rows[0], groups=tuple(str(row.get("GROUP_ID")) for row in rows))
        for rows in members.values()
    ]


def _user(entry: Any) -> User:
    return User.from_row(entry if isinstance(entry, dict) else {"login": entry})
