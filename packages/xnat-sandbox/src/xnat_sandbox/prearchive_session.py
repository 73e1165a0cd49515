"""Looking into one staged session: document, scans, resources, files, logs."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

from werkzeug.wrappers import Request, Response

from .context import Context, body_of
from .dicom_session import BuiltSession
from .disk import safe_name, safe_path
from .httpd import FileBody
from .intake import intake_of
from .prearchive_access import require_edit, session_at, table
from .prearchive_actions import SESSION
from .responses import StatusError, empty, streamed, text
from .resultset import ResultSet, answer
from .routing import LIST, Routes
from .staged_session import StagedSession
from .zip_stream import zip_stream

routes = Routes()
DOCUMENT = ("text/xml", "application/zip", "application/x-gzip", "text/html")
SCAN = SESSION + "/scans/{scan}"


@routes.data(SESSION, variants=DOCUMENT)
def show(request: Request, context: Context, project: str, timestamp: str, folder: str) -> Response:
    """The row with `format=json`, the files with `format=zip`, else the session document."""
    require_edit(context, project)
    session = session_at(context, project, timestamp, folder)
    if context.format == "json":
        return table(request, context, [session] if session else [])
    if session is None:
        raise StatusError(404)
    prearchive = intake_of(context).prearchive
    if context.format == "zip":
        directory = prearchive.directory(session)
        members = [(p.relative_to(directory.parent).as_posix(), p) for p in _files(directory)]
        return streamed(zip_stream(members), "application/zip")
    document = prearchive.document(session)
    if not document.is_file():
        raise StatusError(404)
    return text(document.read_text("utf-8"), mimetype="text/xml")


@routes.data(SESSION + "/scans", variants=LIST)
def list_scans(
    request: Request, context: Context, project: str, timestamp: str, folder: str
) -> Response:
    """The scans of a built session."""
    _, built = _built(context, project, timestamp, folder)
    rows = [(scan.id, scan.xsi_type, scan.series_description) for scan in built.scans]
    return answer(request, context, ResultSet(("ID", "xsiType", "series_description"), rows))


@routes.data(SCAN, methods=("DELETE",))
def delete_scan(
    request: Request, context: Context, project: str, timestamp: str, folder: str, scan: str
) -> Response:
    """Remove a scan and build the rest anew."""
    session, built = _built(context, project, timestamp, folder)
    if scan not in {one.id for one in built.scans}:
        raise StatusError(404, f"Unable to find scan {scan}")
    intake = intake_of(context)
    place = intake.prearchive.directory(session) / "SCANS" / safe_name(scan)
    context.store.disk.remove_tree(place)
    intake.lifecycle.build(session)
    return empty()


@routes.data(SCAN + "/resources", variants=LIST)
def list_scan_resources(
    request: Request, context: Context, project: str, timestamp: str, folder: str, scan: str
) -> Response:
    """The resources of a scan with their sizes."""
    session, _ = _built(context, project, timestamp, folder)
    rows = [
        (label, *_count(place)) for label, place in _resources(_scan_place(context, session, scan))
    ]
    return answer(request, context, ResultSet(("label", "file_count", "file_size"), rows))


@routes.data(SCAN + "/resources/{resource}/files", variants=LIST)
def scan_files(
    request: Request,
    context: Context,
    project: str,
    timestamp: str,
    folder: str,
    scan: str,
    resource: str,
) -> Response:
    """The files of a scan's resource, or one of them."""
    session, _ = _built(context, project, timestamp, folder)
    place = _scan_place(context, session, scan) / safe_name(resource)
    if context.rest:
        return _file(place, context.rest)
    base = f"{session.uri}/scans/{scan}/resources/{resource}/files"
    rows = [
        (path.name, path.stat().st_size, f"{base}/{path.relative_to(place).as_posix()}")
        for path in _files(place)
    ]
    return answer(request, context, ResultSet(("Name", "Size", "URI"), rows))


@routes.data(SESSION + "/resources", variants=LIST)
def list_resources(
    request: Request, context: Context, project: str, timestamp: str, folder: str
) -> Response:
    """The resources of the scans and of the session itself."""
    session, built = _built(context, project, timestamp, folder)
    rows = [
        ("scans", scan.id, label, *_count(place))
        for scan in built.scans
        for label, place in _resources(_scan_place(context, session, scan.id))
    ]
    own = intake_of(context).prearchive.directory(session) / "RESOURCES"
    rows += [("resources", "", label, *_count(place)) for label, place in _resources(own)]
    columns = ("category", "cat_id", "label", "file_count", "file_size")
    return answer(request, context, ResultSet(columns, rows))


@routes.data(SESSION + "/resources/{resource}/files", methods=("GET", "PUT", "DELETE"))
def session_file(
    request: Request,
    context: Context,
    project: str,
    timestamp: str,
    folder: str,
    resource: str,
) -> Response:
    """One file of a session resource; nothing protects an older one from being replaced."""
    session = _session(context, project, timestamp, folder)
    place = intake_of(context).prearchive.directory(session) / "RESOURCES" / safe_name(resource)
    if not context.rest:
        raise StatusError(400, "Missing file name")
    path = place / safe_path(unquote(context.rest))
    if request.method == "PUT":
        staged = context.store.disk.stage(body_of(request), checksum=False)
        path.parent.mkdir(parents=True, exist_ok=True)
        staged.path.replace(path)
        return empty()
    if request.method == "DELETE":
        if not path.is_file():
            raise StatusError(404)
        path.unlink()
        return empty()
    return _file(place, context.rest)


@routes.data(SESSION + "/logs")
def logs(request: Request, context: Context, project: str, timestamp: str, folder: str) -> Response:
    """All entries of the log, their ids, the last one, or one by its id."""
    session = _session(context, project, timestamp, folder)
    entries = intake_of(context).prearchive.logs(session)
    if context.rest:
        wanted = entries[-1:] if context.rest == "last" else entries
        for id, _, entry in wanted:
            if context.rest in ("last", str(id)):
                return text(entry)
        raise StatusError(404)
    if context.parameters.get("template") == "ids":
        return answer(request, context, ResultSet(("id",), [(id,) for id, _, _ in entries]))
    return answer(request, context, ResultSet(("id", "date", "entry"), entries))


def _session(context: Context, project: str, timestamp: str, folder: str) -> StagedSession:
    require_edit(context, project)
    session = session_at(context, project, timestamp, folder)
    if session is None:
        raise StatusError(404, f"Unable to find prearchive session {folder}")
    return session


def _built(
    context: Context, project: str, timestamp: str, folder: str
) -> tuple[StagedSession, BuiltSession]:
    session = _session(context, project, timestamp, folder)
    built = intake_of(context).lifecycle.built(session)
    if built is None:
        raise StatusError(404)
    return session, built


def _scan_place(context: Context, session: StagedSession, scan: str) -> Path:
    place = intake_of(context).prearchive.directory(session) / "SCANS" / safe_name(scan)
    if not place.is_dir():
        raise StatusError(404, f"Unable to find scan {scan}")
    return place


def _resources(place: Path) -> list[tuple[str, Path]]:
    return [(path.name, path) for path in sorted(place.glob("*")) if path.is_dir()]


def _files(place: Path) -> list[Path]:
    found = (path for path in sorted(place.rglob("*")) if path.is_file())
    return [path for path in found if not path.name.endswith("_catalog.xml")]


def _count(place: Path) -> tuple[int, int]:
    sizes = [path.stat().st_size for path in _files(place)]
    return len(sizes), sum(sizes)


def _file(place: Path, name: str) -> Response:
    path = place / safe_path(unquote(name))
    if not path.is_file():
        raise StatusError(404, "Unable to find file.")
    size = path.stat().st_size
    return Response(
        FileBody(path, 0, size),
        mimetype="application/octet-stream",
        headers={"Content-Length": str(size)},
        direct_passthrough=True,
    )
