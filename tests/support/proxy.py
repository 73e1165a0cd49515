"""A TCP proxy that cuts connections in the middle of what is sent."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

BLOCK = 1 << 16


class Proxy:
    """Forwards to a server; `cuts` has, for the next requests to `path`, after how many bytes.

    The bytes are counted from the beginning of the request. `seen` counts those requests.
    """

    def __init__(self, port: int, path: str, cuts: list[int]) -> None:
        self.cuts = cuts
        self.seen = 0
        self._target = port
        self._path = path.encode()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                ends = (client, server)
                threading.Thread(target=self._forward, args=(*ends, True), daemon=True).start()
                threading.Thread(
                    target=self._forward, args=(*reversed(ends), False), daemon=True
                ).start()

    def _forward(self, source: socket.socket, target: socket.socket, counted: bool) -> None:
        left: int | None = None
        with contextlib.suppress(OSError):
            while block := source.recv(BLOCK):
                if counted and block.startswith(b"POST ") and self._path in block[:200]:
                    with self._lock:
                        self.seen += 1
                        left = self.cuts.pop(0) if self.cuts else None
                if left is not None:
                    if len(block) >= left:
                        target.sendall(block[:left])
                        break
                    left -= len(block)
                target.sendall(block)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@contextmanager
def cutting(port: int, path: str, cuts: list[int]) -> Iterator[Proxy]:
    """A proxy in front of a local server."""
    proxy = Proxy(port, path, cuts)
    try:
        yield proxy
    finally:
        proxy.close()
