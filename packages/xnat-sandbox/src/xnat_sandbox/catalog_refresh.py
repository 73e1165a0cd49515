"""Catalog refresh: bring catalogs and disk together."""

from __future__ import annotations

import re

from werkzeug.wrappers import Request, Response

from .catalogs import trace
from .context import Context
from .model import Resource
from .responses import StatusError, empty
from .routing import Routes
from .sources import Source, below, named_resources, sources_to_read
from .users import sent_json

routes = Routes()

OPERATIONS = ("append", "checksum", "delete", "populateStats")
_URI = re.compile(
    r"(?:/data)?/archive"
    r"(?:/projects/(?P<project>[^/]+)(?:/subjects/(?P<subject>[^/]+))?)?"
    r"(?:/experiments/(?P<experiment>[^/]+)(?:/scans/(?P<scan>[^/]+)"
    r"|/assessors/(?P<assessor>[^/]+)|/reconstructions/(?P<reconstruction>[^/]+))?)?"
    r"(?:/resources/(?P<resource>[^/]+))?/?"
)


@routes.data("/services/refresh/catalog", methods=("POST",))
def refresh(request: Request, context: Context) -> Response:
    """Refresh the resources named in `resource=`; without any, do nothing successfully."""
    named = [name for text in context.parameters.all("options") for name in text.split(",")]
    named += [name for name in OPERATIONS if context.parameters.flag(name)]
    for uri in context.parameters.all("resource"):
        _refresh(context, uri, named)
    return empty()


@routes.xapi(
    "/archive/catalogs/refresh", "/archive/catalogs/refresh/{operations}", methods=("PUT", "POST")
)
def refresh_by_xapi(request: Request, context: Context, operations: str = "") -> Response:
    """The same with a JSON array of URIs."""
    for uri in sent_json(request, list):
        _refresh(context, str(uri), [name for name in operations.split(",") if name])
    return empty()


def _refresh(context: Context, uri: str, named: list[str]) -> None:
    match = _URI.fullmatch(uri)
    if match is None or not (match["project"] or match["experiment"]):
        raise StatusError(400, f"Malformed URI: {uri}" if match is None else f"Invalid URI: {uri}")
    path = {name: value for name, value in match.groupdict().items() if value}
    resource = path.pop("resource", "")
    for source, found in _chosen(context, path, resource, uri):
        context.require(context.caller.may("edit", source.project))
        _refresh_one(context, found, named)
        trace(context, source, "Catalog(s) Refreshed")


def _chosen(
    context: Context, path: dict[str, str], resource: str, uri: str
) -> list[tuple[Source, Resource]]:
    try:
        sources = sources_to_read(context, path, "")
    except StatusError as error:
        raise StatusError(400, f"Invalid URI: {uri}") from error
    wanted = next((kind for kind in ("scan", "assessor", "reconstruction") if kind in path), "")
    named_level = wanted or next(
        (kind for kind in ("experiment", "subject", "project") if kind in path), ""
    )
    if not sources or not all(_is_level(source, named_level) for source in sources):
        raise StatusError(400, f"Invalid URI: {uri}")
    if resource:
        found = named_resources(context, sources, resource)
        if not found:
            raise StatusError(400, f"Invalid URI: {uri}")
        return found
    everything = [one for source in sources for one in below(context, source)]
    # An experiment's refresh covers its scans; the files of assessors stay as they are.
    reached = [one for one in everything if one in sources or one.category != "assessors"]
    resources = context.store.resources
    return [(source, found) for source in reached for found in resources.of(source.owner)]


def _is_level(source: Source, level: str) -> bool:
    return level in (source.owner.kind, "assessor" if source.category == "assessors" else "")


def _refresh_one(context: Context, resource: Resource, named: list[str]) -> None:
    checksums = bool(context.store.preferences.get("checksums"))
    everything = not named
    context.store.resources.refresh(
        resource,
        append=everything or "append" in named,
        delete=everything or "delete" in named,
        checksum=("checksum" in named) or (everything and checksums),
        stats=everything or "populateStats" in named,
    )
