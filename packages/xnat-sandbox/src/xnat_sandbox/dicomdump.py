"""`/services/dicomdump`: the header of one file of a scan."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request, Response

from .context import Context
from .model import Owner
from .responses import StatusError
from .resultset import ResultSet, answer
from .routing import LIST, Routes
from .sources import sources_to_read

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

routes = Routes()

_ARCHIVE = re.compile(
    r"(?:/data)?/archive(?:/projects/(?P<project>[^/]+))?(?:/subjects/(?P<subject>[^/]+))?"
    r"/experiments/(?P<experiment>[^/]+)/scans/(?P<scan>[^/]+)/?.*"
)
_PREARCHIVE = re.compile(
    r"(?:/data)?/prearchive/projects/(?P<project>[^/]+)/(?P<stamp>[^/]+)/(?P<folder>[^/]+)"
    r"(?:/scans/(?P<scan>[^/]+))?/?.*"
)
LONGEST = 64


@routes.data("/services/dicomdump", variants=LIST)
def dump(request: Request, context: Context) -> Response:
    """Tags, representations, values and names."""
    source = context.parameters.get("src")
    if not source:
        raise StatusError(400, "Please set the src parameter")
    wanted = [*_tags(context.parameters.all("field"))]
    path = _file(context, source)
    if path is None:
        raise StatusError(404)
    rows = [row for row in _rows(path) if not wanted or row[0] in wanted]
    columns = ("tag1", "tag2", "vr", "value", "desc")
    return answer(request, context, ResultSet(columns, rows, total=len(rows)))


def _tags(fields: list[str]) -> Iterator[str]:
    from pydicom.datadict import tag_for_keyword

    for field in fields:
        number = tag_for_keyword(field)
        if number is None and re.fullmatch(r"[0-9A-Fa-f]{8}", field):
            number = int(field, 16)
        if number is None:
            raise StatusError(400, f"Unknown field {field}")
        yield f"({number >> 16:04X},{number & 0xFFFF:04X})"


def _file(context: Context, source: str) -> Path | None:
    archived = _ARCHIVE.fullmatch(source)
    if archived:
        path = {name: value for name, value in archived.groupdict().items() if value}
        return _archived_file(context, path)
    staged = _PREARCHIVE.fullmatch(source)
    if staged is None:
        raise StatusError(400, f"Malformed src: {source}")
    context.require(context.caller.may("edit", staged["project"]))
    names = (staged["project"], staged["stamp"], staged["folder"])
    if ".." in names or staged["scan"] == "..":
        raise StatusError(400)
    scans = context.store.disk.prearchive.joinpath(*names) / "SCANS"
    if staged["scan"]:
        scans /= staged["scan"]
    return _first(scans)


def _archived_file(context: Context, path: dict[str, str]) -> Path | None:
    resources = context.store.resources
    for source in sources_to_read(context, path, ""):
        owner: Owner = source.owner
        if owner.kind != "scan":
            continue
        for resource in resources.of(owner):
            if resource.label in ("DICOM", "secondary"):
                return _first(resources.directory(resource))
    return None


def _first(directory: Path) -> Path | None:
    files = (path for path in sorted(directory.rglob("*")) if path.is_file())
    return next((path for path in files if path.suffix != ".xml"), None)


def _rows(path: Path) -> Iterator[tuple[str, str, str, str, str]]:
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    try:
        dataset = dcmread(path, stop_before_pixels=True)
    except InvalidDicomError as error:
        raise StatusError(404) from error
    yield from _elements(dataset.file_meta)
    yield from _elements(dataset)


def _elements(dataset: Dataset) -> Iterator[tuple[str, str, str, str, str]]:
    for element in dataset:
        tag: Any = element.tag
        value = "" if element.VR == "SQ" else str(element.value).replace("'", "")
        shown = value.replace("[", "").replace("]", "").replace(", ", "\\")[:LONGEST]
        yield (f"({tag.group:04X},{tag.element:04X})", "", element.VR, shown, element.name)
