"""URLs: where a server is, and how a request to it is written.

The server matches most path variables as they travel, undecoded, and its routes by prefix: an
empty or a dot part addresses the parent of what was meant. Both are refused here, in one place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote as percent_encoded
from urllib.parse import urlsplit

from xnat_core.errors import (
    ArgumentError,
    AuthenticationError,
    InvalidIdentifierError,
    InvalidURLError,
    ValidationError,
)
from xnat_core.redaction import one_line
from xnat_core.validation import validate_server_url

# What a path part may hold unescaped. `;` would begin a path parameter for the servlet container,
# `&` and `+` mean something else to some of the routes that do decode.
_PART_SAFE = "!$'()*,:@="
# For paths that a person or the server has written: escapes stay escapes, slashes slashes.
_PATH_SAFE = _PART_SAFE + "/%&+;"
_DEFAULT_PORTS = {"http": 80, "https": 443}

Params = Mapping[str, object] | Sequence[tuple[str, object]]


class Encoded(str):
    """A part of a path that `path` takes as it is."""


def path(*parts: str) -> str:
    """Return `/a/b/c` with each part percent-encoded.

    Raises InvalidIdentifierError for a part that is empty, `.` or `..`, or has control characters:
    such a request would reach another object than the one named.
    """
    if not parts:
        raise InvalidIdentifierError("path", "", "cannot be empty")
    return "/" + "/".join(map(_part, parts))


def hide_dots(part: str) -> Encoded:
    """Encode a part with its dots as `%2E`, as folder names of the prearchive need it.

    Without, the server takes what follows the dot for the format of the answer.
    """
    return Encoded(_part(part).replace(".", "%2E"))


def path_of_uri(uri: str) -> str:
    """Return the path of a `URI` that a listing gave; the server writes those unencoded."""
    text = uri.split("/", 3)[-1] if _WHOLE.match(uri) else uri
    return path(*text.strip("/").split("/"))


def local_path(address: str) -> str:
    """Return the path of an address that the server wrote, from `/data` or `/xapi` on.

    What stands before differs: nothing, the whole URL, or the context path, which the base URL has
    already; `/data` may be missing or be called `/REST`. What is no such address is returned as it
    is.
    """
    if address.startswith("/data/"):
        return address
    text = "/" + address.split("/", 3)[-1] if _WHOLE.match(address) else address
    found = _LOCAL.fullmatch(text)
    if found is None:
        return address
    return found["xapi"] or "/data" + found["data"]


def is_plain(name: str) -> bool:
    """Whether a file of a resource can be asked for by this path in it.

    How servers decode other characters is not to be relied on; in an archive they take any name.
    """
    return bool(_PLAIN_NAME.fullmatch(name)) and not {".", ".."} & set(name.split("/"))


def request_target(written: str, params: Params | None = None) -> str:
    """Return path and query as they go on the wire.

    `written` is a path that is already encoded, or typed by a person: what may not stand in a URL
    is encoded, escapes are left alone, a query in it is kept and `params` are added. Raises
    ValidationError for a path with empty or dot parts.
    """
    route, _, query = written.partition("?")
    if not route.startswith("/"):
        route = "/" + route
    for part in route[1:].removesuffix("/").split("/"):
        if part.replace("%2E", ".").replace("%2e", ".") in ("", ".", ".."):
            raise ValidationError(f"path {written!r} has an empty or a dot part", "path", written)
    added = encode_query(params)
    queries = [quote(query, safe="/:,%&=+;@!$'()*?"), added]
    together = "&".join(text for text in queries if text)
    return quote(route, safe=_PATH_SAFE) + (f"?{together}" if together else "")


def with_reason(target: str, reason: str) -> str:
    """Add why something is changed, where the server keeps a history and no reason is given yet."""
    route, _, query = target.partition("?")
    given = any(each.startswith("event_reason=") for each in query.split("&"))
    if given or not route.startswith(("/data/", "/REST/")):
        return target
    return f"{target}{'&' if query else '?'}{encode_query({'event_reason': reason})}"


def below(base_url: str, written: str) -> str:
    """A path as given, or that of a whole URL. Raises AuthenticationError for another server's.

    Raises ArgumentError for what is no text.
    """
    if not isinstance(written, str):
        raise ArgumentError(f"path must be text, not {type(written).__name__}", "path", written)
    if not written.startswith(("http://", "https://")):
        return written
    split = urlsplit(written)
    parts = split.path.split("/")
    depth = urlsplit(base_url).path.count("/") + 1
    there = server_url(f"{split.scheme}://{split.netloc}{'/'.join(parts[:depth])}")
    if there != base_url:
        raise AuthenticationError(base_url, f"{there} is another server")
    return "/" + "/".join(parts[depth:]) + (f"?{split.query}" if split.query else "")


def encode_query(params: Params | None) -> str:
    """Return `a=1&b=2`. None drops a key, a list repeats it, booleans become `true` and `false`.

    Keys keep colon and slash (`xnat:mrScanData/quality`), brackets are encoded.
    """
    return "&".join(
        f"{quote(key, safe='/:')}={quote(text, safe='/:,')}"
        for key, value in pairs_of(params)
        for text in _texts(value)
    )


def pairs_of(params: Params | None) -> list[tuple[str, object]]:
    """The keys and values of a query. Raises ArgumentError for what are none, as a text is."""
    if not params:
        return []
    given: object = list(params.items()) if isinstance(params, Mapping) else params
    if not isinstance(given, (list, tuple)) or not all(_is_pair(each) for each in given):
        raise ArgumentError("params must be a mapping, or pairs of key and value", "params")
    return list(given)


def _is_pair(each: object) -> bool:
    return isinstance(each, (tuple, list)) and len(each) == 2 and isinstance(each[0], str)


_WHOLE = re.compile(r"https?://[^/]+/")
_LOCAL = re.compile(
    r"(?:/[^/]+)*?(?:(?:/data|/REST)?(?P<data>(?:/archive|/prearchive)?"
    r"/(?:projects|subjects|experiments)/.*)|(?P<xapi>/xapi/.*))",
    re.DOTALL,
)
_PLAIN_NAME = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*")
# Nearly every identifier; the rest of the way costs more than it for long lists.
_PLAIN_PART = re.compile(r"[A-Za-z0-9_-]+")


def server_url(text: str) -> str:
    """Return the base URL in its normal form: no default port, no capitals in the host, no slash.

    Raises InvalidURLError for what is not the address of a server, and for a URL with a user name
    or a password in it: those would end in records and messages.
    """
    url = urlsplit(validate_server_url(text))
    scheme = url.scheme.lower()
    host = url.hostname or ""
    if "@" in url.netloc:
        raise InvalidURLError(f"{scheme}://***@{host}", "must not hold a user or a password")
    if url.query or url.fragment:
        raise InvalidURLError(one_line(text), "must not have a query or a fragment")
    if any(character.isspace() or not character.isprintable() for character in url.geturl()):
        raise InvalidURLError(one_line(text), "has spaces or control characters")
    if not host.isascii():
        try:
            host = host.encode("idna").decode()
        except UnicodeError:
            raise InvalidURLError(one_line(text), "not a host name") from None
    host = f"[{host}]" if ":" in host else host.rstrip(".")
    where = host if url.port in (None, _DEFAULT_PORTS[scheme]) else f"{host}:{url.port}"
    return f"{scheme}://{where}{quote(url.path.rstrip('/'), safe=_PATH_SAFE)}"


def same_server(one: str, other: str) -> bool:
    """Tell whether two base URLs name one server; a text that is no URL names none."""
    try:
        return server_url(one) == server_url(other)
    except InvalidURLError:
        return False


def origin(url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port: the three that cookies and passwords must not leave."""
    split = urlsplit(url)
    scheme = split.scheme.lower()
    return scheme, split.hostname or "", split.port or _DEFAULT_PORTS.get(scheme)


def quote(text: str, safe: str) -> str:
    """Percent-encode a text. Raises ValidationError for what came as bytes that are no text."""
    try:
        return percent_encoded(text, safe=safe)
    except UnicodeEncodeError:
        raise ValidationError(f"{text!r} is no text in UTF-8", "text", text) from None


def _part(part: str) -> str:
    if isinstance(part, str) and _PLAIN_PART.fullmatch(part):
        return part
    if isinstance(part, Encoded):
        return part
    if part is not None and not isinstance(part, str):
        raise InvalidIdentifierError("path part", part, f"must be text, not {type(part).__name__}")
    if not part or part in (".", ".."):
        raise InvalidIdentifierError("path part", part, "cannot be empty, '.' or '..'")
    if any(ord(character) < 32 or ord(character) == 127 for character in part):
        raise InvalidIdentifierError("path part", part, "has control characters")
    return quote(part, safe=_PART_SAFE)


def _texts(value: object) -> Iterable[str]:
    if value is None:
        return ()
    if isinstance(value, bool):
        return ("true" if value else "false",)
    if isinstance(value, (list, tuple, set, frozenset)):
        return (text for item in value for text in _texts(item))
    if isinstance(value, (bytes, bytearray, Mapping)):
        kind = type(value).__name__
        raise ArgumentError(f"what a query says must be text, not {kind}", "params")
    return (str(value),)
