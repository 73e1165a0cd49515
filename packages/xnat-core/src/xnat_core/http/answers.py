"""What an answer means: by its status and by its body."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from xnat_core.errors import (
    AuthenticationError,
    ClientRequestError,
    PermissionDeniedError,
    ResourceExistsError,
    ResourceNotFoundError,
    ServerError,
    XNATCtlError,
)
from xnat_core.redaction import one_line, redact
from xnat_core.urls import origin

if TYPE_CHECKING:
    from requests import Response

About = tuple[str, str]
REDIRECTS = frozenset({301, 302, 303, 307, 308})

# Of the pages of the servlet container; the heading of those is the container's name.
_MESSAGE = re.compile(r"<b>Message</b>(.*?)</p>", re.IGNORECASE | re.DOTALL)
_HEADING = re.compile(r"<h3>(?!Apache Tomcat)(.*?)</h3>", re.IGNORECASE | re.DOTALL)
_STATUS = re.compile(r"\AHTTP Status \d{3}\W*")
_TITLE = re.compile(r"<title>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_SIGN_IN_PAGE = re.compile(
    rb"""(?ix) /app/template/Login | name=["']?(?:j_)?password\b | type=["']?password\b """
)
_SIGN_IN_PATH = re.compile(r"(?i)/(?:login(?:\.vm)?|signin|sign-in)(?:[/?#;.]|$)")
_LIFETIME = re.compile(r'SESSION_EXPIRATION_TIME="?(\d+)(?:,|%2C)(\d{1,15})\b', re.IGNORECASE)
_OWN_SESSION = re.compile(r"(?:^|[,;]\s*)JSESSIONID=([^;,\s]*)", re.IGNORECASE)
_IS_THERE = re.compile(r"(?i)\balready\b(?! in progress)")
_VERBS = {"GET": "read", "HEAD": "read", "DELETE": "delete"}
_SHORT = 1 << 16


def error_of(
    response: Response, method: str, path: str, about: About | None = None, *, known: bool = False
) -> XNATCtlError:
    """Return the error for an answer that is no success.

    `path` is without query; `about` names the object, such as `("session", "E1")`; `known` says
    that the server knows the user, so that a 401 is about a right and not about the login. The
    details of the error carry status_code, method, path, and the reason where the server gave one.
    """
    error = _error(response, method, path, about, known)
    note_answer(error, response, method, path)
    return error


def note_answer(error: XNATCtlError, response: Response, method: str, path: str) -> None:
    """Put into the details of an error what the server had answered to what."""
    error.details.update(status_code=response.status_code, method=method, path=redact(path))


def _error(
    response: Response, method: str, path: str, about: About | None, known: bool
) -> XNATCtlError:
    status = response.status_code
    message = message_of(response)
    if "justification" in message.lower():
        message += " (--reason gives one)"
    kind, name = about or ("path", redact(path))
    error: XNATCtlError
    if status == 401 and not known:
        error = AuthenticationError(None, f"{kind} {name}: a login is needed")
    elif status in (401, 403):
        error = PermissionDeniedError(f"{kind} {name}", _VERBS.get(method, "change"))
        if message:
            # It need not be for want of a right: also refused is what is locked or lacks a reason.
            error.message += f": {message}"
    elif status == 404:
        error = ResourceNotFoundError(kind, name)
    elif status == 409 and about and _IS_THERE.search(message):
        error = ResourceExistsError(kind, name)
    else:
        family = ServerError if status >= 500 else ClientRequestError
        said = message or one_line(response.reason or "no reason given")
        return family(f"{method} {redact(path)}", f"{status} {said}")
    if message:
        error.details["reason"] = message
    return error


def message_of(response: Response) -> str:
    """The server's own words in one line, or an empty text when it has none.

    From the `<h3>` of a status page, from that of the servlet container, from plain text, from a
    JSON member; the phrase that only repeats the status counts as none.
    """
    try:
        raw = response.content[:_SHORT]
    except XNATCtlError:
        raw = b""
    text = raw.decode(response.encoding or "utf-8", "replace") if raw else ""
    if is_html(response):
        found = _MESSAGE.search(text) or _HEADING.search(text) or _TITLE.search(text)
        text = html.unescape(_TAG.sub(" ", found.group(1))) if found else ""
    elif text.lstrip().startswith(("{", "[")):
        text = _json_message(raw) or text
    line = _STATUS.sub("", one_line(text, 300))
    return "" if line.lower() in ("status page", (response.reason or "").lower()) else line


def _json_message(raw: bytes) -> str:
    import orjson

    try:
        data = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return ""
    members: dict[str, Any] = data if isinstance(data, dict) else {}
    found = (members.get(key) for key in ("message", "detail", "error", "title"))
    return next((text for text in found if isinstance(text, str) and text), "")


def is_html(response: Response) -> bool:
    """Whether the body is a page for people, by its first characters.

    The type alone says so only of a body that has not been read: some servers call any text HTML.
    """
    typed = "html" in response.headers.get("Content-Type", "").lower()
    if _is_unread(response):
        return typed
    start = response.content[:64].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return start.startswith((b"<!doctype html", b"<html")) or (typed and start.startswith(b"<"))


def is_half_json(response: Response) -> bool:
    """Whether a success is JSON that breaks off, as a proxy may leave it; never an unread body."""
    if response.status_code >= 300 or _is_unread(response):
        return False
    first = response.content[:64].lstrip()[:1]
    last = response.content[-64:].rstrip()[-1:]
    return first + last not in (b"{}", b"[]") and first in (b"{", b"[")


def is_sign_in_page(response: Response) -> bool:
    """Whether a success is really the page that asks to log in; never for an unread body."""
    if response.status_code >= 300 or _is_unread(response) or not is_html(response):
        return False
    return asks_to_log_in(response.content[: 1 << 20])


def asks_to_log_in(page: bytes) -> bool:
    """Whether a page, or the beginning of it, is the one that asks to log in."""
    return bool(_SIGN_IN_PAGE.search(page))


def redirect_of(response: Response, url: str) -> str | None:
    """Where an answer sends us, as an absolute URL."""
    location = response.headers.get("Location")
    if response.status_code not in REDIRECTS or not location:
        return None
    try:
        # Header bytes arrive as Latin-1, whatever they are.
        target = urljoin(url, location.encode("latin-1", "replace").decode("utf-8", "replace"))
        origin(target)
    except ValueError:
        return "unreadable:"
    return target


def leads_to_sign_in(target: str) -> bool:
    """Whether a redirect goes to the page that asks to log in."""
    return bool(_SIGN_IN_PATH.search(urlsplit(target).path))


def is_same_path(url: str, target: str) -> bool:
    """Whether a redirect leads to what was asked for, under another address."""
    return urlsplit(url).path.rstrip("/") == urlsplit(target).path.rstrip("/")


def may_follow(url: str, target: str) -> bool:
    """Whether a redirect stays with the same server; from http to https of the same host does.

    Pages for people (change the password, account inactive) are no place to find data at.
    """
    if "/app/" in urlsplit(target).path:
        return False
    here, there = origin(url), origin(target)
    return here == there or (here[0], there[0], here[1]) == ("http", "https", there[1])


def refused_redirect(server: str, what: str, target: str) -> AuthenticationError:
    """The error for a redirect that is not followed; the query may hold secrets and is left out."""
    split = urlsplit(target)
    shown = one_line(redact(f"{split.scheme}://{split.netloc}{split.path}"))
    return AuthenticationError(
        server,
        f"{what} was redirected to {shown}: not followed "
        "(if that is the server, make it the URL of the profile)",
    )


def lifetime_of(response: Response) -> float | None:
    """Seconds that the session lives unused, as the server's cookie says; None without it."""
    found = _LIFETIME.search(response.headers.get("Set-Cookie", ""))
    seconds = int(found.group(2)) / 1000 if found else 0
    return seconds if 1 <= seconds <= 30 * 86400 else None


def other_session(response: Response, token: str) -> bool:
    """Whether the server has opened another session for us: it no longer knows `token`."""
    given = _OWN_SESSION.findall(response.headers.get("Set-Cookie", ""))
    return bool(given) and all(other not in ("", token) for other in given)


def _is_unread(response: Response) -> bool:
    return not getattr(response, "_content_consumed", True)
