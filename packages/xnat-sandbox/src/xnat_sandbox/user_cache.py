"""`/data/user/cache/resources`: everybody's scratch area."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import BinaryIO, cast

from werkzeug.wrappers import Request, Response

from .context import Context, body_of
from .disk import safe_name, safe_path
from .file_names import stored_name
from .importer_multipart import FormError, spooled
from .ranges import send_file
from .responses import StatusError, empty
from .resultset import ResultSet, answer
from .routing import FILES, LIST, Routes

routes = Routes()

RESOURCES = "/user/cache/resources"
FILES_OF = f"{RESOURCES}/{{resource}}/files"


@routes.data(RESOURCES, variants=LIST)
def list_folders(request: Request, context: Context) -> Response:
    """The folders of the caller."""
    top = _top(context)
    names = sorted(path.name for path in top.iterdir()) if top.is_dir() else []
    rows = [(name, f"/user/cache/resources/{name}") for name in names]
    return answer(request, context, ResultSet(("Name", "URI"), rows, title="User Resources"))


@routes.data(f"{RESOURCES}/{{resource}}", methods=("PUT",))
def create_folder(request: Request, context: Context, resource: str) -> Response:
    """Make a folder."""
    _folder(context, resource).mkdir(parents=True, exist_ok=True)
    return empty()


@routes.data(f"{RESOURCES}/{{resource}}", methods=("DELETE",))
def delete_folder(request: Request, context: Context, resource: str) -> Response:
    """Remove a folder."""
    shutil.rmtree(_folder(context, resource), ignore_errors=True)
    return empty()


@routes.data(FILES_OF, variants=FILES)
def get_files(request: Request, context: Context, resource: str) -> Response:
    """A file, or the list of them."""
    folder = _folder(context, resource)
    if context.rest:
        path = folder / _path(context)
        if not path.is_file():
            raise StatusError(404)
        return send_file(request, path, path.name)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    rows = []
    for path in files:
        name = path.relative_to(folder).as_posix()
        uri = f"/user/cache/resources/{resource}/files/{name}"
        rows.append((path.name, path.stat().st_size, uri))
    table = ResultSet(("Name", "Size", "URI"), rows, title="Files", total=len(rows))
    return answer(request, context, table)


@routes.data(FILES_OF, methods=("PUT", "POST"))
def put_files(request: Request, context: Context, resource: str) -> Response:
    """Keep a file, sent in the body or as a form."""
    folder = _folder(context, resource)
    disk = context.store.disk
    if not request.mimetype.startswith("multipart/"):
        if not context.rest:
            raise StatusError(400)
        staged = disk.stage(body_of(request), checksum=False)
        _place(staged.path, folder / _path(context))
        return empty()
    boundary = request.mimetype_params.get("boundary", "").encode()
    try:
        stream = cast(BinaryIO, request.stream)
        with spooled(stream, boundary, disk.staging) as form:
            for part in form.files:
                own = safe_name(part.filename.replace("\\", "/").rpartition("/")[2])
                _place(part.path, folder / (_path(context) if context.rest else own))
    except FormError as error:
        raise StatusError(400, str(error)) from error
    return empty()


@routes.data(FILES_OF, methods=("DELETE",))
def delete_file(request: Request, context: Context, resource: str) -> Response:
    """Remove a file."""
    path = _folder(context, resource) / _path(context)
    if not path.is_file():
        raise StatusError(404)
    path.unlink()
    return empty()


def _place(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    source.replace(target)


def _path(context: Context) -> str:
    try:
        return safe_path(stored_name(context.rest))
    except ValueError as error:
        raise StatusError(400, str(error)) from error


def _top(context: Context) -> Path:
    context.require(not context.caller.is_guest)
    return context.store.disk.cache / safe_name(context.login)


def _folder(context: Context, resource: str) -> Path:
    return _top(context) / safe_name(resource)
