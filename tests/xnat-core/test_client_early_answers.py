"""Answers that come while the body is still being sent."""

from __future__ import annotations

import time

import pytest

from support.blocks import MIB, Made
from support.scripted import Connection, Step, answer, hang_up, head, scripted
from xnat_core.client import XNATClient
from xnat_core.errors import ClientRequestError, NetworkError, RetryExhaustedError

pytestmark = pytest.mark.usefixtures("impatient")


@pytest.mark.parametrize("status", [400, 413])
def test_a_refusal_is_found_while_the_body_is_still_being_sent(status: int) -> None:
    def refuse(connection: Connection) -> None:
        connection.socket.sendall(answer(b"too much", status, Content_Type="text/plain"))
        # Like the servlet container, it reads a little on before it gives up.
        connection.socket.settimeout(0.5)
        time.sleep(0.3)

    body = Made(*[bytes(MIB)] * 400, length=400 * MIB)
    with (
        scripted(refuse, read_bodies=False) as server,
        XNATClient(server.url, max_retries=0) as client,
        pytest.raises(ClientRequestError, match=f"{status} too much"),
    ):
        client.post("/data/x", body=body)


def test_a_connection_with_half_a_body_is_not_used_again() -> None:
    def refuse(connection: Connection) -> None:
        connection.socket.sendall(answer(b"no", 400))
        time.sleep(0.5)

    body = Made(*[bytes(MIB)] * 400, length=400 * MIB)
    with (
        scripted(refuse, answer(b"next"), read_bodies=False) as server,
        XNATClient(server.url) as client,
    ):
        with pytest.raises(ClientRequestError):
            client.post("/data/x", body=body)
        assert client.get("/data/y").text == "next"
    assert server.connections == 2


def test_a_busy_server_that_answers_early_gets_the_whole_body_later() -> None:
    def busy(connection: Connection) -> None:
        connection.socket.sendall(head(503, 0))
        time.sleep(0.3)

    def take(connection: Connection) -> None:
        server.bodies.append(connection.read_body())
        connection.socket.sendall(answer(b"taken"))

    body = Made(*[bytes(MIB)] * 40, length=40 * MIB)
    with scripted(busy, take, read_bodies=False) as server, XNATClient(server.url) as client:
        assert client.post("/data/x", body=body).text == "taken"
    assert len(server.bodies[0]) == 40 * MIB


def test_a_server_that_hangs_up_on_a_body_is_a_broken_network() -> None:
    body = Made(*[bytes(MIB)] * 100, length=100 * MIB)
    with (
        scripted(hang_up, read_bodies=False) as server,
        XNATClient(server.url) as client,
        pytest.raises(NetworkError) as caught,
    ):
        client.post("/data/x", body=body)
    assert not isinstance(caught.value, RetryExhaustedError)
    assert len(server.requests) == 1


def test_an_ended_session_is_noticed_early_and_the_body_sent_again() -> None:
    def turn_away(connection: Connection) -> None:
        connection.socket.sendall(head(401, 0))
        time.sleep(0.3)

    def take(connection: Connection) -> None:
        server.bodies.append(connection.read_body())
        connection.socket.sendall(answer(b"taken"))

    script: list[Step] = [turn_away, head(401, 0), answer(b"NEW-TOKEN"), answer(b"alice"), take]
    body = Made(*[bytes(MIB)] * 40, length=40 * MIB)
    with (
        scripted(*script, read_bodies=False) as server,
        XNATClient(server.url, "alice", "pw", session_token="OLD", auto_reauth=True) as client,
    ):
        assert client.post("/data/x", body=body).text == "taken"
    assert len(server.bodies[0]) == 40 * MIB
