"""A server that costs next to nothing: it was shown once what a real one answers.

    with recording(port, folder) as recorder: ...   # run a client against recorder.url
    with replaying(recorder.heard) as server: ...   # the same client, as often as you like

Bodies of requests are read into one buffer and forgotten; bodies of answers are sent from files by
the kernel. So what is measured against it is the client. A POST to the import service turns a page:
what was answered behind it is answered behind it again. A log-in turns back to the first page.

Loopback is faster than any network. `replaying(book, link=118)` lets all connections together have
118 MB/s, as a gigabit link does, `stream=50` each connection 50 MB/s, as a server does that packs
an archive or unpacks one for each request.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPResponse
from pathlib import Path
from typing import BinaryIO

BLOCK = 1 << 20
STEP = 1 << 17
IMPORT = "/data/services/import"
LOGIN = "/data/JSESSION"
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_HOP = ("transfer-encoding", "content-length", "connection", "keep-alive", "set-cookie")


@dataclass(frozen=True)
class Page:
    """A recorded answer: its head, and the file that holds its body."""

    head: bytes
    body: Path


@dataclass
class Book:
    """What was answered, by request and whether anything had been imported before."""

    folder: Path
    pages: dict[tuple[str, bool], list[Page]] = field(default_factory=dict)

    def note(self, key: tuple[str, bool], response: HTTPResponse) -> Page:
        """Keep an answer; the body goes straight to its file."""
        number = sum(map(len, self.pages.values()))
        path = self.folder / f"answer{number}"
        with path.open("wb") as file:
            while block := response.read(BLOCK):
                file.write(block)
        lines = [f"HTTP/1.1 {response.status} Said", f"Content-Length: {path.stat().st_size}"]
        lines += [f"{n}: {v}" for n, v in response.getheaders() if n.lower() not in _HOP]
        page = Page(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"), path)
        self.pages.setdefault(key, []).append(page)
        return page


class Pace:
    """So many bytes a second for all who share it."""

    def __init__(self, megabytes: float) -> None:
        self._each = 1 / (megabytes * 1e6)
        self._due = 0.0
        self._lock = threading.Lock()

    def wait(self, count: int) -> None:
        """Return when the bytes would have gone through."""
        with self._lock:
            self._due = max(self._due, time.monotonic()) + count * self._each
            rest = self._due - time.monotonic()
        if rest > 0:
            time.sleep(rest)


class Server:
    """Accepts connections and answers from the book, or from `port` where a book is written."""

    def __init__(
        self, book: Book, port: int | None, link: float | None = None, stream: float | None = None
    ) -> None:
        self.book = book
        self._link = Pace(link) if link else None
        self._stream = stream
        self.unknown: list[str] = []
        self._port = port
        self._imported = False
        self._read: dict[tuple[str, bool], int] = {}
        self._lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        buffer = bytearray(BLOCK)
        rest = b""
        paces = [self._link, Pace(self._stream) if self._stream else None]
        used = [pace for pace in paces if pace]
        with contextlib.suppress(OSError), client:
            while True:
                while b"\r\n\r\n" not in rest:
                    block = client.recv(65536)
                    if not block:
                        return
                    rest += block
                head, _, rest = rest.partition(b"\r\n\r\n")
                found = _LENGTH.search(head)
                length = int(found.group(1)) if found else 0
                if b"100-continue" in head:
                    client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                page = self._ask(client, head, rest, length, buffer, used)
                rest = b""
                client.sendall(page.head)
                with page.body.open("rb") as file:
                    send(client, file, used)

    def _ask(
        self,
        client: socket.socket,
        head: bytes,
        rest: bytes,
        length: int,
        buffer: bytearray,
        paces: list[Pace],
    ) -> Page:
        method, target, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
        what = f"{method} {target}"
        if target.startswith(LOGIN):
            self._imported = False
            self._read.clear()
        key = (what, self._imported)
        if self._port is not None:
            page = self._forward(client, key, head, rest, length, buffer)
        else:
            left = length - len(rest)
            while left > 0:
                got = client.recv_into(buffer, min(left, STEP if paces else BLOCK))
                for pace in paces:
                    pace.wait(got)
                left -= got or left
            page = self._next(key)
        if method == "POST" and target.startswith(IMPORT):
            self._imported = True
        return page

    def _next(self, key: tuple[str, bool]) -> Page:
        pages = self.book.pages
        with self._lock:
            # Which import is the first is chance where several are sent at once.
            known = next((k for k in (key, (key[0], not key[1])) if k in pages), None)
            if known is None:
                self.unknown.append(key[0])
                return Page(b"HTTP/1.1 404 Unknown\r\nContent-Length: 0\r\n\r\n", Path(os.devnull))
            if known[1]:
                # Waiting for the archive is the server's time: here it is done at once.
                return pages[known][-1]
            at = self._read.get(known, 0)
            self._read[known] = at + 1
            return pages[known][min(at, len(pages[known]) - 1)]

    def _forward(
        self,
        client: socket.socket,
        key: tuple[str, bool],
        head: bytes,
        rest: bytes,
        length: int,
        buffer: bytearray,
    ) -> Page:
        assert self._port is not None
        with socket.create_connection(("127.0.0.1", self._port)) as server:
            server.sendall(head + b"\r\n\r\n" + rest)
            left = length - len(rest)
            while left > 0:
                got = client.recv_into(buffer, min(left, BLOCK))
                server.sendall(memoryview(buffer)[:got])
                left -= got or left
            response = HTTPResponse(server, method=key[0].split(" ")[0])
            response.begin()
            with self._lock:
                return self.book.note(key, response)


def send(client: socket.socket, file: BinaryIO, paces: list[Pace]) -> None:
    """A body by the kernel: at once, or in steps at a pace."""
    if not paces:
        client.sendfile(file)
        return
    at, size = 0, os.fstat(file.fileno()).st_size
    while at < size:
        count = min(STEP, size - at)
        for pace in paces:
            pace.wait(count)
        at += client.sendfile(file, at, count)


@contextmanager
def recording(port: int, folder: Path) -> Iterator[Server]:
    """Write down what the server at a port answers to whoever asks through here."""
    folder.mkdir(parents=True)
    server = Server(Book(folder), port)
    try:
        yield server
    finally:
        server.listener.close()


@contextmanager
def replaying(
    book: Book, link: float | None = None, stream: float | None = None
) -> Iterator[Server]:
    """Answer the same again; at most so many MB/s for all connections, or for each."""
    server = Server(book, None, link, stream)
    try:
        yield server
    finally:
        server.listener.close()
