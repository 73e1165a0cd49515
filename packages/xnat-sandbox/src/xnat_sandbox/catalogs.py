"""Resource folders: listed, created, deleted, and shown as catalog documents."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from xml.sax.saxutils import quoteattr

from werkzeug.wrappers import Request, Response

from .context import Context, body_of
from .events import record, require_reason
from .item_routes import documents, item_answer
from .model import Experiment, Reconstruction, Resource, Scan
from .resources import is_number
from .responses import StatusError, empty, streamed, text
from .resultset import ResultSet, answer
from .routing import LIST, XML, Routes
from .sources import (
    RESOURCE_PARENTS,
    Source,
    below,
    direction_of,
    source_to_write,
    sources_to_read,
)

routes = Routes()

FOLDERS = tuple(f"{parent}/resources" for parent in RESOURCE_PARENTS)
FOLDER = tuple(f"{parent}/resources/{{resource}}" for parent in RESOURCE_PARENTS)
CATALOG = "http://nrg.wustl.edu/catalog"

COLUMNS = (
    *("xnat_abstractresource_id", "label", "element_name", "category", "cat_id", "cat_desc"),
    *("file_count", "file_size", "tags", "content", "format"),
)


@routes.data(*FOLDERS, variants=LIST)
def list_resources(request: Request, context: Context, **path: str) -> Response:
    """The resources of an item, with `all=true` those below it as well."""
    sources = sources_to_read(context, path, direction_of(request.path))
    everything = context.parameters.flag("all")
    if everything:
        sources = [source for top in sources for source in below(context, top)]
    rows = []
    for source in sources:
        for resource in context.store.resources.of(source.owner):
            if context.parameters.flag("cache_file_stats"):
                context.store.resources.count(resource)
                resource = context.store.resources.number(resource.number) or resource
            rows.append(_row(source, resource, levels=everything))
    table = ResultSet(COLUMNS, rows, title="Resources", total=len(rows))
    return answer(request, context, table)


@routes.data(*FOLDERS, methods=("POST",))
def post_resource(request: Request, context: Context, **path: str) -> Response:
    """Create a resource from a catalog document."""
    source = source_to_write(context, path, direction_of(request.path))
    context.require(context.caller.may("edit", source.project))
    data = b"".join(body_of(request))
    if not data.strip():
        raise StatusError(417, "Need POST Contents")
    try:
        root = ET.fromstring(data)
    except ET.ParseError as error:
        raise StatusError(400, str(error)) from error
    if not root.tag.endswith(("resourceCatalog", "Catalog")):
        raise StatusError(422, "Only resource catalogs are accepted here.")
    label = root.get("label") or root.get("ID") or ""
    created = _create(context, source, label, root.get("format", ""), root.get("content", ""))
    return text(f"{context.base_url}{source.uri}/resources/{created.number}")


@routes.data(*FOLDER, variants=XML)
def get_resource(request: Request, context: Context, resource: str, **path: str) -> Response:
    """The catalog; `format=json` gives the resource's own fields, as xnatpy expects."""
    for source in sources_to_read(context, path, direction_of(request.path)):
        found = context.store.resources.find(source.owner, resource)
        if found and context.format == "json":
            node = documents(context).resource(found)
            return item_answer(request, context, node, "resource", str(found.number))
        if found:
            return streamed(_catalog(context, found), "text/xml")
    raise StatusError(404, "Unable to find the specified resource.")


@routes.data(*FOLDER, methods=("PUT",))
def put_resource(request: Request, context: Context, resource: str, **path: str) -> Response:
    """Create an empty resource."""
    if context.rest:
        raise StatusError(400, f"Illegal file path '{context.rest}'.")
    source = source_to_write(context, path, direction_of(request.path))
    context.require(context.caller.may("edit", source.project))
    parameters = context.parameters
    _create(context, source, resource, parameters.get("format"), parameters.get("content"))
    return empty()


@routes.data(*FOLDER, methods=("DELETE",))
def delete_resource(request: Request, context: Context, resource: str, **path: str) -> Response:
    """Delete a resource with its files; one that is not there counts as deleted."""
    if context.rest:
        raise StatusError(400, f"Illegal file path '{context.rest}'.")
    source = source_to_write(context, path, direction_of(request.path))
    context.require(context.caller.may("delete", source.project))
    require_reason(context, deleting=True)
    found = context.store.resources.find(source.owner, resource)
    if found:
        with context.store.database.transaction():
            context.store.resources.delete(found)
            trace(context, source, f"Removed Resource {found.folder}")
    return empty()


def trace(context: Context, source: Source, action: str) -> int:
    """Leave the workflow row of a change to an item's files."""
    return record(context, source.traced, source.project, source.data_type, action)


def _create(context: Context, source: Source, label: str, format: str, content: str) -> Resource:
    if context.store.resources.find(source.owner, label):
        raise StatusError(409, "Specified resource already exists.")
    if is_number(label):
        raise StatusError(404, "Unable to find the specified resource.")
    require_reason(context)
    with context.store.database.transaction():
        created = context.store.resources.create(
            source.owner,
            label,
            format=format,
            content=content,
            tags=context.parameters.get("tags"),
            description=context.parameters.get("description"),
        )
        trace(context, source, f"Created Resource {label}")
    return created


def _row(source: Source, resource: Resource, *, levels: bool) -> tuple[object, ...]:
    category, id, description = "", "", ""
    if levels:
        category = source.category
        match source.item:
            case Scan(id=id, fields=fields) | Reconstruction(id=id, fields=fields):
                description = str(fields.get("type", ""))
            case Experiment(id=id, xsi_type=xsi_type, session_id=str()):
                description = xsi_type
    return (
        *(resource.number, resource.label, "xnat:resourceCatalog", category, id, description),
        *(resource.file_count, resource.file_size, resource.tags),
        *(resource.content, resource.format),
    )


def _catalog(context: Context, resource: Resource) -> Iterator[bytes]:
    yield f'<cat:Catalog ID="{resource.number}" xmlns:cat="{CATALOG}"><cat:entries>'.encode()
    for entry in context.store.resources.stream_files(resource):
        values = {
            "URI": entry.path,
            "ID": entry.path,
            "name": entry.path.rpartition("/")[2],
            "format": entry.format,
            "content": entry.content,
            "digest": entry.digest,
        }
        shown = "".join(f" {key}={quoteattr(value)}" for key, value in values.items() if value)
        yield f"<cat:entry{shown}/>".encode()
    yield b"</cat:entries></cat:Catalog>"
