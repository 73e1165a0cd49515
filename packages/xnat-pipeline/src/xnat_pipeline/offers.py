"""What a server can run: wrappers of the Container Service, and pipelines of the classic engine.

Many servers have one of the two, some neither. A launch is never refused for want of the thing to
launch, so what is not in these lists must not be launched.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from xnat_core.errors import ResourceNotFoundError, ValidationError, XNATCtlError
from xnat_core.models import Pipeline
from xnat_core.urls import path
from xnat_core.validation import validate_lookup
from xnat_core.writers import natural
from xnat_pipeline.jobs import listed

if TYPE_CHECKING:
    from xnat_core.client import XNATClient

CONTAINER, CLASSIC = "container", "classic"
_SESSIONS = "xnat:imageSessionData"
Row = dict[str, Any]


def offers(client: XNATClient, project: str | None = None) -> list[Pipeline]:
    """What can be run in a project, or anywhere on the server.

    Raises ResourceNotFoundError for an unknown project, PermissionDeniedError.
    """
    if project:
        validate_lookup(project, "project")
    return [*_wrappers(client, project), *_classic(client, project)]


def offered(client: XNATClient, name: str, project: str | None = None) -> Pipeline:
    """The one that a name means: of a wrapper, its number, a command's, a classic pipeline's.

    Raises ResourceNotFoundError when there is none, ValidationError when there are several.
    """
    return choose(offers(client, project), name)


def choose(found: list[Pipeline], name: str) -> Pipeline:
    """The one of these that a name means; see `offered`."""
    for meant in (
        [one for one in found if name in (one.name, one.id)],
        [one for one in found if name == one.command],
    ):
        wrappers = {one.id: one.name for one in meant if one.id}
        if len(wrappers) > 1:
            # Versions of one command may all have a wrapper of that name.
            alike = len(set(wrappers.values())) < len(wrappers)
            names = [f"{id} ({known})" if alike else known for id, known in wrappers.items()]
            raise ValidationError(
                f"{name!r} has several wrappers: name one of {', '.join(names)}", "pipeline"
            )
        if meant:
            return meant[0]
    raise ResourceNotFoundError("pipeline", name)


def _wrappers(client: XNATClient, project: str | None) -> Iterator[Pipeline]:
    try:
        commands = listed(client, path("xapi", "commands"))
    except ResourceNotFoundError:
        return  # No such plugin.
    known = {
        str(wrapper.get("id")): (command, wrapper)
        for command in commands
        for wrapper in _list(command.get("xnat"))
    }
    if project is None:
        for command, wrapper in known.values():
            yield _wrapper({}, command, wrapper, None)
        return
    contexts = {str(one) for _, wrapper in known.values() for one in wrapper.get("contexts") or ()}
    for id, offer in _available(client, project, contexts).items():
        command, wrapper = known.get(id, ({}, {}))
        yield _wrapper(offer, command, wrapper, project)


def _available(client: XNATClient, project: str, contexts: Iterable[str]) -> dict[str, Row]:
    """What may be launched in a project, by the number of the wrapper, in their order.

    The server tells it for one data type, of the wrappers for that type and for what it descends
    from; so it is asked for each type that any wrapper is for.
    """
    where = path("xapi", "projects", project, "commands", "available")
    found: dict[str, Row] = {}
    for context in sorted({*contexts, _SESSIONS}):
        try:
            offers = listed(client, where, ("project", project), {"xsiType": context})
        except XNATCtlError as error:
            # A type of a plugin that the server has no more. Which error that is, XAPI leaves open.
            if error.details.get("status_code") not in (400, 404, 500) or context == _SESSIONS:
                raise
            continue
        found |= {str(one.get("wrapper-id")): one for one in offers if one.get("enabled", True)}
    return dict(sorted(found.items(), key=lambda item: natural(item[0])))


def _wrapper(offer: Row, command: Row, wrapper: Row, project: str | None) -> Pipeline:
    inputs = _list(wrapper.get("external-inputs"))
    roots = [one for one in inputs if one.get("name") == offer.get("root-element-name")]
    root = (roots or inputs or [{}])[0]
    name = offer.get("root-element-name") or root.get("name")
    return Pipeline(
        id=_text(offer.get("wrapper-id") or wrapper.get("id")),
        name=_text(offer.get("wrapper-name") or wrapper.get("name")) or "",
        project=project,
        engine=CONTAINER,
        command=_text(offer.get("command-name") or command.get("name")),
        description=_text(
            offer.get("wrapper-description")
            or wrapper.get("description")
            or offer.get("command-description")
            or command.get("description")
        ),
        version=_text(command.get("version")),
        image=_text(offer.get("image-name") or command.get("image")),
        root=_text(name),
        applies_to=(_text(root.get("type")) or _text(name) or "").lower() or None,
    )


def _classic(client: XNATClient, project: str | None) -> Iterator[Pipeline]:
    where = ("project", project) if project else ("site",)
    try:
        rows = client.rows(path("xapi", "pipelines", *where), empty_ok=True)
    except ResourceNotFoundError:
        return  # No such engine.
    for row in rows:
        yield Pipeline(
            name=row.get("Name") or "",
            project=project,
            engine=CLASSIC,
            description=_text(row.get("Description")),
            path=_text(row.get("Path")),
            applies_to=_text(row.get("Applies To") or row.get("datatype")),
        )


def _list(value: Any) -> list[Row]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _text(value: Any) -> str | None:
    return None if value in (None, "") else str(value)
