"""A proxy that spoils what passes, byte by byte, as networks, proxies and tired servers do.

    with faulty(xnat.server.port) as proxy:
        proxy.rule = lambda asked: FAULTS["reset in the answer"] if asked.target == "/x" else None

The rule is asked once for each request, in the order of arrival, and gives the fault or None. What
a fault chooses at random (where to cut, which byte) follows from `seed` and the request alone.
Client connections are kept alive; each request goes to the server over a connection of its own.
"""

from __future__ import annotations

import contextlib
import gzip
import random
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from http.client import HTTPException, HTTPResponse

BLOCK = 1 << 16
ENDLESS = 64 << 20
SIGN_IN = (
    b"<!DOCTYPE html><html><head><title>XNAT</title></head><body>"
    b'<form action="/login" method="post"><input type="password" name="password"></form>'
    b"</body></html>"
)
PAGE = b"<html><body><h3>The site is being maintained.</h3></body></html>"
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


Fault = Callable[[Exchange, random.Random], None]
Rule = Callable[[Asked], "Fault | None"]


def chunked(body: bytes, pieces: int = 3) -> bytes:
    """A body in chunks, with its end."""
    size = max(1, -(-len(body) // pieces))
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in [*parts, b""])


# What can happen. Before the server has seen the request:


def reset_at_once(exchange: Exchange, _: random.Random) -> None:
    """The request is read, and the connection breaks."""
    exchange.reset()


def reset_in_the_request(exchange: Exchange, chance: random.Random) -> None:
    """The server has a part of the body, and both connections break."""
    length = int(exchange.asked.header("content-length") or 0)
    if length:
        with contextlib.suppress(OSError, HTTPException):
            exchange.answer(most=chance.randrange(length))
    exchange.reset()


def turns_away(status: int, **headers: str) -> Fault:
    """A proxy answers for the server, which never hears of the request."""

    def fault(exchange: Exchange, _: random.Random) -> None:
        exchange.discard()
        exchange.send(Reply.of(status, b"<h3>not now</h3>", **headers))

    return fault


def says(body: bytes, kind: str = "text/html", status: int = 200, **headers: str) -> Fault:
    """The answer is something else, and the request got nowhere."""

    def fault(exchange: Exchange, _: random.Random) -> None:
        exchange.discard()
        exchange.send(Reply.of(status, body, kind, **headers))

    return fault


def later(exchange: Exchange, _: random.Random) -> None:
    """Come back at a date that is now."""
    turns_away(429, Retry_After=formatdate(time.time(), usegmt=True))(exchange, _)


# After the server has done what was asked:


def answer_is_lost(exchange: Exchange, _: random.Random) -> None:
    """The server has done it; nobody hears of it."""
    exchange.answer()
    exchange.reset()


def gateway_gives_up(exchange: Exchange, _: random.Random) -> None:
    """The server has done it; the proxy before it had no patience."""
    exchange.answer()
    exchange.send(Reply.of(504, b"<h3>gateway timeout</h3>"))


def delayed(exchange: Exchange, _: random.Random) -> None:
    """All is well, later."""
    reply = exchange.answer()
    time.sleep(0.2)
    exchange.send(reply)


def dripping(exchange: Exchange, _: random.Random) -> None:
    """All is well, in many small pieces."""
    wire = exchange.answer().wire
    size = -(-len(wire) // 40)
    for start in range(0, len(wire), size):
        exchange.send(wire[start : start + size])
        time.sleep(0.002)


def reset_in_the_answer(exchange: Exchange, chance: random.Random) -> None:
    """The connection breaks in the middle of the answer."""
    reply = exchange.answer()
    whole = reply.wire
    exchange.send(whole[: len(whole) - len(reply.body) + _cut(reply, chance)])
    exchange.reset()


def ends_early(exchange: Exchange, chance: random.Random) -> None:
    """Under 200 and its Content-Length the body ends early, as if it were all."""
    reply = exchange.answer()
    whole = replace(reply, length=len(reply.body))
    exchange.send(replace(whole, body=reply.body[: _cut(reply, chance)]))
    exchange.hang_up()


def chunks_end_early(exchange: Exchange, chance: random.Random) -> None:
    """Under 200 the chunks end properly before the body is all there, as XNAT does it."""
    reply = exchange.answer()
    exchange.send(replace(reply, length=None, body=reply.body[: _cut(reply, chance)]))


def corrupted(exchange: Exchange, chance: random.Random) -> None:
    """One byte of the answer is another."""
    reply = exchange.answer()
    spoilt = bytearray(reply.body)
    if spoilt:
        spoilt[chance.randrange(len(spoilt))] ^= 1 << chance.randrange(8)
    exchange.send(replace(reply, body=bytes(spoilt)))


def corrupted_on_its_way(exchange: Exchange, chance: random.Random) -> None:
    """One byte of the request's body is another when it arrives, in the last quarter of it.

    There are pixels, mostly: a header that has come to name another study makes data of which
    nobody can tell who wanted them.
    """
    length = int(exchange.asked.header("content-length") or 0)
    left = [length - 1 - chance.randrange(max(1, length // 4))]

    def change(block: bytes) -> bytes:
        at, left[0] = left[0], left[0] - len(block)
        if not 0 <= at < len(block):
            return block
        return block[:at] + bytes([block[at] ^ 1]) + block[at + 1 :]

    exchange.send(exchange.answer(change))


def longer_than_said(exchange: Exchange, _: random.Random) -> None:
    """Content-Length names less than what comes."""
    reply = exchange.answer()
    exchange.send(replace(reply, length=len(reply.body) // 2))
    exchange.hang_up()


def shorter_than_said(exchange: Exchange, _: random.Random) -> None:
    """Content-Length names more than what comes, and the connection ends."""
    reply = exchange.answer()
    exchange.send(replace(reply, length=len(reply.body) + 100))
    exchange.hang_up()


def bad_gzip(exchange: Exchange, _: random.Random) -> None:
    """The answer claims to be compressed, and its data are broken."""
    reply = exchange.answer()
    body = bytearray(gzip.compress(reply.body or b"nothing"))
    body[len(body) // 2] ^= 0xFF
    headers = [*reply.headers, ("Content-Encoding", "gzip")]
    exchange.send(replace(reply, headers=headers, body=bytes(body), length=len(body)))


def endless(exchange: Exchange, _: random.Random) -> None:
    """Behind the answer come blanks without an end: 64 MiB, then the connection breaks."""
    reply = exchange.answer()
    wire = replace(reply, length=None).wire
    exchange.send(wire.removesuffix(b"0\r\n\r\n"))
    blanks = b" " * BLOCK
    for _number in range(ENDLESS // BLOCK):
        exchange.send(b"%x\r\n%s\r\n" % (BLOCK, blanks))
    exchange.reset()


def _cut(reply: Reply, chance: random.Random) -> int:
    """Where a body is cut; never behind all of it, never in a head."""
    return chance.randrange(len(reply.body)) if reply.body else 0


FAULTS: dict[str, Fault] = {
    "reset at once": reset_at_once,
    "reset in the request": reset_in_the_request,
    "answer lost": answer_is_lost,
    "reset in the answer": reset_in_the_answer,
    "delay": delayed,
    "drip": dripping,
    "ends early": ends_early,
    "chunks end early": chunks_end_early,
    "shorter than said": shorter_than_said,
    "longer than said": longer_than_said,
    "bad gzip": bad_gzip,
    "endless": endless,
    "corrupt answer": corrupted,
    "corrupt request": corrupted_on_its_way,
    "500": turns_away(500),
    "502": turns_away(502),
    "503": turns_away(503),
    "503 with Retry-After": turns_away(503, Retry_After="0"),
    "504 after all": gateway_gives_up,
    "429 until a date": later,
    "400": turns_away(400),
    "401": turns_away(401),
    "to the login page": turns_away(302, Location="/app/template/Login.vm"),
    "login page": says(SIGN_IN),
    "another page": says(PAGE),
    "error text": says(b"error: something went wrong", "text/plain"),
    "nothing": says(b"", "text/plain"),
}


class FaultProxy:
    """The running proxy; `passed` has the requests in the order of arrival."""

    def __init__(self, port: int, seed: int = 0) -> None:
        self.rule: Rule = lambda asked: None
        self.passed: list[Asked] = []
        # Counting them in that list would take longer with every test of a module.
        self._times: Counter[Asked] = Counter()
        self.faults = 0
        self._port = port
        self._seed = seed
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._address = self._listener.getsockname()
        self.url = f"http://127.0.0.1:{self._address[1]}"
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def close(self) -> None:
        """Refuse connections from now on."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def open(self) -> None:
        """Take connections again, at the same address."""
        self._listener = socket.create_server(self._address, backlog=64)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        left_over = b""
        with contextlib.suppress(OSError, HTTPException), client:
            while client.fileno() >= 0:
                while b"\r\n\r\n" not in left_over:
                    block = client.recv(BLOCK)
                    if not block:
                        return
                    left_over += block
                head, _, left_over = left_over.partition(b"\r\n\r\n")
                exchange = Exchange(_asked(head), client, left_over, self._port)
                self._handle(exchange)
                left_over = exchange.left_over

    def _handle(self, exchange: Exchange) -> None:
        asked = exchange.asked
        with self._lock:
            number = self._times[asked]
            self._times[asked] += 1
            self.passed.append(asked)
            fault = self.rule(asked)
            self.faults += fault is not None
        if fault is None:
            exchange.send(exchange.answer())
        else:
            chance = random.Random(f"{self._seed} {asked.method} {asked.target} {number}")
            fault(exchange, chance)


def _asked(head: bytes) -> Asked:
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    pairs = (line.partition(":") for line in lines)
    return Asked(method, target, [(name, value.strip()) for name, _, value in pairs])


@contextmanager
def faulty(port: int, seed: int = 0) -> Iterator[FaultProxy]:
    """A proxy in front of a local server."""
    proxy = FaultProxy(port, seed)
    try:
        yield proxy
    finally:
        proxy.close()
