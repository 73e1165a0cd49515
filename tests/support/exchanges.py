"""One request on its way through the fault proxy, and the answer that it gets."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.client import HTTPResponse

BLOCK = 1 << 16
Headers = list[tuple[str, str]]


@dataclass(frozen=True)
class Asked:
    """A request, without its body."""

    method: str
    target: str
    headers: Headers = field(compare=False)

    def header(self, name: str) -> str:
        """One of its headers."""
        return next((value for key, value in self.headers if key.lower() == name), "")

    @property
    def head(self) -> bytes:
        """As it travels."""
        lines = [f"{self.method} {self.target} HTTP/1.1", *map(": ".join, self.headers)]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


@dataclass(frozen=True)
class Reply:
    """An answer; `length` is what its head says, None for chunks."""

    status: int
    headers: Headers
    body: bytes
    length: int | None

    @classmethod
    def of(cls, status: int, body: bytes = b"", kind: str = "text/html", **more: str) -> Reply:
        """An answer made here; underscores in names of headers become dashes."""
        headers = [("Content-Type", kind)]
        headers += [(name.replace("_", "-"), value) for name, value in more.items()]
        return cls(status, headers, body, len(body))

    @property
    def wire(self) -> bytes:
        """As it travels."""
        lines = [f"HTTP/1.1 {self.status} Said", *map(": ".join, self.headers)]
        if self.length is None:
            lines.append("Transfer-Encoding: chunked")
        elif self.status not in (204, 304):
            lines.append(f"Content-Length: {self.length}")
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        return head + (chunked(self.body) if self.length is None else self.body)


class Exchange:
    """One request on its way: what the client sends, what the server answers, and what we do."""

    def __init__(self, asked: Asked, client: socket.socket, begun: bytes, port: int) -> None:
        self.asked = asked
        self.client = client
        self.left_over = begun
        self._port = port
        self._unread = int(asked.header("content-length") or 0)
        self._chunks = "chunked" in asked.header("transfer-encoding").lower()

    def body(self) -> Iterator[bytes]:
        """The rest of the request's body, as it travels."""
        if self._chunks:
            yield from self._chunked_body()
        while self._unread:
            block = self.left_over or self.client.recv(BLOCK)
            if not block:
                raise ConnectionError("the client has gone")
            self.left_over = block[self._unread :]
            block = block[: self._unread]
            self._unread -= len(block)
            yield block

    def _chunked_body(self) -> Iterator[bytes]:
        # Requests of this project end with their last chunk; nothing is sent behind it.
        tail, block = b"", self.left_over or self.client.recv(BLOCK)
        self.left_over, self._chunks = b"", False
        while block:
            yield block
            tail = (tail + block)[-5:]
            if tail == b"0\r\n\r\n":
                return
            block = self.client.recv(BLOCK)

    def answer(self, change: Callable[[bytes], bytes] = bytes, most: int | None = None) -> Reply:
        """Have the server answer; `change` is done to the blocks of the body, `most` cuts it."""
        with socket.create_connection(("127.0.0.1", self._port)) as server:
            server.sendall(self.asked.head)
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                for block in self.body():
                    if most is not None:
                        block, most = block[:most], most - len(block)
                    server.sendall(change(block))
                    if most is not None and most <= 0:
                        _await_end(server)
                        return Reply.of(500)
            for _ in self.body():
                pass
            response = HTTPResponse(server, method=self.asked.method)
            response.begin()
            body = response.read()
            hop = ("transfer-encoding", "content-length", "connection", "keep-alive")
            headers = [pair for pair in response.getheaders() if pair[0].lower() not in hop]
            told = response.getheader("Content-Length")
            length = None if told is None else int(told)
            if response.status in (204, 304):
                length = 0
            return Reply(response.status, headers, body, length)

    def discard(self) -> None:
        """Read what the client sends and keep it from the server."""
        for _ in self.body():
            pass

    def send(self, reply: Reply | bytes) -> None:
        """Answer."""
        self.client.sendall(reply if isinstance(reply, bytes) else reply.wire)

    def reset(self) -> None:
        """Break the connection with RST."""
        self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.hang_up()

    def hang_up(self) -> None:
        """End the connection."""
        self.client.close()


def _await_end(server: socket.socket) -> None:
    """End the request early, and wait until the server has dealt with what it has of it: it may
    store that, and must not do so after what the next request brings."""
    server.settimeout(1)
    with contextlib.suppress(OSError):
        server.shutdown(socket.SHUT_WR)
        while server.recv(BLOCK):
            pass


def chunked(body: bytes, pieces: int = 3) -> bytes:
    """A body in chunks, with its end."""
    size = max(1, -(-len(body) // pieces))
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in [*parts, b""])
