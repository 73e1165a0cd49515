"""A server that does what a script says, byte by byte, where a real one would be too polite.

    with scripted(reset, then_close(head(200, length=10) + b"half"), answer(b"all")) as server:
        client = XNATClient(server.url)

Each item of the script answers one request; it is bytes to send, or a function that is given the
connection after the head of a request has been read from it.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

Step = bytes | Callable[["Connection"], None]


@dataclass
class Connection:
    """One accepted connection."""

    socket: socket.socket
    head: bytes = b""
    rest: bytes = b""

    def read_head(self) -> bool:
        """Read up to the blank line; False at the end of the connection."""
        data = self.rest
        while b"\r\n\r\n" not in data:
            block = self.socket.recv(65536)
            if not block:
                return False
            data += block
        head, _, self.rest = data.partition(b"\r\n\r\n")
        self.head = head
        return True

    def read_body(self) -> bytes:
        """Read as many bytes as Content-Length says, or chunks to the last one."""
        length = int(self.header("content-length") or 0)
        chunks = bool(self.header("transfer-encoding"))
        body = bytearray(self.rest)
        while len(body) < length or (chunks and not body.endswith(b"0\r\n\r\n")):
            block = self.socket.recv(1 << 20)
            if not block:
                break
            body += block
        self.rest = b""
        return bytes(body)

    def header(self, name: str) -> str:
        """A header of the request."""
        for line in self.head.decode("latin-1").split("\r\n")[1:]:
            key, _, value = line.partition(":")
            if key.strip().lower() == name:
                return value.strip()
        return ""

    def reset(self) -> None:
        """Close with RST instead of FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


@dataclass
class Scripted:
    """The running server: where it is, and what it has been asked."""

    url: str
    heads: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    connections: int = 0

    @property
    def requests(self) -> list[str]:
        """Method and target of each request."""
        return [head.split("\r\n")[0].rsplit(" ", 1)[0] for head in self.heads]


def answer(body: bytes = b"", status: int = 200, **headers: str) -> bytes:
    """A whole answer with its length."""
    return head(status, len(body), **headers) + body


def head(status: int = 200, length: int | None = None, **headers: str) -> bytes:
    """The head of an answer; underscores in names become dashes."""
    lines = [f"HTTP/1.1 {status} Said"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if length is not None:
        lines.append(f"Content-Length: {length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def reset(connection: Connection) -> None:
    """Break the connection instead of answering."""
    connection.reset()


def hang_up(connection: Connection) -> None:
    """Close the connection instead of answering."""
    connection.socket.close()


def then_close(data: bytes) -> Step:
    """Send and close."""

    def step(connection: Connection) -> None:
        connection.socket.sendall(data)
        connection.socket.close()

    return step


@contextlib.contextmanager
def scripted(*script: Step, read_bodies: bool = True) -> Iterator[Scripted]:
    """Run a server that answers one request after the other; the last step serves all further."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = Scripted(f"http://127.0.0.1:{listener.getsockname()[1]}")
    steps = iter(script)
    lock = threading.Lock()

    def step() -> Step:
        with lock:
            return next(steps, script[-1])

    def serve(connection: Connection) -> None:
        with contextlib.suppress(OSError), connection.socket:
            while connection.read_head():
                server.heads.append(connection.head.decode("latin-1"))
                if read_bodies:
                    server.bodies.append(connection.read_body())
                action = step()
                if callable(action):
                    action(connection)
                else:
                    connection.socket.sendall(action)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                accepted, _ = listener.accept()
                server.connections += 1
                threading.Thread(target=serve, args=(Connection(accepted),), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield server
    finally:
        listener.close()
