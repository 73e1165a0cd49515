"""`/services/move-files`: from the user's cache into a resource."""

from __future__ import annotations

import re

from werkzeug.wrappers import Request, Response

from .catalogs import trace
from .context import Context
from .disk import safe_name, safe_path, staged_file
from .responses import StatusError, empty
from .routing import Routes
from .sources import source_to_write

routes = Routes()

_CACHED = re.compile(r"(?:/data)?/user/cache/resources/([^/]+)/files/(.+)")
_TARGET = re.compile(
    r"(?:/data)?/archive(?:/projects/(?P<project>[^/]+))?(?:/subjects/(?P<subject>[^/]+))?"
    r"(?:/experiments/(?P<experiment>[^/]+))?(?:/scans/(?P<scan>[^/]+))?"
    r"/resources/(?P<resource>[^/]+)(?:/files)?/?(?P<folder>.*)"
)


@routes.data("/services/move-files", methods=("POST",))
def move_files(request: Request, context: Context) -> Response:
    """Move the file of `src` to the resource of `dest`."""
    source = _CACHED.fullmatch(context.parameters.get("src"))
    target = _TARGET.fullmatch(context.parameters.get("dest"))
    if source is None or target is None:
        raise StatusError(400, "src and dest must name a cached file and a resource.")
    top = context.store.disk.cache / safe_name(context.login)
    path = top / safe_name(source[1]) / safe_path(source[2])
    if not path.is_file():
        raise StatusError(404)
    place = {name: value for name, value in target.groupdict().items() if value}
    label, folder = place.pop("resource"), place.pop("folder", "")
    owner = source_to_write(context, place, "")
    context.require(context.caller.may("edit", owner.project))
    resources = context.store.resources
    resource = resources.ensure(owner.owner, label)
    name = f"{folder}/{path.name}" if folder else path.name
    overwrite = context.parameters.flag("overwrite")
    if resources.file(resource, safe_path(name)) and not overwrite:
        raise StatusError(409)
    resources.put(resource, name, staged_file(path))
    trace(context, owner, "Uploaded File")
    return empty()
