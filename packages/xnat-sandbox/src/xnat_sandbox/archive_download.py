"""Downloads prepared over XAPI, and the exports of a session as a whole."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from werkzeug.wrappers import Request, Response

from .context import Context
from .item_routes import documents
from .item_xml import xml_document
from .lookup import SCANS, SESSIONS, experiment_of
from .model import FileEntry, Resource, Scan
from .responses import StatusError, html_page, json_body, streamed, text
from .routing import Routes
from .sources import Source, below, sources_to_read
from .users import sent_json
from .zip_stream import in_blocks, zip_stream

routes = Routes()

Found = tuple[Source, Resource, FileEntry]


class Prepared:
    """What users asked to download, until the server ends."""

    def __init__(self) -> None:
        self._orders: dict[tuple[str, str], dict[str, Any]] = {}
        self._lock = threading.Lock()

    def keep(self, login: str, order: dict[str, Any]) -> str:
        """Remember an order, answer its id."""
        stamp = datetime.now().strftime("%Y%m%d_%H%M%S%f")[:-3]
        id = f"{stamp}{secrets.randbelow(1000):03d}"
        with self._lock:
            self._orders[(login, id)] = order
        return id

    def find(self, login: str, id: str) -> dict[str, Any]:
        """An order of this user; 404 for another's."""
        with self._lock:
            order = self._orders.get((login, id))
        if order is None:
            raise StatusError(404)
        return order


@routes.xapi("/archive/download", "/archive/downloadwithsize", methods=("POST",))
def prepare(request: Request, context: Context) -> Response:
    """Put a download together; the answer is its id, and its size when asked for."""
    order = sent_json(request, dict)
    files = list(_ordered(context, order))
    if not files:
        return Response(status=204)
    id = context.app.prepared.keep(context.login, order)
    if request.path.endswith("withsize"):
        return json_body({"id": id, "size": sum(entry.size for _, _, entry in files)})
    return text(id)


@routes.xapi("/archive/download/{id}/zip", "/archive/download/{id}/test")
def download(request: Request, context: Context, id: str) -> Response:
    """The stream of a prepared download."""
    order = context.app.prepared.find(context.login, id)
    members = ((_name(*found), _path(context, found)) for found in _ordered(context, order))
    response = streamed(in_blocks(zip_stream(members)), "application/zip")
    response.headers["Content-Disposition"] = f'attachment; filename="{id}.zip"'
    return response


@routes.xapi("/archive/download/{id}/xml")
def download_catalog(request: Request, context: Context, id: str) -> Response:
    """The catalog of a prepared download."""
    order = context.app.prepared.find(context.login, id)
    entries = "".join(
        f"<cat:entry name={quoteattr(_name(*found))}"
        f" URI={quoteattr(f'{found[0].uri}/resources/{found[1].number}/files/{found[2].path}')}/>"
        for found in _ordered(context, order)
    )
    body = (
        f'<cat:Catalog ID="{id}" xmlns:cat="http://nrg.wustl.edu/catalog">'
        f"<cat:entries>{entries}</cat:entries></cat:Catalog>"
    )
    return text(body, mimetype="application/xml")


@routes.data(*(f"{form}/XAR" for form in SESSIONS))
def export(request: Request, context: Context, experiment: str, **path: str) -> Response:
    """A session with its document and all its files as one zip."""
    session = experiment_of(context, experiment, path.get("project", ""))
    top = sources_to_read(context, {"experiment": session.id}, "")[0]
    document = context.store.disk.stage(
        [xml_document(documents(context).experiment(session)).encode()]
    )

    def members() -> Iterator[tuple[str, Path]]:
        yield f"{session.label}/{session.label}.xml", document.path
        for found in _files(context, list(below(context, top))):
            source, resource, entry = found
            inside = source.uri.partition(f"/experiments/{session.id}")[2]
            yield f"{session.label}{inside}/{resource.folder}/{entry.path}", _path(context, found)

    def blocks() -> Iterator[bytes]:
        try:
            yield from in_blocks(zip_stream(members()))
        finally:
            document.discard()

    response = streamed(blocks(), "application/zip")
    response.headers["Content-Disposition"] = f'attachment; filename="{session.label}.xar"'
    return response


@routes.data(*(f"{form}/DIR" for form in SESSIONS))
def browse(request: Request, context: Context, experiment: str, **path: str) -> Response:
    """The files of a session for people."""
    session = experiment_of(context, experiment, path.get("project", ""))
    top = sources_to_read(context, {"experiment": session.id}, "")[0]
    names = (f"<li>{_name(*found)}</li>" for found in _files(context, list(below(context, top))))
    return html_page(f"<h1>{session.label}</h1><ul>{''.join(names)}</ul>")


@routes.data(*(f"{scan}/DICOMDIR" for scan in SCANS))
def dicomdir(request: Request, context: Context, **path: str) -> Response:
    """The DICOM of a scan as a zip; the directory record itself is left out."""
    sources = sources_to_read(context, path, "")
    files = [found for found in _files(context, sources) if found[1].label == "DICOM"]
    if not files:
        raise StatusError(404)
    members = ((_name(*found), _path(context, found)) for found in files)
    return streamed(in_blocks(zip_stream(members)), "application/zip")


def _ordered(context: Context, order: dict[str, Any]) -> Iterator[Found]:
    """The files of the sessions, scans and formats that an order names."""
    types, formats = order.get("scan_types") or [], order.get("scan_formats") or []
    wanted = order.get("resources") or []
    for reference in order.get("sessions") or []:
        session = experiment_of(context, str(reference).rpartition(":")[2])
        top = sources_to_read(context, {"experiment": session.id}, "")[0]
        for found in _files(context, list(below(context, top))):
            source, resource, _ = found
            if isinstance(source.item, Scan):
                type = str(source.item.fields.get("type", "")) or "undefined"
                if type in types and resource.label in formats:
                    yield found
            elif source.item == session and resource.label in wanted:
                yield found


def _files(context: Context, sources: list[Source]) -> Iterator[Found]:
    resources = context.store.resources
    for source in sources:
        for resource in resources.of(source.owner):
            for entry in resources.files(resource):
                yield source, resource, entry


def _name(source: Source, resource: Resource, entry: FileEntry) -> str:
    label = source.session.label if source.session else source.name
    level = f"scans/{source.item.id}/" if isinstance(source.item, Scan) else ""
    return f"{label}/{level}{resource.folder}/{entry.path}"


def _path(context: Context, found: Found) -> Path:
    _, resource, entry = found
    return context.store.resources.path(resource, entry.path)
