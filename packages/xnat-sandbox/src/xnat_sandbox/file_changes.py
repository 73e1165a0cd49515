"""Files of resources: stored and deleted."""

from __future__ import annotations

import gzip
import json
import tarfile
import threading
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from werkzeug.wrappers import Request, Response

from .catalogs import trace
from .context import Context, body_of
from .disk import Readable, Staged, blocks_of, safe_path, staged_file
from .events import require_reason
from .file_names import lookup_names, stored_name
from .files import PARENT_FILES, RESOURCE_FILES
from .importer_multipart import FormError, spooled
from .model import FileEntry, Resource
from .resources import is_number
from .responses import StatusError, empty, text
from .routing import Routes
from .sources import Source, direction_of, source_to_write

routes = Routes()

# Bodies of these types are taken for the file itself even without `inbody=true`.
IN_BODY_TYPES = frozenset(
    {
        *("text/plain", "text/xml", "text/csv", "application/octet-stream", "application/zip"),
        *("application/x-gtar", "application/x-gzip", "application/x-tar", "application/dicom"),
        *("application/pdf", "application/xml", "application/json"),
    }
)
ARCHIVES = (".zip", ".zar", ".tar", ".xar", ".tgz", ".tar.gz", ".gz")
NO_FILES = (
    "Unable to identify any uploaded files. If you are uploading a file in the body of the"
    " request, add inbody=true to the query string."
)
LOCK_SECONDS = 30

_locks: defaultdict[int, threading.Lock] = defaultdict(threading.Lock)


@dataclass(frozen=True, slots=True)
class Upload:
    """One file of a request, not yet stored."""

    name: str
    staged: Staged


@routes.data(*RESOURCE_FILES, *PARENT_FILES, methods=("PUT", "POST"))
def put_files(request: Request, context: Context, resource: str = "", **path: str) -> Response:
    """Store files, or unpack an archive into the resource."""
    if "Content-Range" in request.headers:
        raise StatusError(501)
    source = source_to_write(context, path, direction_of(request.path))
    if not context.caller.may("edit", source.project):
        # The server skips the work without a word.
        return empty()
    require_reason(context)
    raw = context.remainder.removeprefix("/")
    with _received(request, context, raw) as uploads:
        if not uploads:
            raise StatusError(400, NO_FILES)
        duplicates = _store(context, source, resource, uploads)
    if duplicates:
        return text(json.dumps({"duplicates": duplicates}), mimetype="text/html")
    return empty()


@routes.data(*RESOURCE_FILES, *PARENT_FILES, methods=("DELETE",))
def delete_files(request: Request, context: Context, resource: str = "", **path: str) -> Response:
    """Delete every file whose path begins with the rest of the URL."""
    source = source_to_write(context, path, direction_of(request.path))
    context.require(context.caller.may("delete", source.project))
    require_reason(context, deleting=True)
    found = context.store.resources.find(source.owner, resource)
    if found is None:
        raise StatusError(400, "Unable to identify the resource.")
    matched = _matching(context, found, context.remainder.removeprefix("/"))
    if not matched:
        if context.parameters.flag("accept-not-found"):
            return empty(204)
        raise StatusError(404, "No matched files")
    keep = context.parameters.get("removeFiles").lower() == "false"
    with context.store.database.transaction():
        for entry in matched:
            context.store.resources.remove(found, entry.path, keep_bytes=keep)
        trace(context, source, "Removed File")
    return empty()


def _matching(context: Context, resource: Resource, raw: str) -> list[FileEntry]:
    entries = context.store.resources.files(resource)
    for name in lookup_names(raw):
        prefix = name.removesuffix("*")
        matched = [entry for entry in entries if prefix and entry.path.startswith(prefix)]
        if matched:
            return matched
    return []


# Receiving


@contextmanager
def _received(request: Request, context: Context, raw: str) -> Iterator[list[Upload]]:
    """The files of the request; what nobody took over is gone at the end."""
    checksum = bool(context.store.preferences.get("checksums"))
    if request.mimetype.startswith("multipart/"):
        if context.parameters.flag("inbody"):
            raise StatusError(400, "inbody=true does not go with a multipart body.")
        with _form_files(request, context, raw, checksum) as uploads:
            yield uploads
        return
    if "reference" in context.parameters:
        yield _referenced(context, checksum)
        return
    if not _is_in_body(request, context) or not raw or raw.endswith("/"):
        yield []
        return
    _check_length(request)
    staged = context.store.disk.stage(body_of(request), checksum=checksum)
    try:
        yield [Upload(stored_name(raw), staged)]
    finally:
        staged.discard()


@contextmanager
def _form_files(
    request: Request, context: Context, raw: str, checksum: bool
) -> Iterator[list[Upload]]:
    boundary = request.mimetype_params.get("boundary", "").encode()
    stream = cast(BinaryIO, request.stream)
    try:
        with spooled(stream, boundary, context.store.disk.staging) as form:
            for name, values in form.fields.items():
                context.parameters.add((name, value) for value in values)
            name = stored_name(raw)
            uploads = []
            for part in form.files:
                own = part.filename.replace("\\", "/").rpartition("/")[2]
                target = name + own if not name or name.endswith("/") else name
                uploads.append(Upload(target, staged_file(part.path, checksum=checksum)))
            yield uploads
    except FormError as error:
        raise StatusError(500, str(error)) from error


def _referenced(context: Context, checksum: bool) -> list[Upload]:
    """Files that lie on the server already; a copy is taken."""
    context.require_admin()
    top = Path(context.parameters.get("reference"))
    if not top.exists():
        raise StatusError(400, f"The path {top} is not accessible to the server.")
    uploads = []
    for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
        if path.is_file():
            name = path.relative_to(top).as_posix() if top.is_dir() else path.name
            with path.open("rb") as source:
                staged = context.store.disk.stage(blocks_of(source), checksum=checksum)
            uploads.append(Upload(name, staged))
    return uploads


def _is_in_body(request: Request, context: Context) -> bool:
    mimetype = request.mimetype
    known = mimetype in IN_BODY_TYPES or mimetype.startswith(("image/", "video/"))
    return context.parameters.flag("inbody") or known


def _check_length(request: Request) -> None:
    """Chunked bodies are accepted for zips only; otherwise the server trips over them."""
    if request.content_length is None and request.mimetype != "application/zip":
        raise StatusError(500, "java.lang.NullPointerException")


# Storing


def _store(context: Context, source: Source, label: str, uploads: list[Upload]) -> list[str]:
    """Store the uploads; answers the paths that existed and were left as they are."""
    parameters, resources = context.parameters, context.store.resources
    resource = resources.find(source.owner, label)
    if resource is None and is_number(label):
        raise StatusError(404, "Unable to identify the resource.")
    resource = resource or resources.ensure(
        source.owner, label, format=parameters.get("format"), content=parameters.get("content")
    )
    if parameters.flag("extract"):
        unpacked: list[Upload] = []
        try:
            for upload in uploads:
                unpacked += _unpacked(context, upload)
            return _put_all(context, source, resource, unpacked)
        finally:
            for upload in unpacked:
                upload.staged.discard()
    return _put_all(context, source, resource, uploads)


def _put_all(
    context: Context, source: Source, resource: Resource, uploads: list[Upload]
) -> list[str]:
    parameters, resources = context.parameters, context.store.resources
    stats = parameters.get("update-stats").lower() not in ("false", "0")
    duplicates = []
    with _catalog_lock(resource), context.store.database.transaction():
        for upload in uploads:
            path = safe_path(upload.name)
            if path.endswith("_catalog.xml"):
                continue
            if resources.file(resource, path) and not parameters.flag("overwrite"):
                duplicates.append(path)
                continue
            resources.put(
                resource,
                path,
                upload.staged,
                format=parameters.get("format"),
                content=parameters.get("content"),
                tags=parameters.get("tags"),
                update_stats=False,
            )
        if stats:
            resources.count(resource)
            trace(context, source, "Uploaded File")
    return duplicates


@contextmanager
def _catalog_lock(resource: Resource) -> Iterator[None]:
    lock = _locks[resource.number]
    if not lock.acquire(timeout=LOCK_SECONDS):
        raise StatusError(500, "Unable to lock the catalog.")
    try:
        yield
    finally:
        lock.release()


def _unpacked(context: Context, upload: Upload) -> Iterator[Upload]:
    """The files inside an archive, or the file itself when its suffix tells of none."""
    checksum = bool(context.store.preferences.get("checksums"))
    disk = context.store.disk
    if not upload.name.endswith(ARCHIVES):
        yield upload
        return
    try:
        for name, data in _members(upload):
            yield Upload(safe_path(name), disk.stage(blocks_of(data), checksum=checksum))
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, gzip.BadGzipFile) as error:
        raise StatusError(500, f"Unable to extract {upload.name}: {error}") from error


def _members(upload: Upload) -> Iterator[tuple[str, Readable]]:
    name, path = upload.name, upload.staged.path
    if name.endswith((".zip", ".zar")):
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if not info.is_dir():
                    with archive.open(info) as data:
                        yield info.filename, data
    elif name.endswith((".tar", ".xar", ".tgz", ".tar.gz")):
        with tarfile.open(path) as tar:
            for member in tar:
                content = tar.extractfile(member) if member.isfile() else None
                if content:
                    yield member.name, cast(Readable, content)
    else:
        with gzip.open(path) as packed:
            yield name.rpartition("/")[2].removesuffix(".gz"), cast(Readable, packed)
