"""The server: a WSGI application over a store.

A module of handlers has a `Routes` named `routes`, and may have a function `start(sandbox)` that is
called once when the server begins.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Request, Response

from .archive_download import Prepared
from .auth import Denied, Doorkeeper, is_browser
from .container_store import Containers
from .context import Context, Parameters
from .jobs import start_jobs
from .model import User
from .permissions import Caller
from .ranges import refuse_open_range
from .responses import StatusError, empty, status_page, text
from .routing import Routes, acceptable, call
from .sessions import Sessions
from .settings import Settings
from .store import Store
from .tokens import Tokens

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

MODULES = (
    "archive_download",
    "archiver_service",
    "auth",
    "catalog_refresh",
    "catalogs",
    "container_commands",
    "container_launches",
    "containers",
    "dicomdump",
    "direct_routes",
    "experiments",
    "file_changes",
    "files",
    "history",
    "importer",
    "importer_status",
    "intake",
    "listings",
    "members",
    "move_files",
    "pipelines",
    "prearchive_actions",
    "prearchive_list",
    "prearchive_services",
    "prearchive_session",
    "project_lists",
    "projects",
    "scans",
    "schemas",
    "scp_routes",
    "search",
    "session_lists",
    "site",
    "subjects",
    "tokens",
    "tool_config",
    "user_cache",
    "users",
    "workflow_routes",
)

Hook = Callable[[Request], Response | None]
AfterHook = Callable[[Request, Response], None]
log = logging.getLogger(__name__)


class Sandbox:
    """An XNAT in a directory; call it as a WSGI application."""

    def __init__(self, data: Path, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self.store = Store(data, self.settings)
        self.sessions = Sessions(self.settings.session_timeout)
        self.tokens = Tokens(self.store.database)
        self.containers = Containers(self.store.database)
        self.prepared = Prepared()
        self.doorkeeper = Doorkeeper(self)
        self.routes = Routes()
        self.hooks: list[Hook] = []
        self.after_hooks: list[AfterHook] = []
        self._closing: list[Callable[[], None]] = []
        self._closed = threading.Lock()
        self.jobs = start_jobs(self)
        for name in MODULES:
            module = import_module(f".{name}", __package__)
            self.routes.include(module.routes)
            if hasattr(module, "start"):
                module.start(self)

    def add_user(self, login: str, password: str, *, admin: bool = False) -> User:
        """Add an account."""
        return self.store.accounts.add_user(login, password, admin=admin)

    def before(self, hook: Hook) -> None:
        """Ask `hook` first about every request; a response that it gives is the answer."""
        self.hooks.append(hook)

    def after(self, hook: AfterHook) -> None:
        """Let `hook` spoil every response before it is sent."""
        self.after_hooks.append(hook)

    def on_close(self, action: Callable[[], None]) -> None:
        """Have something done when the server ends: stopping a thread, a listener."""
        self._closing.append(action)

    def close(self) -> None:
        """Stop the threads and close the store; once is enough, twice does no harm."""
        if self._closed.acquire(blocking=False):
            for action in reversed(self._closing):
                action()
            self.store.close()

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        request = Request(environ)
        return self.respond(request)(environ, start)

    def respond(self, request: Request) -> Response:
        """The answer to a request, as the hooks leave it."""
        response = self._respond(request)
        for hook in list(self.after_hooks):
            hook(request, response)
        return response

    def _respond(self, request: Request) -> Response:
        for hook in list(self.hooks):
            answer = hook(request)
            if answer is not None:
                return answer
        try:
            visitor = self.doorkeeper.identify(request)
        except Denied as denied:
            return denied.response
        context = Context(
            self,
            Caller(visitor.login, self.store),
            visitor.session,
            Parameters(MultiDict(request.args)),
            base_url=request.host_url.rstrip("/"),
            new_session=visitor.new_session,
        )
        try:
            response = self._dispatch(request, context)
        except Denied as denied:
            response = denied.response
        self._set_cookies(response, context)
        return response

    def _dispatch(self, request: Request, context: Context) -> Response:
        path = raw_path(request)
        for prefix in ("/data", "/REST"):
            if path.startswith(f"{prefix}/"):
                return self._data(request, context, _without_archive(path[len(prefix) :]))
        if path.startswith("/xapi/"):
            return self._xapi(request, context, unquote(path[len("/xapi") :]))
        return _page(path)

    def _data(self, request: Request, context: Context, path: str) -> Response:
        method = request.method
        if method == "POST" and "method" in context.parameters:
            method = context.parameters.get("method").upper()
        accept = context.parameters.get("media") or request.headers.get("Accept", "")
        match = self.routes.find_data(path)
        if not (match and match.route.open):
            self._admit(request, context)
        if match is None:
            return status_page(404)
        if not self._csrf_holds(request, context):
            return status_page(500, "INVALID CSRF")
        if method in ("GET", "HEAD") and not acceptable(accept, match.route.variants):
            return status_page(406)
        context.remainder = match.remainder
        if _has_form(request, context) and not match.route.open:
            context.parameters.add(request.form.items(multi=True))
        try:
            response = call(match, request, context, method)
        except StatusError as error:
            return status_page(error.status, error.message)
        except Denied:
            raise
        except Exception as error:
            log.exception("%s %s", request.method, request.full_path)
            return status_page(500, str(error))
        if refuse_open_range(request, response):
            return status_page(500)
        response.headers["Accept-Ranges"] = "bytes"
        return response

    def _xapi(self, request: Request, context: Context, path: str) -> Response:
        match = self.routes.find_xapi(path)
        if not (match and match.route.open):
            self._admit(request, context)
        if match is None:
            return empty(404)
        if not self._csrf_holds(request, context):
            return empty(403)
        try:
            return call(match, request, context, request.method)
        except StatusError as error:
            return text(error.message, error.status)
        except Exception as error:
            log.exception("%s %s", request.method, request.full_path)
            return text(f"There was an error in the request : {error}", 500)

    def _admit(self, request: Request, context: Context) -> None:
        if context.caller.is_guest and self.store.preferences.get("requireLogin"):
            raise Denied(self.doorkeeper.turn_away(request))

    def _csrf_holds(self, request: Request, context: Context) -> bool:
        if request.method not in ("POST", "PUT", "DELETE") or not is_browser(request):
            return True
        if request.authorization or not self.store.preferences.get("enableCsrfToken"):
            return True
        return context.parameters.get("XNAT_CSRF") == context.session.csrf

    def _set_cookies(self, response: Response, context: Context) -> None:
        if context.new_session:
            secure = str(self.store.preferences.get("siteUrl")).startswith("https:")
            response.set_cookie("JSESSIONID", context.session.id, httponly=True, secure=secure)
        life = f"{int(time.time() * 1000)},{int(self.sessions.timeout * 1000)}"
        response.headers.add("Set-Cookie", f'SESSION_EXPIRATION_TIME="{life}"; Path=/')


def raw_path(request: Request) -> str:
    """The path as it was on the request line, still percent-encoded."""
    target = request.environ.get("RAW_URI") or request.environ.get("REQUEST_URI")
    if not target:
        return quote(request.path)
    path = str(target).partition("?")[0]
    if "://" in path:
        path = "/" + path.split("://", 1)[1].partition("/")[2]
    return path


def _has_form(request: Request, context: Context) -> bool:
    form = request.mimetype == "application/x-www-form-urlencoded"
    return form and request.method == "POST" and not context.parameters.flag("inbody")


def _without_archive(path: str) -> str:
    for kind in ("projects", "subjects", "experiments", "scanners", "scan_types"):
        if path.startswith(f"/archive/{kind}"):
            return path[len("/archive") :]
    return path


def _page(path: str) -> Response:
    if path in ("", "/") or path.startswith("/app/"):
        title = path.rpartition("/")[2].removesuffix(".vm") or "XNAT"
        page = f"<!DOCTYPE html><html><head><title>{title}</title></head><body>XNAT</body></html>"
        return text(page, mimetype="text/html")
    return status_page(404)
