"""A server that says yes and does nothing."""

from __future__ import annotations

from collections.abc import Callable

from werkzeug.wrappers import Request, Response


def pretends(method: str, path: str = "/data") -> Callable[[Request], Response | None]:
    """A hook for `xnat.before`: 200 and no more for this method under this path."""

    def hook(request: Request) -> Response | None:
        return Response("") if request.method == method and request.path.startswith(path) else None

    return hook
