"""Files of resources: listed, fetched one by one or as an archive."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from werkzeug.wrappers import Request, Response

from .context import Context
from .file_names import lookup_names
from .layout import Layout
from .model import FileEntry, Resource
from .ranges import send_file
from .responses import StatusError, streamed
from .resultset import ResultSet, answer
from .routing import FILES, Routes
from .sources import (
    FILE_PARENTS,
    RESOURCE_PARENTS,
    Source,
    below,
    direction_of,
    named_resources,
    sources_to_read,
)
from .zip_stream import gzipped, in_blocks, tar_stream, zip_stream

routes = Routes()

RESOURCE_FILES = tuple(f"{parent}/resources/{{resource}}/files" for parent in RESOURCE_PARENTS)
PARENT_FILES = tuple(f"{parent}/files" for parent in FILE_PARENTS)

ARCHIVES = {
    "zip": "application/zip",
    "tar": "application/x-tar",
    "tar.gz": "application/x-gtar",
    "application/zip": "application/zip",
    "application/x-tar": "application/x-tar",
    "application/x-gtar": "application/x-gtar",
}
COLUMNS = (
    *("Name", "Size", "URI", "collection", "file_tags", "file_format", "file_content"),
    *("cat_ID", "digest"),
)

Selection = list[tuple[Source, Resource]]


@routes.data(*RESOURCE_FILES, *PARENT_FILES, variants=FILES)
def get_files(request: Request, context: Context, resource: str = "", **path: str) -> Response:
    """A list, an archive, or one file: the rest of the path and `format` decide."""
    sources = sources_to_read(context, path, direction_of(request.path), flat_status=500)
    selection = _selection(context, sources, resource)
    raw = context.remainder.removeprefix("/")
    if raw and not raw.endswith("/"):
        return _one_file(request, context, selection, raw)
    chosen = _Chosen(context, selection, unquote(raw))
    if "index" in context.parameters:
        return _by_index(request, context, chosen)
    if context.format in ARCHIVES:
        return _archive(context, chosen, scans_selected="scan" in path)
    return _listing(request, context, chosen)


class _Chosen:
    """The files of a selection that pass the filters of the request."""

    def __init__(self, context: Context, selection: Selection, folder: str) -> None:
        parameters = context.parameters
        self._context = context
        self._selection = selection
        self._folder = folder
        self._format = parameters.get("file_format")
        self._content = parameters.get("file_content")
        self._flat = parameters.get("recursive").lower() == "false"

    @property
    def sources(self) -> list[Source]:
        """The items that the files belong to."""
        return [source for source, _ in self._selection]

    def __iter__(self) -> Iterator[tuple[Source, Resource, FileEntry]]:
        for source, resource in self._selection:
            for entry in self._context.store.resources.stream_files(resource):
                if self._passes(resource, entry):
                    yield source, resource, entry

    def _passes(self, resource: Resource, entry: FileEntry) -> bool:
        if not entry.path.startswith(self._folder):
            return False
        if self._flat and "/" in entry.path[len(self._folder) :]:
            return False
        format, content = entry.format or resource.format, entry.content or resource.content
        if self._format and format not in self._format.split(","):
            return False
        return not self._content or content in self._content.split(",")


def _selection(context: Context, sources: list[Source], resource: str) -> Selection:
    if resource:
        return named_resources(context, sources, resource)
    if context.parameters.flag("all"):
        sources = [source for top in sources for source in below(context, top)]
    resources = context.store.resources
    return [(source, found) for source in sources for found in resources.of(source.owner)]


def _listing(request: Request, context: Context, chosen: _Chosen) -> Response:
    locator = context.parameters.get("locator")
    columns = list(COLUMNS)
    if locator in ("absolutePath", "projectPath"):
        columns[2] = locator
    table = ResultSet(
        columns, _rows(context, chosen, locator), title="Files", link_columns=("URI",)
    )
    return answer(request, context, table)


def _rows(context: Context, chosen: _Chosen, locator: str) -> Iterator[tuple[object, ...]]:
    resources = context.store.resources
    for source, resource, entry in chosen:
        uri = f"{source.uri}/resources/{resource.number}/files/{entry.path}"
        if locator == "absolutePath":
            uri = str(resources.path(resource, entry.path))
        elif locator == "projectPath":
            archive = context.store.disk.archive / source.project
            uri = resources.path(resource, entry.path).relative_to(archive).as_posix()
        shared = (
            *(resource.label, entry.tags, entry.format or resource.format),
            *(entry.content or resource.content, resource.number),
        )
        name = entry.path.rpartition("/")[2]
        yield (name, entry.size, uri, *shared, entry.digest)
        if context.parameters.flag("listContents") and name.endswith(".zip"):
            for inner in _inner_names(resources.path(resource, entry.path)):
                yield (inner.rpartition("/")[2], 0, f"{uri}!/{inner}", *shared, "")


def _inner_names(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            return [info.filename for info in archive.infolist() if not info.is_dir()]
    except (OSError, zipfile.BadZipFile):
        return []


def _one_file(request: Request, context: Context, selection: Selection, raw: str) -> Response:
    resources = context.store.resources
    for name in lookup_names(raw):
        for _, resource in selection:
            entry = resources.file(resource, name)
            if entry:
                return _send(request, resources.path(resource, entry.path))
    for name in lookup_names(raw):
        for _, resource in selection:
            inner = _inside_zip(context, resource, name)
            if inner:
                return inner
    raise StatusError(404, "Unable to find catalog entry for given uri.")


def _inside_zip(context: Context, resource: Resource, name: str) -> Response | None:
    zip_name, found, inner = name.partition(".zip")
    if not found:
        return None
    entry = context.store.resources.file(resource, f"{zip_name}.zip")
    inner = inner.removeprefix("!").removeprefix("/")
    if entry is None or not inner:
        return None
    try:
        with zipfile.ZipFile(context.store.resources.path(resource, entry.path)) as archive:
            data = archive.read(inner)
    except (KeyError, OSError, zipfile.BadZipFile):
        return None
    return Response(data, mimetype="application/octet-stream")


def _send(request: Request, path: Path) -> Response:
    if not path.is_file():
        raise StatusError(404, "Unable to find file.")
    return send_file(request, path, path.name)


def _by_index(request: Request, context: Context, chosen: _Chosen) -> Response:
    wanted = context.parameters.get("index")
    for number, (_, resource, entry) in enumerate(chosen):
        if str(number) == wanted:
            return _send(request, context.store.resources.path(resource, entry.path))
    raise StatusError(404)


def _archive(context: Context, chosen: _Chosen, *, scans_selected: bool) -> Response:
    kind = context.format
    layout = Layout(context, chosen.sources, scans_selected=scans_selected, archive=kind)
    members = _members(context, chosen, layout)
    first = next(members, None)
    if first is None:
        raise StatusError(404, "No matching files found.")

    def whole() -> Iterator[tuple[str, Path]]:
        yield first
        yield from members

    mimetype = ARCHIVES[kind]
    if mimetype == "application/zip":
        blocks = zip_stream(whole(), _zip_method(context))
        suffix = "zip"
    elif mimetype == "application/x-tar":
        blocks, suffix = tar_stream(whole()), "tar"
    else:
        blocks, suffix = gzipped(tar_stream(whole())), "tar.gz"
    response = streamed(in_blocks(blocks), mimetype)
    name = _archive_name(chosen.sources)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.{suffix}"'
    return response


def _members(context: Context, chosen: _Chosen, layout: Layout) -> Iterator[tuple[str, Path]]:
    resources = context.store.resources
    for source, resource, entry in chosen:
        path = resources.path(resource, entry.path)
        if path.is_file():
            yield layout.name(source, resource, entry.path), path


def _zip_method(context: Context) -> int:
    given = context.parameters.get("compression")
    return (
        int(given)
        if given in ("0", "8")
        else int(context.store.preferences.get("zipCompressionMethod"))
    )


def _archive_name(sources: list[Source]) -> str:
    session = sources[0].session
    return session.label if session else sources[0].name
