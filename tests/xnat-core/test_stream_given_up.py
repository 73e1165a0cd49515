"""An answer is let go of while another thread waits for more of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from support.scripted import Connection, head, scripted
from xnat_core.archive import read_ahead
from xnat_core.client import XNATClient
from xnat_core.files import Block

IDLE = 8.0


def test_who_gives_up_does_not_wait_for_a_server_that_stalls() -> None:
    waiting, over = threading.Event(), threading.Event()

    def stall(connection: Connection) -> None:
        connection.socket.sendall(head(200, length=100) + b"x" * 10)
        over.wait(2 * IDLE)

    def told(blocks: Iterator[Block]) -> Iterator[Block]:
        for block in blocks:
            yield block
            waiting.set()

    def give_up(client: XNATClient) -> None:
        with (
            client.stream("/data/x", idle=IDLE) as answer,
            closing(read_ahead(told(answer.blocks(10)))) as blocks,
        ):
            assert next(blocks) == b"x" * 10
            assert waiting.wait(5)
            time.sleep(0.2)  # It asks for the next block at once.
            raise ZeroDivisionError

    with scripted(stall) as server, XNATClient(server.url) as client:
        begin = time.monotonic()
        with pytest.raises(ZeroDivisionError):
            give_up(client)
        seconds = time.monotonic() - begin
        over.set()
    assert seconds < IDLE / 2
