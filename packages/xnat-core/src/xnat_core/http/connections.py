"""TCP connections that know how far a request has come.

Two questions that the HTTP library leaves open decide whether a request may be repeated, and
whether a refusal is understood: had the request been sent at all, and has the server answered
before it took the whole body?
"""

from __future__ import annotations

import http.client
import io
import re
import socket
import ssl
import time
from typing import Any, cast

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError
from urllib3.util.wait import wait_for_read

from xnat_core.http.streams import BLOCK, Stream

# Seconds in which a block of the body must leave. The library would allow no more of them than for
# connecting.
SEND_SECONDS = 300
_VERSION = b"HTTP/1."
_HINT = re.compile(rb"HTTP/1\.\d 1\d\d\b(?:.*\n)+?\r?\n")


class _Lines(io.BufferedReader):
    """Knows whether the last line has an end."""

    is_whole = True

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        self.is_whole = line.endswith(b"\n")
        return line


class _Answer(http.client.HTTPResponse):
    """An answer that begins with a whole head, the hints before it (102, 103) passed over.

    The library takes such hints for answers, and half a head for a whole one.
    """

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = self._lines = _Lines(cast(Any, self.fp.detach()))
        self._seconds = sock.gettimeout()

    def begin(self) -> None:
        began = time.monotonic()
        self._read_head()
        while 100 <= self.status < 200 and self.status != http.client.SWITCHING_PROTOCOLS:
            if self._seconds is not None and time.monotonic() - began > self._seconds:
                raise TimeoutError("timed out")
            self.headers = self.msg = cast(Any, None)
            self._read_head()

    def _read_head(self) -> None:
        super().begin()
        if not self._lines.is_whole:
            raise http.client.RemoteDisconnected("the head of the answer was cut short")


class _Watched(HTTPConnection):
    response_class = _Answer
    _in_request = False
    _head_sent = False
    _answered_early = False

    def request(self, *args: Any, **kwargs: Any) -> None:
        self._in_request = True
        self._head_sent = False
        try:
            super().request(*args, **kwargs)
        except OSError as error:
            if not self._head_sent:
                # A kept connection that the server had closed: nothing can have been processed.
                raise NewConnectionError(self, f"closed before the request: {error}") from error
            raise
        finally:
            self._in_request = False

    def connect(self) -> None:
        self._head_sent = False
        super().connect()

    def send(self, data: Any) -> None:
        if not self._in_request:
            return super().send(data)
        if self._head_sent and self._has_answer():
            # The caller takes this for "read the answer now", and so it is.
            self._answered_early = True
            raise BrokenPipeError
        try:
            super().send(data)
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError) as error:
            raise BrokenPipeError from error
        if not self._head_sent:
            self._head_sent = True
            self.sock.settimeout(SEND_SECONDS)

    def getresponse(self) -> Any:
        # Kept for `Stream.expect`: the connection forgets a socket that the server will close.
        source = self.sock
        response: Any = super().getresponse()
        response.source = source
        return response

    @property
    def is_connected(self) -> bool:
        # The server may still wait for the rest of that body: such a connection is not used again.
        return not self._answered_early and super().is_connected

    @property
    def has_connected_to_proxy(self) -> bool:
        # A connection that broke, and so was closed, has forgotten that it had reached the proxy.
        # The error would say that it had not, and after that any request is repeated.
        return self._head_sent or super().has_connected_to_proxy

    def close(self) -> None:
        self._answered_early = False
        super().close()

    def _has_answer(self) -> bool:
        # TLS sockets become readable for session tickets, too, which are no answer.
        if type(self.sock) is not socket.socket or not wait_for_read(self.sock, timeout=0.0):
            return False
        said = self.sock.recv(BLOCK, socket.MSG_PEEK)
        return not said or _is_answer(_HINT.sub(b"", said))


def _is_answer(begun: bytes) -> bool:
    """Whether what comes behind whole hints is more than a hint whose end is still to come.

    Of its first bytes that cannot be said yet; before the next block they are looked at again.
    """
    version, status = begun[: len(_VERSION)], begun[len("HTTP/1.1 ") :]
    return not (_VERSION.startswith(version) and status[:1] in (b"", b"1"))


class _WatchedTLS(_Watched, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Watched


class _PoolTLS(HTTPSConnectionPool):
    ConnectionCls = _WatchedTLS

    def _validate_conn(self, conn: Any) -> None:
        # As there, without the warning about a check that somebody has turned off: the filters of
        # warnings belong to the program.
        super(HTTPSConnectionPool, self)._validate_conn(conn)
        if conn.is_closed:
            conn.connect()


_POOLS = {"http": _Pool, "https": _PoolTLS}


class Adapter(HTTPAdapter):
    """Pools of such connections, writing files in blocks of 1 MiB."""

    def init_poolmanager(
        self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any
    ) -> None:
        super().init_poolmanager(connections, maxsize, block, blocksize=BLOCK, **pool_kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def build_response(self, req: Any, resp: Any) -> Stream:
        response = super().build_response(req, resp)
        response.__class__ = Stream
        assert isinstance(response, Stream)
        return response

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, blocksize=BLOCK, **proxy_kwargs)
        if not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = _POOLS
        return manager
