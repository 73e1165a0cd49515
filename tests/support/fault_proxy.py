"""A proxy that spoils what passes, byte by byte, as networks, proxies and tired servers do.

    with faulty(xnat.server.port) as proxy:
        proxy.rule = lambda asked: FAULTS["reset in the answer"] if asked.target == "/x" else None

The rule is asked once for each request, in the order of arrival, and gives the fault or None. What
a fault chooses at random (where to cut, which byte) follows from `seed` and the request alone.
Client connections are kept alive; each request goes to the server over a connection of its own.
"""

from __future__ import annotations

import contextlib
import random
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException

from support.exchanges import BLOCK, Asked, Exchange
from support.network_faults import Fault

Rule = Callable[[Asked], "Fault | None"]


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
