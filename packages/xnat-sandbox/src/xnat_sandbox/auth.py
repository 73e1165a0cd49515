"""Logging in: Basic, cookie, form; and what somebody gets who did not."""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from werkzeug.datastructures import Authorization
from werkzeug.wrappers import Request, Response

from .context import Context
from .permissions import GUEST
from .responses import StatusError, empty, json_body, text
from .routing import TEXT, Routes
from .sessions import ServerSession

if TYPE_CHECKING:
    from .app import Sandbox

LOGIN_FAILURE = "Your login attempt failed because the username and password combination you \
provided was invalid or your user already has the maximum number of user sessions open."
LOCK_SECONDS = 3600
BROWSER = re.compile(r".*(MSIE|Mozilla|AppleWebKit|Opera).*")
PROVIDERS = ("", "localdb", "xnat", "Database")

routes = Routes()


class Denied(Exception):
    """No entry; carries the answer."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who a request comes from, and the session it runs in."""

    login: str
    session: ServerSession
    new_session: bool


class Doorkeeper:
    """Finds out who is calling."""

    def __init__(self, app: Sandbox) -> None:
        self._app = app
        self._failures: dict[str, list[float]] = {}
        self._lock = threading.Lock()

    def identify(self, request: Request) -> Visitor:
        """The visitor of a request: Basic credentials first, then the cookie, then a guest."""
        known = self._app.sessions.use(request.cookies.get("JSESSIONID", ""))
        credentials = request.authorization
        if credentials is not None and credentials.type == "basic":
            login = self._check_basic(credentials)
            if known and known.login == login:
                return Visitor(login, known, False)
            return Visitor(login, self.log_in(login), True)
        if known:
            return Visitor(known.login or GUEST, known, False)
        return Visitor(GUEST, ServerSession("", "", 0), False)

    def check(self, name: str, password: str) -> str:
        """The login of a name and password, of an alias token, or 401."""
        provider, _, bare = name.rpartition("/")
        login = self._app.tokens.login_of(name, password)
        if login is None and provider in PROVIDERS and not self._locked(bare):
            accounts = self._app.store.accounts
            login = bare if bare != GUEST and accounts.password_matches(bare, password) else None
        if login is None:
            self._note_failure(bare)
            raise Denied(self._failure())
        account = self._app.store.accounts.user(login)
        if account is None or not account.enabled:
            raise Denied(_redirect("/app/template/InactiveAccount.vm"))
        self._failures.pop(login, None)
        return login

    def log_in(self, login: str) -> ServerSession:
        """A new session, refused when the user has too many."""
        cap = int(self._app.store.preferences.get("concurrentMaxSessions"))
        if len(self._app.sessions.of(login)) >= cap:
            raise Denied(self._failure())
        self._app.store.accounts.logged_in(login)
        return self._app.sessions.open(login)

    def turn_away(self, request: Request) -> Response:
        """What somebody gets who must log in first."""
        if request.headers.get("X-Requested-With") == "XMLHttpRequest":
            return Response(b"", 401)
        if is_browser(request):
            return _redirect("/app/template/Login.vm")
        response = tomcat_page(401, "Unauthorized")
        response.headers["WWW-Authenticate"] = self._realm()
        return response

    def _check_basic(self, credentials: Authorization) -> str:
        return self.check(credentials.username or "", credentials.password or "")

    def _failure(self) -> Response:
        response = tomcat_page(401, LOGIN_FAILURE)
        response.headers["WWW-Authenticate"] = self._realm()
        return response

    def _realm(self) -> str:
        return f'Basic realm="{self._app.store.preferences.get("siteId")}"'

    def _note_failure(self, login: str) -> None:
        with self._lock:
            recent = [t for t in self._failures.get(login, []) if t > time.time() - LOCK_SECONDS]
            self._failures[login] = [*recent, time.time()]

    def _locked(self, login: str) -> bool:
        allowed = int(self._app.store.preferences.get("maxFailedLogins"))
        with self._lock:
            recent = [t for t in self._failures.get(login, []) if t > time.time() - LOCK_SECONDS]
        return 0 < allowed <= len(recent)


def is_browser(request: Request) -> bool:
    """Whether the user agent looks like a browser's to XNAT."""
    return BROWSER.match(request.headers.get("User-Agent", "")) is not None


def tomcat_page(status: int, message: str) -> Response:
    """An error page of the servlet container."""
    title = f"HTTP Status {status}"
    body = (
        f"<!doctype html><html><head><title>{title}</title></head><body><h1>{title}</h1>"
        f"<p><b>Message</b> {message}</p><h3>Apache Tomcat/9.0.85</h3></body></html>"
    )
    return Response(body, status, mimetype="text/html")


def _redirect(target: str) -> Response:
    return Response(b"", 302, headers={"Location": target})


@routes.data("/JSESSION", methods=("GET", "POST"), variants=TEXT, open=True)
def session_id(request: Request, context: Context) -> Response:
    """The session id: a fresh anonymous one for strangers, so no proof of a login."""
    if not context.session.id:
        context.session = context.app.sessions.open("")
        context.new_session = True
    body = context.session.id
    if context.parameters.flag("CSRF"):
        body += f"; XNAT_CSRF={context.session.csrf}"
    return text(body)


@routes.data("/JSESSION", methods=("DELETE",), open=True)
def end_session(request: Request, context: Context) -> Response:
    """Log out."""
    context.app.sessions.close(context.session.id)
    return empty()


@routes.data("/services/auth", methods=("PUT", "POST"), variants=TEXT, open=True)
def log_in(request: Request, context: Context) -> Response:
    """Log in by form; the body may come under any content type."""
    form = {key: values[0] for key, values in parse_qs(request.get_data(as_text=True)).items()}
    form = {**form, **dict(context.parameters.items())}
    name = form.get("username") or form.get("j_username") or ""
    password = form.get("password") or form.get("j_password") or ""
    provider = form.get("provider") or form.get("login_method") or ""
    if provider not in PROVIDERS:
        raise StatusError(400, f"Unknown authentication method: {provider}")
    try:
        login = context.app.doorkeeper.check(name, password)
        context.app.sessions.close(context.session.id)
        context.session = context.app.doorkeeper.log_in(login)
    except Denied as denied:
        raise StatusError(401, "Authentication failed.") from denied
    context.new_session = True
    return text(context.session.id)


@routes.data("/services/auth", open=True)
def no_log_in_page(request: Request, context: Context) -> Response:
    """GET is not offered."""
    raise StatusError(404)


@routes.data("/auth", variants=TEXT)
def who_am_i(request: Request, context: Context) -> Response:
    """The user in a sentence."""
    return text(f"User '{context.login}' is logged in")


@routes.data("/user/{user}/sessions")
def count_sessions(request: Request, context: Context, user: str) -> Response:
    """How many sessions a login has."""
    context.require(context.caller.is_admin or user == context.login)
    return text(f'{{"{user}":{len(context.app.sessions.of(user))}}}', mimetype="application/json")


@routes.xapi("/users/username")
def user_name(request: Request, context: Context) -> Response:
    """The login name, for people who logged in only."""
    if context.caller.is_guest:
        raise StatusError(401)
    return text(context.login)


@routes.xapi("/users/active")
def active_users(request: Request, context: Context) -> Response:
    """Everybody's sessions."""
    context.require_admin()
    grouped = context.app.sessions.by_login()
    table = {
        login: {"sessions": [session.id for session in sessions], "count": len(sessions)}
        for login, sessions in grouped.items()
    }
    return json_body(table)


@routes.xapi("/users/active/{user}", methods=("DELETE",))
def end_all_sessions(request: Request, context: Context, user: str) -> Response:
    """End every session of a user."""
    context.require(context.caller.is_admin or user == context.login)
    return json_body(context.app.sessions.close_all_of(user))
