"""Single projects."""

from __future__ import annotations

from werkzeug.wrappers import Request, Response

from .context import Context
from .events import record, record_on, require_reason
from .fields import PROJECT_ALIASES, submitted
from .item_routes import (
    VALID_ID,
    documents,
    item_answer,
    no_remainder,
    sent_item,
)
from .item_xml import Parsed
from .lookup import PROJECT
from .model import Project, Value
from .responses import StatusError, empty, text
from .resultset import ResultSet, answer
from .routing import ITEM, LIST, TEXT, Routes

routes = Routes()

ACCESSIBILITY = ("private", "protected", "public")


@routes.data(PROJECT, variants=ITEM)
def get_project(request: Request, context: Context, project: str) -> Response:
    """The project's document; the tail of a longer path is ignored."""
    found = context.project(project)
    return item_answer(request, context, documents(context).project(found), "project", found.id)


@routes.data(PROJECT, methods=("PUT",))
def put_project(request: Request, context: Context, project: str) -> Response:
    """Create a project or change one."""
    no_remainder(context, "projects/")
    context.require(not context.caller.is_guest)
    sent = sent_item(request)
    if sent and sent.take("ID") not in ("", project):
        raise StatusError(417, "ID in the document does not match the URL.")
    found = context.store.items.project(project)
    if found:
        _update(context, found, sent)
    else:
        _create(context, project, sent)
    return empty()


@routes.data("/projects", methods=("POST",))
def post_project(request: Request, context: Context) -> Response:
    """Create a project from a document."""
    context.require(not context.caller.is_guest)
    sent = sent_item(request)
    if sent is None:
        raise StatusError(417, "Need POST Contents")
    id = sent.take("ID")
    if context.store.items.project(id):
        raise StatusError(409, "Project already exists.")
    _create(context, id, sent)
    return text(f"{context.base_url}/data/projects/{id}")


@routes.data(PROJECT, methods=("DELETE",))
def delete_project(request: Request, context: Context, project: str) -> Response:
    """Delete a project with everything in it."""
    no_remainder(context, "projects/")
    found = context.store.items.project(project)
    if found is None:
        raise StatusError(400, "Unable to identify project.")
    context.require(context.caller.may("delete", found.id))
    require_reason(context, deleting=True)
    remove_files = context.parameters.flag("removeFiles")
    context.store.delete_project(found, remove_files=remove_files)
    record(context, found.id, found.id, "xnat:projectData", "Removed Project")
    return empty()


@routes.data(f"{PROJECT}/accessibility", variants=TEXT)
def get_accessibility(request: Request, context: Context, project: str) -> Response:
    """How visible the project is."""
    return text(context.project(project).accessibility)


@routes.data(f"{PROJECT}/accessibility", methods=("PUT",))
@routes.data(f"{PROJECT}/accessibility/{{level}}", methods=("PUT",))
def put_accessibility(
    request: Request, context: Context, project: str, level: str = ""
) -> Response:
    """Make the project more or less visible."""
    found = context.project(project)
    context.require(context.caller.may("delete", found.id))
    if level not in ACCESSIBILITY:
        raise StatusError(400)
    if level != "private" and not context.store.preferences.get("securityAllowNonPrivateProjects"):
        raise StatusError(403)
    context.store.items.update_project(found.id, accessibility=level, user=context.login)
    record_on(context, found, "Modified Project")
    return empty()


@routes.data(f"{PROJECT}/accessibility/{{level}}", variants=TEXT)
def get_accessibility_level(
    request: Request, context: Context, project: str, level: str
) -> Response:
    """As without the level."""
    return get_accessibility(request, context, project)


_SETTINGS = ("prearchive_code", "quarantine_code", "current_arc")


@routes.data(*(f"{PROJECT}/{name}" for name in _SETTINGS), variants=TEXT)
@routes.data(*(f"{PROJECT}/{name}/{{value}}" for name in _SETTINGS), variants=TEXT)
def get_setting(request: Request, context: Context, project: str, value: str = "") -> Response:
    """A bare value."""
    found = context.project(project)
    return text(str(getattr(found, _setting_name(request))))


@routes.data(*(f"{PROJECT}/{name}/{{value}}" for name in _SETTINGS), methods=("PUT",))
def put_setting(request: Request, context: Context, project: str, value: str) -> Response:
    """Store a value; numbers are not checked for sense, as the server does not."""
    found = context.project(project)
    context.require(context.caller.may("delete", found.id))
    items, name = context.store.items, _setting_name(request)
    if name == "current_arc":
        items.update_project(found.id, current_arc=value, user=context.login)
    elif not value.lstrip("-").isdigit():
        raise StatusError(400)
    elif name == "prearchive_code":
        items.update_project(found.id, prearchive_code=int(value), user=context.login)
    else:
        items.update_project(found.id, quarantine_code=int(value), user=context.login)
    return empty()


@routes.data(f"{PROJECT}/scan_types", variants=LIST)
def scan_types(request: Request, context: Context, project: str) -> Response:
    """The scan types that occur in a project."""
    found = context.project(project)
    rows = context.store.database.rows(
        "SELECT DISTINCT json_extract(c.fields, '$.type') AS type FROM scan c"
        " JOIN experiment e ON e.id=c.session_id WHERE e.project=? AND type IS NOT NULL"
        " ORDER BY type",
        (found.id,),
    )
    table = ResultSet(("type",), [(row["type"],) for row in rows], total=len(rows))
    return answer(request, context, table)


@routes.data("/scan_types", "/scanners", variants=LIST)
def site_values(request: Request, context: Context) -> Response:
    """The scan types, or the scanners, that occur on the site."""
    path, key = ("$.type", "type") if "/scan_types" in request.path else ("$.scanner", "scanner")
    sql = (
        f"SELECT DISTINCT json_extract(fields, '{path}') AS value FROM scan"
        " WHERE value IS NOT NULL ORDER BY value"
    )
    rows = [(row["value"],) for row in context.store.database.rows(sql)]
    return answer(request, context, ResultSet((key,), rows, total=len(rows)))


def _setting_name(request: Request) -> str:
    parts = request.path.split("/")
    return next(name for name in _SETTINGS if name in parts[4:])


def _create(context: Context, id: str, sent: Parsed | None) -> None:
    items, preferences = context.store.items, context.store.preferences
    if not VALID_ID.fullmatch(id):
        raise StatusError(417, "Invalid character in project ID.")
    free = preferences.get("uiAllowNonAdminProjectCreation")
    context.require(context.caller.is_admin or bool(free))
    context.require(not items.project_was_deleted(id), "ID was used by a deleted project.")
    require_reason(context)
    fields, aliases = _fields(context, sent)
    _check_names(context, id, fields, aliases or (), new=True)
    accessibility = context.parameters.get("accessibility")
    with context.store.database.transaction():
        created = items.create_project(
            id,
            fields=fields,
            aliases=aliases or (),
            accessibility=accessibility if accessibility in ACCESSIBILITY else "private",
            prearchive_code=int(preferences.get("defaultProjectAutoArchiveSetting")),
            user=context.login,
        )
        context.store.accounts.join(context.login, f"{id}_owner")
        record_on(context, created, "Added Project")


def _update(context: Context, project: Project, sent: Parsed | None) -> None:
    context.require(context.caller.may("edit", project.id))
    require_reason(context)
    fields, aliases = _fields(context, sent)
    _check_names(context, project.id, fields, aliases or ())
    items = context.store.items
    items.update_project(project.id, fields=fields, aliases=aliases, user=context.login)
    record_on(context, project, "Modified Project")


def _fields(
    context: Context, sent: Parsed | None
) -> tuple[dict[str, Value], tuple[str, ...] | None]:
    fields = dict(sent.fields) if sent else {}
    fields |= submitted(context.parameters.items(), "xnat:projectData", PROJECT_ALIASES)
    aliases = tuple(sent.aliases) if sent and sent.aliases else None
    given = context.parameters.get("alias")
    if given:
        aliases = tuple(alias for alias in given.replace(",", " ").split() if alias)
    return {path: value for path, value in fields.items() if value != ""}, aliases


def _check_names(
    context: Context,
    id: str,
    fields: dict[str, Value],
    aliases: tuple[str, ...],
    *,
    new: bool = False,
) -> None:
    names = [str(fields[key]) for key in ("name", "secondary_ID") if key in fields]
    names += [*aliases, *([id] if new else [])]
    if context.store.items.project_name_taken(*names, by_other_than="" if new else id):
        raise StatusError(409, "Project ID, title, running title or alias is already in use.")
