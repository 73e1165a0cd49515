"""Routes and how a request finds one.

A module publishes a `Routes` and hangs its handlers on it:

    routes = Routes()

    @routes.data("/projects/{project}", methods=("PUT",))
    def put_project(request: Request, context: Context, project: str) -> Response: ...

`data` routes live below /data, /REST and (for projects, subjects, experiments) /data/archive. They
match by the longest prefix: what is left over is `context.remainder`. `xapi` routes live below
/xapi and match exactly. Path variables arrive as they were in the URL, not percent-decoded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request, Response

from .responses import StatusError

if TYPE_CHECKING:
    from .context import Context

Handler = Callable[..., Response]

LIST = ("application/json", "text/html", "text/xml")
FILES = (*LIST, "image/jpeg")
ITEM = ("text/html", "text/xml")
XML = ("text/xml",)
TEXT = ("text/plain",)
ANY: tuple[str, ...] = ()


@dataclass(slots=True)
class Route:
    """One template with the handlers of its methods."""

    template: str
    pattern: re.Pattern[str]
    handlers: dict[str, Handler] = field(default_factory=dict)
    variants: tuple[str, ...] = ANY
    open: bool = False


@dataclass(frozen=True, slots=True)
class Match:
    """Where a path leads."""

    route: Route
    variables: Mapping[str, str]
    remainder: str


class Routes:
    """The routes of one module, or of the whole server."""

    def __init__(self) -> None:
        self.data_routes: dict[str, Route] = {}
        self.xapi_routes: dict[str, Route] = {}

    def data(
        self,
        *templates: str,
        methods: Iterable[str] = ("GET",),
        variants: tuple[str, ...] = ANY,
        open: bool = False,
    ) -> Callable[[Handler], Handler]:
        """Serve these templates below /data.

        `variants` are the media types declared for GET: an Accept that excludes them all is
        answered 406. `open` routes need no login.
        """

        def register(handler: Handler) -> Handler:
            for template in templates:
                route = self.data_routes.setdefault(
                    template, Route(template, _pattern(template, whole=False))
                )
                for method in methods:
                    route.handlers[method] = handler
                route.variants = variants or route.variants
                route.open = route.open or open
            return handler

        return register

    def xapi(
        self, *templates: str, methods: Iterable[str] = ("GET",), open: bool = False
    ) -> Callable[[Handler], Handler]:
        """Serve these templates below /xapi; `{name:path}` spans slashes."""

        def register(handler: Handler) -> Handler:
            for template in templates:
                route = self.xapi_routes.setdefault(
                    template, Route(template, _pattern(template, whole=True))
                )
                for method in methods:
                    route.handlers[method] = handler
                route.open = route.open or open
            return handler

        return register

    def include(self, other: Routes) -> None:
        """Add the routes of a module; the methods of an equal template come together."""
        for mine, theirs in (
            (self.data_routes, other.data_routes),
            (self.xapi_routes, other.xapi_routes),
        ):
            for template, route in theirs.items():
                known = mine.setdefault(template, Route(template, route.pattern))
                known.handlers.update(route.handlers)
                known.variants = route.variants or known.variants
                known.open = known.open or route.open

    def find_data(self, path: str) -> Match | None:
        """The template that eats most of the path, the way Restlet's BEST mode chooses."""
        best: tuple[int, int] = (0, 0)
        found: Match | None = None
        for route in self.data_routes.values():
            match = route.pattern.match(path)
            if match is None:
                continue
            # Of equally long ones the more literal template is meant.
            score = (match.end(), -len(match.groupdict()))
            if found is None or score > best:
                best = score
                found = Match(route, match.groupdict(), path[match.end() :])
        return found

    def find_xapi(self, path: str) -> Match | None:
        """The template that the path fits exactly, literal ones first."""
        found: Match | None = None
        for route in self.xapi_routes.values():
            match = route.pattern.match(path)
            if match and (found is None or len(match.groupdict()) < len(found.variables)):
                found = Match(route, match.groupdict(), "")
        return found


def call(match: Match, request: Request, context: Context, method: str) -> Response:
    """Run the handler of a method, GET standing in for HEAD."""
    handlers = match.route.handlers
    handler = handlers.get(method) or (handlers.get("GET") if method == "HEAD" else None)
    if handler is None:
        raise StatusError(405)
    variables: dict[str, Any] = dict(match.variables)
    return handler(request, context, **variables)


def acceptable(accept: str, variants: tuple[str, ...]) -> bool:
    """Whether an Accept header leaves any of the declared variants."""
    if not accept.strip() or not variants:
        return True
    for part in accept.split(","):
        wanted, *options = (word.strip().lower() for word in part.split(";"))
        if any(option in ("q=0", "q=0.0") for option in options):
            continue
        for variant in variants:
            kind = variant.split("/")[0]
            if wanted in ("*/*", "*", variant, f"{kind}/*"):
                return True
            # Restlet holds the two names of XML for one.
            if wanted in ("application/xml", "text/xml") and variant == "text/xml":
                return True
    return False


def _pattern(template: str, *, whole: bool) -> re.Pattern[str]:
    parts = re.split(r"(\{[^}]+\})", template)
    pattern = ""
    for part in parts:
        if part.startswith("{"):
            name, _, kind = part[1:-1].partition(":")
            pattern += f"(?P<{name}>{'.+' if kind == 'path' else '[^/]+'})"
        else:
            pattern += re.escape(part)
    return re.compile(pattern + (r"/?\Z" if whole else ""))
