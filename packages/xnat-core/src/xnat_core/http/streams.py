"""An answer whose body is read as it comes, and that tells when it was cut short."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import requests

from xnat_core.errors import NetworkError
from xnat_core.http.failures import TROUBLE, reading_error

BLOCK = 1 << 20
# Another thread that reads until then is held up by the server; the end of a body takes no time.
_MOMENT = 0.5
_LENGTH = re.compile(r"[0-9]{1,18}")


class Stream(requests.Response):
    """A `requests.Response` that breaks off with errors of this project only.

    Reading raises TimeoutError when nothing comes for the idle time, NetworkError when the body
    ends before its length or its last chunk. A body that has neither, that simply ends with the
    connection, can be cut short unnoticed: its receiver must check size, digest or archive.
    """

    _server = ""
    _idle = 0.0
    _kept: bytes | None = None
    _leave: Callable[[], None] | None = None
    _reading: threading.Lock
    """Held while a block is waited for."""

    def expect(self, server: str, idle: float) -> None:
        """Wait at most `idle` seconds for each piece of the body."""
        self._server = server
        self._idle = idle
        self._reading = threading.Lock()
        self.encoding = _readable(self.encoding)
        source = getattr(self.raw, "source", None)
        if source is not None:
            # An answer without a body has been closed already.
            with contextlib.suppress(OSError):
                source.settimeout(idle)

    def until_read(self, leave: Callable[[], None]) -> None:
        """Call `leave` when the body has been read, or the answer is closed."""
        self._leave = leave

    def keep(self) -> None:
        """Read the body now, uncompressed, for `blocks` to give it later."""
        self._kept = b"".join(self.blocks(unpack=True))

    @property
    def is_kept(self) -> bool:
        """Whether the body has been read already."""
        return self._kept is not None

    def close(self) -> None:
        self._wake_reader()
        super().close()
        self._over()

    def _wake_reader(self) -> None:
        """End the waiting of another thread that reads: closing would wait for it, and it for a
        server that may be silent for minutes."""
        if self._reading.acquire(timeout=_MOMENT):
            self._reading.release()
            return
        source = getattr(self.raw, "source", None)
        if isinstance(source, socket.socket):
            with contextlib.suppress(OSError):
                # Not the method of a TLS socket, which would forget what the other thread reads by.
                socket.socket.shutdown(source, socket.SHUT_RDWR)

    def _over(self) -> None:
        if self._leave is not None:
            self._leave()
            self._leave = None

    @property
    def length(self) -> int | None:
        """Bytes of the body as it travels; None when the server did not say."""
        text = self.headers.get("Content-Length", "")
        return int(text) if _LENGTH.fullmatch(text) and not self._is_chunked else None

    @property
    def compression(self) -> str:
        """The Content-Encoding that `blocks` leaves as it is, `gzip` for example; mostly empty."""
        return self.headers.get("Content-Encoding", "").strip().lower().replace("identity", "")

    def __iter__(self) -> Iterator[bytes]:
        return self.blocks()

    def blocks(self, size: int = BLOCK, *, unpack: bool = False) -> Iterator[bytes]:
        """Iterate once over blocks of `size` bytes, the last one shorter; `unpack` uncompresses."""
        if self._kept is not None:
            for start in range(0, len(self._kept), size):
                yield self._kept[start : start + size]
            return
        received = 0
        while True:
            try:
                with self._reading:
                    block: bytes = self.raw.read(size, decode_content=unpack)
            except TROUBLE as error:
                raise reading_error(error, self._server, self._idle) from error
            if not block:
                break
            received += len(block)
            yield block
        self._over()
        if not unpack and self.length not in (None, received):
            raise NetworkError(
                self._server, f"the answer was cut short: {received} of {self.length} bytes"
            )

    def iter_content(self, chunk_size: int | None = 1, decode_unicode: bool = False) -> Any:
        """As in `requests`, uncompressed."""
        try:
            yield from super().iter_content(chunk_size, decode_unicode)
        except TROUBLE as error:
            raise reading_error(error, self._server, self._idle) from error

    @property
    def _is_chunked(self) -> bool:
        return "chunked" in self.headers.get("Transfer-Encoding", "").lower()


def _readable(charset: str | None) -> str | None:
    """The charset that an answer names, or UTF-8 when Python has none of that name for texts."""
    try:
        b"\xff.".decode(charset or "utf-8", "replace")
    except (LookupError, UnicodeError):
        return "utf-8"
    return charset
