"""Files on the wire: length, date, disposition, and a part of them on request."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from pathlib import Path

from werkzeug.http import http_date
from werkzeug.wrappers import Request, Response

from .httpd import FileBody
from .responses import StatusError, empty

TYPES = {
    "bmp": "image/bmp",
    "gif": "image/gif",
    "html": "text/html",
    "jpg": "image/jpeg",
    "pdf": "application/pdf",
    "png": "image/png",
    "svg": "image/svg+xml",
    "tif": "image/tiff",
    "txt": "text/plain",
    "xml": "text/xml",
}


def send_file(request: Request, path: Path, name: str) -> Response:
    """A whole file, or the range that the request names."""
    status = path.stat()
    modified = datetime.fromtimestamp(int(status.st_mtime), timezone.utc)
    since = request.if_modified_since
    if since is not None and modified <= since:
        return empty(304)
    mimetype = TYPES.get(name.rpartition(".")[2].lower(), "application/octet-stream")
    start, stop = wanted_range(request, status.st_size) or (0, status.st_size)
    partial = request.headers.get("Range", "").startswith("bytes=")
    response = Response(
        FileBody(path, start, stop),
        206 if partial else 200,
        mimetype=mimetype,
        direct_passthrough=True,
    )
    if partial:
        response.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{status.st_size}"
    response.headers["Content-Length"] = str(stop - start)
    response.headers["Last-Modified"] = http_date(modified)
    response.headers["Cache-Control"] = "must-revalidate"
    # A header is Latin-1; what does not fit becomes a question mark, as in Tomcat.
    shown = name.encode("latin-1", "replace").decode("latin-1")
    response.headers["Content-Disposition"] = f'attachment; filename="{shown}"'
    return response


def wanted_range(request: Request, size: int) -> tuple[int, int] | None:
    """Start and stop of the range asked for; 416 outside the file, 501 for several ranges."""
    header = request.headers.get("Range", "")
    if not header.startswith("bytes="):
        return None
    text = header.removeprefix("bytes=")
    if "," in text:
        raise StatusError(501)
    found = re.fullmatch(r"\s*(\d*)-(\d*)\s*", text)
    if found is None or not (found[1] or found[2]):
        raise StatusError(416)
    if not found[1]:
        start, stop = max(0, size - int(found[2])), size
    else:
        start, stop = int(found[1]), min(size, int(found[2]) + 1 if found[2] else size)
    if start >= size or start >= stop:
        raise StatusError(416)
    return start, stop


def refuse_open_range(request: Request, response: Response) -> bool:
    """Whether a streamed answer trips the server over `bytes=N-`, as it does."""
    streamed = response.status_code == 200 and "Content-Length" not in response.headers
    found = re.fullmatch(r"bytes=\d+-", request.headers.get("Range", ""))
    return streamed and response.is_streamed and found is not None
