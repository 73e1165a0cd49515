"""Who may see and do what in the Container Service."""

from __future__ import annotations

from .container_store import Containers, Document
from .context import Context
from .responses import StatusError


def plugin_of(context: Context) -> Containers:
    """The plugin; 404 on a site without it."""
    if not context.settings.containers:
        raise StatusError(404)
    return context.app.containers


def require_project(context: Context, project: str) -> None:
    """Project-guarded calls tell strangers 403 and only all-data users 404."""
    found = context.store.items.project(project)
    context.require(context.caller.reads_all or context.caller.may("read", project))
    if found is None:
        raise StatusError(404)


def is_mine(context: Context, container: Document) -> bool:
    """Whether the caller launched a container, or owns its project."""
    if container["user-id"] == context.login:
        return True
    return context.caller.may("delete", container["project"])
