"""What became of a request that got no usable answer, in the project's own errors.

Nothing of requests, urllib3 or the system's sockets leaves this package.
"""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator

import requests
import urllib3

from xnat_core.errors import (
    ConfigurationError,
    NetworkError,
    ServerUnreachableError,
    TimeoutError,
    ValidationError,
    XNATCtlError,
)
from xnat_core.http.retries import Failure
from xnat_core.redaction import one_line

# `requests` raises some of its own, and lets some of the layers below through; so does Python for
# numbers in heads and chunks that are none.
TROUBLE = (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError)


def failure(error: Exception, server: str, connecting: float, reading: float) -> Failure:
    """Classify what `requests` raised for one attempt at `server`; the times are the limits (s)."""
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Failure(_distrust(server, cause), final=True)
    if isinstance(error, requests.exceptions.ProxyError):
        return Failure(ServerUnreachableError(server, f"proxy: {_words(causes)}"), unsent=True)
    if any(isinstance(cause, urllib3.exceptions.ConnectTimeoutError) for cause in causes):
        return Failure(_unreachable(server, causes, connecting), unsent=True)
    if _is_timeout(error, causes):
        return Failure(TimeoutError(server, reading))
    if any(isinstance(cause, urllib3.exceptions.LocationParseError) for cause in causes):
        # Its words may hold a part of a password.
        said = "no address that can be asked; are http_proxy and https_proxy right?"
        return Failure(ConfigurationError(f"{server}: {said}"), final=True)
    if isinstance(error, (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema)):
        return Failure(ConfigurationError(one_line(f"{server}: {error}")), final=True)
    if isinstance(error, UnicodeError):
        return Failure(not_sendable(error), final=True)
    return Failure(NetworkError(server, _broken(causes)))


def not_sendable(error: Exception) -> ValidationError:
    """The error for a request that cannot be written."""
    return ValidationError(one_line(f"not a request that can be sent: {error}"))


def reading_error(error: Exception, server: str, reading: float) -> XNATCtlError:
    """The error for an answer that broke off while it was read."""
    return failure(error, server, reading, reading).error


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it wraps: libraries keep that in `args`, `reason` or `__cause__`."""
    waiting: list[object] = [error]
    seen: set[int] = set()
    while waiting:
        current = waiting.pop(0)
        if isinstance(current, BaseException) and id(current) not in seen:
            seen.add(id(current))
            yield current
            waiting += [*current.args, getattr(current, "reason", None), current.__cause__]


def _distrust(server: str, cause: ssl.SSLCertVerificationError) -> NetworkError:
    return NetworkError(
        server,
        f"its certificate is not trusted: {one_line(cause.verify_message or str(cause))} "
        "(a private authority: set ca_bundle in the profile to its file; "
        "--no-verify-ssl of a profile turns the check off)",
    )


def _unreachable(
    server: str, causes: list[BaseException], connecting: float
) -> ServerUnreachableError:
    for cause in causes:
        if isinstance(cause, socket.gaierror):
            return ServerUnreachableError(server, "no such host; check the URL")
        if isinstance(cause, OSError) and cause.errno == errno.ECONNREFUSED:
            return ServerUnreachableError(server, "connection refused; is the server running?")
        if isinstance(cause, OSError) and cause.errno is not None:
            return ServerUnreachableError(server, cause.strerror or _words([cause]))
    if any(isinstance(cause, urllib3.exceptions.NewConnectionError) for cause in causes):
        return ServerUnreachableError(server, _words(causes))
    return ServerUnreachableError(server, f"no connection within {connecting:g} seconds")


def _is_timeout(error: Exception, causes: list[BaseException]) -> bool:
    return isinstance(error, requests.exceptions.Timeout) or any(
        isinstance(cause, (urllib3.exceptions.ReadTimeoutError, socket.timeout)) for cause in causes
    )


def _broken(causes: list[BaseException]) -> str:
    for cause in causes:
        if isinstance(cause, urllib3.exceptions.IncompleteRead):
            expected = "" if cause.expected is None else f", {cause.expected} bytes missing"
            return f"the answer was cut short{expected}"
        if isinstance(cause, ssl.SSLError):
            plain = cause.reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST")
            hint = "; does the server speak http:// only?" if plain else ""
            return f"TLS: {one_line(cause.reason or str(cause))}{hint}"
        # requests' own exceptions are OSErrors, too, but without a text of the system.
        if isinstance(cause, OSError) and cause.strerror:
            return f"connection lost: {cause.strerror}"
    return f"connection lost: {_words(causes)}"


def _words(causes: list[BaseException]) -> str:
    innermost = causes[-1]
    # The text of the system alone: str() would have its number in front.
    said = innermost.strerror if isinstance(innermost, OSError) else None
    return one_line(said or str(innermost), 200) or type(innermost).__name__
