"""Accounts over XAPI and the user lists of /data."""

from __future__ import annotations

from typing import Any

from werkzeug.wrappers import Request, Response

from .context import Context
from .model import User
from .responses import StatusError, empty, json_body
from .resultset import ResultSet, answer
from .routing import LIST, Routes

routes = Routes()

COLUMNS = {
    "firstName": "first_name",
    "lastName": "last_name",
    "email": "email",
    "enabled": "enabled",
    "verified": "verified",
    "password": "password",
}


@routes.xapi("/users")
def list_logins(request: Request, context: Context) -> Response:
    """Login names."""
    _require_list(context)
    return json_body([user.login for user in context.store.accounts.users()])


@routes.xapi("/users", methods=("POST",))
def create_user(request: Request, context: Context) -> Response:
    """Create an account."""
    context.require_admin()
    sent = sent_json(request, dict)
    login = sent.get("username")
    if not login:
        raise StatusError(400, "The username is required.")
    if context.store.accounts.user(login):
        raise StatusError(409, f"The user {login} already exists.")
    accounts = context.store.accounts
    accounts.add_user(login, str(sent.get("password") or ""))
    accounts.update_user(login, **_changes(sent))
    return json_body(_document(context, _user(context, login)), 201)


@routes.xapi("/users/profiles")
def profiles(request: Request, context: Context) -> Response:
    """Every account."""
    _require_list(context)
    return json_body([_document(context, user) for user in context.store.accounts.users()])


@routes.xapi("/users/current")
def current(request: Request, context: Context) -> Response:
    """The caller's own account."""
    return json_body(_document(context, _user(context, context.login)))


@routes.xapi("/users/profile/{login}", "/users/{login}")
def get_user(request: Request, context: Context, login: str) -> Response:
    """One account: one's own, or anybody's to an administrator."""
    context.require(context.caller.is_admin or login == context.login)
    return json_body(_document(context, _user(context, login)))


@routes.xapi("/users/{login}", methods=("PUT",))
def change_user(request: Request, context: Context, login: str) -> Response:
    """Change what the document names."""
    context.require_admin()
    _user(context, login)
    context.store.accounts.update_user(login, **_changes(sent_json(request, dict)))
    return json_body(_document(context, _user(context, login)))


@routes.xapi("/users/{login}/enabled", "/users/{login}/verified")
def get_flag(request: Request, context: Context, login: str) -> Response:
    """A flag of an account."""
    context.require(context.caller.is_admin or login == context.login)
    return json_body(getattr(_user(context, login), request.path.rpartition("/")[2]))


@routes.xapi("/users/{login}/enabled/{flag}", "/users/{login}/verified/{flag}", methods=("PUT",))
def put_flag(request: Request, context: Context, login: str, flag: str) -> Response:
    """Set a flag of an account."""
    context.require_admin()
    _user(context, login)
    name = request.path.split("/")[-2]
    context.store.accounts.update_user(login, **{name: flag.lower() == "true"})
    if name == "enabled" and flag.lower() != "true":
        context.app.sessions.close_all_of(login)
    return json_body(True)


@routes.xapi("/users/{login}/roles")
def get_roles(request: Request, context: Context, login: str) -> Response:
    """The site-wide roles of an account."""
    context.require(context.caller.is_admin or login == context.login)
    _user(context, login)
    return json_body(context.store.accounts.roles(login))


@routes.xapi("/users/{login}/roles", methods=("PUT", "DELETE"))
def change_roles(request: Request, context: Context, login: str) -> Response:
    """Grant roles or take them away."""
    context.require_admin()
    _user(context, login)
    for role in sent_json(request, list):
        _change_role(request, context, login, str(role))
    return json_body([])


@routes.xapi("/users/{login}/roles/{role}", methods=("PUT", "DELETE"))
def change_role(request: Request, context: Context, login: str, role: str) -> Response:
    """Grant one role or take it away."""
    context.require_admin()
    _user(context, login)
    _change_role(request, context, login, role)
    return empty()


@routes.xapi("/users/{login}/groups")
def get_groups(request: Request, context: Context, login: str) -> Response:
    """The groups of an account."""
    context.require(context.caller.is_admin or login == context.login)
    _user(context, login)
    return json_body(context.store.accounts.groups(login))


@routes.xapi("/users/{login}/groups", methods=("PUT", "DELETE"))
def change_groups(request: Request, context: Context, login: str) -> Response:
    """Join or leave groups; 202 with those for which it failed."""
    _user(context, login)
    failed = [
        str(group)
        for group in sent_json(request, list)
        if not _change_group(request, context, login, str(group))
    ]
    return json_body(failed, 202 if failed else 200)


@routes.xapi("/users/{login}/groups/{group}", methods=("PUT", "DELETE"))
def change_group(request: Request, context: Context, login: str, group: str) -> Response:
    """Join or leave one group."""
    _user(context, login)
    if not _change_group(request, context, login, group):
        raise StatusError(404 if context.caller.is_admin else 403)
    return empty()


@routes.data("/users", variants=LIST)
def data_users(request: Request, context: Context) -> Response:
    """The enabled users as a table, under a title that is somebody's slip."""
    _require_list(context)
    rows = [
        (user.number, user.login, user.first_name, user.last_name, user.email)
        for user in context.store.accounts.users()
        if user.enabled
    ]
    columns = ("xdat_user_id", "login", "firstname", "lastname", "email")
    return answer(request, context, ResultSet(columns, rows, title="Projects", total=len(rows)))


@routes.data("/user")
def data_logins(request: Request, context: Context) -> Response:
    """Login names, for administrators."""
    context.require_admin()
    return json_body([user.login for user in context.store.accounts.users()])


def sent_json(request: Request, kind: type[Any]) -> Any:
    """The JSON body: 400 without or with a broken one, 415 under another content type."""
    if not request.is_json:
        raise StatusError(415 if request.content_length else 400)
    value = request.get_json(silent=True)
    if not isinstance(value, kind):
        raise StatusError(400)
    return value


def group_exists(context: Context, group: str) -> bool:
    """Whether a group id names the role of an existing project, or all data."""
    project, _, role = group.rpartition("_")
    if group in ("ALL_DATA_ADMIN", "ALL_DATA_ACCESS"):
        return True
    known = role in ("owner", "member", "collaborator")
    return known and context.store.items.project(project) is not None


def _change_group(request: Request, context: Context, login: str, group: str) -> bool:
    project = group.rpartition("_")[0]
    allowed = context.caller.is_admin or context.caller.may("delete", project)
    if not allowed or not group_exists(context, group):
        return False
    if request.method == "PUT":
        context.store.accounts.join(login, group)
        return True
    return context.store.accounts.leave(login, group)


def _change_role(request: Request, context: Context, login: str, role: str) -> None:
    accounts = context.store.accounts
    if request.method == "PUT":
        accounts.add_role(login, role)
    else:
        accounts.remove_role(login, role)


def _require_list(context: Context) -> None:
    restricted = context.store.preferences.get("restrictUserListAccessToAdmins")
    context.require(context.caller.is_admin or not restricted)


def _user(context: Context, login: str) -> User:
    found = context.store.accounts.user(login)
    if found is None:
        raise StatusError(404, f"There is no user {login}")
    return found


def _changes(sent: dict[str, Any]) -> dict[str, Any]:
    return {
        column: sent[name]
        for name, column in COLUMNS.items()
        if name in sent and sent[name] is not None
    }


def _document(context: Context, user: User) -> dict[str, Any]:
    return {
        "id": user.number,
        "username": user.login,
        "firstName": user.first_name,
        "lastName": user.last_name,
        "email": user.email,
        "enabled": user.enabled,
        "verified": user.verified,
        "lastModified": user.modified,
        "lastSuccessfulLogin": user.last_login or None,
        "secured": True,
        "password": None,
        "salt": None,
        "authorization": None,
        "pendingEmail": None,
    }
