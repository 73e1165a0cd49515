"""POST /data/services/import: DICOM in archives or one by one, into prearchive or archive."""

from __future__ import annotations

import gzip
import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from werkzeug.wrappers import Request, Response

from .archiver import ArchiveFailed
from .context import Context
from .dicom_header import Unparsable
from .disk import safe_name, safe_path
from .importer_archive import (
    CONTENT_TYPE_SUFFIXES,
    ArchiveError,
    base_name,
    entries,
)
from .importer_finish import finish
from .importer_multipart import FormError, spooled
from .importer_progress import Listener
from .importer_receive import Reception, Refused
from .importer_request import DICOM_TYPES, GRADUAL, SESSION, ImportOptions, handler_of, options_of
from .importer_stream import Entry
from .intake import intake_of
from .prearchive_table import Locked, Taken
from .responses import StatusError, text, uri_list
from .routing import Routes

routes = Routes()


@routes.data("/services/import", methods=("POST",))
def import_data(request: Request, context: Context) -> Response:
    """Take one file and answer where its objects went, one URI per line."""
    try:
        uris = _import(request, context)
    except FormError as error:
        raise StatusError(400, f"Malformed multipart body: {error}") from error
    except StatusError as error:
        if context.format != "html":
            raise
        # Browser uploaders read the page in a hidden frame, where a status would be lost.
        return text(f"<html><body>{html.escape(error.message)}</body></html>", 200, "text/html")
    if context.format == "html":
        lines = "<br>".join(html.escape(uri) for uri in uris)
        return text(f"<html><body>{lines}</body></html>", 200, "text/html")
    return uri_list(uris)


def _import(request: Request, context: Context) -> list[str]:
    with _upload(request, context) as upload:
        handler = handler_of(request, context)
        options = options_of(handler, context)
        if upload is None:
            known = "import-handler" in context.parameters
            raise StatusError(400 if known else 500, "Unable to identify upload format.")
        intake = intake_of(context)
        listener = intake.progress.open(context.login, options.listener)
        listener.say("PROCESSING", "Importing sessions to the prearchive")
        reception = intake.receiver.reception(options.delivery)
        try:
            if handler == GRADUAL:
                _receive_one(upload, reception)
            else:
                _receive_archive(upload, reception, options)
            return _finished(reception, options, context, listener)
        except StatusError as error:
            listener.say("FAILED", error.message, terminal=True)
            raise


def _finished(
    reception: Reception, options: ImportOptions, context: Context, listener: Listener
) -> list[str]:
    try:
        uris = finish(list(reception.filed.values()), options, context)
    except ArchiveFailed as error:
        if options.handler == SESSION:
            raise StatusError(409 if error.conflict else 400, str(error)) from error
        message = f"unable to archive for the Prearchive session: {error}"
        raise StatusError(400, message) from error
    except Locked as error:
        raise StatusError(400, f"unable to archive for the Prearchive session: {error}") from error
    where = "Archive" if uris and uris[0].startswith("/data/archive") else "Prearchive"
    for uri in uris:
        listener.say("PROCESSING", f"{where}:{uri.removeprefix('/data')}")
    listener.say("COMPLETED", f"{where}:{(uris or [''])[0].removeprefix('/data')}", terminal=True)
    return uris


def _receive_archive(upload: Entry, reception: Reception, options: ImportOptions) -> None:
    parsed, passed_over = 0, StatusError(400, "No parsable DICOM objects found")
    try:
        for entry in entries(upload.name, upload.data):
            try:
                _receive_one(entry, reception)
                parsed += 1
            except StatusError as error:
                # Not only what is no DICOM: any trouble with an object looks the same to it.
                if not options.ignore_unparsable:
                    raise
                passed_over = error
    except ArchiveError as error:
        raise StatusError(400, str(error)) from error
    if options.ignore_unparsable and not parsed:
        raise passed_over


def _receive_one(upload: Entry, reception: Reception) -> None:
    try:
        _receive(upload, reception)
    except Unparsable as error:
        raise _unreadable(upload, error) from error


def _receive(entry: Entry, reception: Reception) -> None:
    try:
        reception.receive(entry.name, entry.data)
    except Unparsable:
        raise
    except (Refused, Taken) as error:
        raise StatusError(400, str(error)) from error
    except Exception as error:
        # Disk, database, anything: the server says that it could not read the object.
        raise _unreadable(entry, error) from error


def _unreadable(entry: Entry, error: Exception) -> StatusError:
    return StatusError(400, f"unable to read DICOM object {entry.name}: {error}")


@contextmanager
def _upload(request: Request, context: Context) -> Iterator[Entry | None]:
    """The one file of the request: in the body, in a form, or in the user's cache."""
    if request.mimetype == "multipart/form-data":
        if context.parameters.flag("inbody"):
            raise StatusError(500, "inbody and multipart cannot be combined")
        boundary = request.mimetype_params.get("boundary", "").encode()
        with spooled(_body(request), boundary, context.store.disk.staging) as form:
            for name, values in form.fields.items():
                context.parameters.add((name, value) for value in values)
            if len(form.files) > 1:
                raise StatusError(400, "Importer is limited to one uploaded resource at a time.")
            if not form.files:
                with _cached(context) as entry:
                    yield entry
                return
            with form.files[0].path.open("rb") as stream:
                yield Entry(base_name(form.files[0].filename), stream)
    elif _is_inbody(request, context):
        yield _inbody(request)
    else:
        with _cached(context) as entry:
            yield entry


@contextmanager
def _cached(context: Context) -> Iterator[Entry | None]:
    """The file of the user's cache that `src` names, if it does."""
    match = re.fullmatch(
        r"(?:/data)?/user/cache/resources/([^/]+)/files/(.+)", context.parameters.get("src")
    )
    if match is None:
        yield None
        return
    place = context.store.disk.cache / safe_name(context.login) / safe_name(match[1])
    path = place / safe_path(match[2])
    if not path.is_file():
        raise StatusError(404, f"Unable to find {match[0]}")
    with path.open("rb") as stream:
        yield Entry(path.name, stream)


def _is_inbody(request: Request, context: Context) -> bool:
    types = (*CONTENT_TYPE_SUFFIXES, *DICOM_TYPES, "application/octet-stream", "application/gzip")
    return context.parameters.flag("inbody") or request.mimetype in types


def _inbody(request: Request) -> Entry | None:
    """A raw body; its name comes from its type, and only a zip may be of unknown length."""
    if request.content_length is None and request.mimetype != "application/zip":
        raise StatusError(400, "In-body uploads need a Content-Length")
    if request.content_length == 0:
        return None
    suffix = CONTENT_TYPE_SUFFIXES.get(request.mimetype, "")
    if request.mimetype in DICOM_TYPES:
        suffix = ".dcm"
    return Entry(f"upload{suffix}", _body(request))


def _body(request: Request) -> BinaryIO:
    if request.headers.get("Content-Encoding", "").lower() in ("gzip", "x-gzip"):
        return cast(BinaryIO, gzip.GzipFile(fileobj=request.stream))
    return cast(BinaryIO, request.stream)
