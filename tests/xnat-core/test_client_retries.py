"""What is repeated, how often, and after how long."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.scripted import (
    Connection,
    Step,
    answer,
    hang_up,
    head,
    reset,
    scripted,
    then_close,
)
from xnat_core.client import XNATClient
from xnat_core.errors import (
    ClientRequestError,
    ConfigurationError,
    NetworkError,
    RetryExhaustedError,
    ServerError,
    ServerUnreachableError,
    TimeoutError,
    XNATCtlError,
)
from xnat_core.http.retries import (
    LONGEST_PAUSE,
    LONGEST_RETRY_AFTER,
    Failure,
    Retries,
    asked_pause,
    pause,
)
from xnat_core.parallel import Stopped

OK = answer(b"done")


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """The pauses that would have been made."""
    made: list[float] = []
    monkeypatch.setattr("xnat_core.http.retries._sleep", made.append)
    yield made


def tries(method: str, *script: Step, repeatable: bool = False, max_retries: int = 3) -> list[str]:
    """Make one request and return what the server saw; the error, if any, comes last."""
    with scripted(*script) as server, XNATClient(server.url, max_retries=max_retries) as client:
        try:
            client.request(method, "/data/x", repeatable=repeatable, timeout=0.3)
        except XNATCtlError as error:
            return [*server.requests, type(error).__name__]
        return server.requests


# --- the table ----------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "POST", "DELETE"])
def test_a_request_that_was_turned_away_is_repeated(method: str, status: int) -> None:
    turned_away = head(status, 0)
    done = head(200, 0)
    assert tries(method, turned_away, turned_away, done) == [f"{method} /data/x"] * 3


@pytest.mark.parametrize("status", [408, 500, 502, 504])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_read_that_failed_at_the_server_is_repeated(method: str, status: int) -> None:
    assert tries(method, head(status, 0), head(200, 0)) == [f"{method} /data/x"] * 2


@pytest.mark.parametrize("status", [500, 502, 504])
@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
def test_a_write_that_failed_at_the_server_is_not_repeated(method: str, status: int) -> None:
    assert tries(method, head(status, 0), OK) == [f"{method} /data/x", "ServerError"]


@pytest.mark.parametrize("status", [408, 500, 502, 504])
def test_a_write_that_may_be_repeated_is(status: int) -> None:
    assert tries("PUT", head(status, 0), OK, repeatable=True) == ["PUT /data/x"] * 2


@pytest.mark.parametrize("status", [400, 403, 404, 406, 409, 417, 423, 501])
def test_a_refusal_is_not_repeated(status: int) -> None:
    assert len(tries("GET", head(status, 0), OK)) == 2


@pytest.mark.parametrize("broken", [reset, hang_up, then_close(head(200, 10) + b"half")])
def test_a_read_whose_answer_broke_is_repeated(broken: Step) -> None:
    assert tries("GET", broken, OK) == ["GET /data/x"] * 2


@pytest.mark.parametrize("half", [b'{"ResultSet":{"Result":[{"ID":"1"', b" [1, 2,\n", b"{"])
def test_json_that_breaks_off_under_a_complete_answer_is_asked_for_again(half: bytes) -> None:
    with (
        scripted(answer(half), answer(b'{"ResultSet":{"Result":[{"ID":"2"}]}}')) as server,
        XNATClient(server.url) as client,
    ):
        assert client.rows("/data/x") == [{"ID": "2"}]
    assert len(server.requests) == 2


def test_json_that_always_breaks_off_is_told() -> None:
    with (
        scripted(answer(b'{"a": ')) as server,
        XNATClient(server.url, max_retries=1) as client,
        pytest.raises(RetryExhaustedError, match=r"after 2 attempts.*cut short or is no JSON"),
    ):
        client.json("/xapi/x")


@pytest.mark.parametrize("broken", [reset, hang_up, then_close(head(200, 10) + b"half")])
@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
def test_a_write_whose_answer_broke_is_not_repeated(method: str, broken: Step) -> None:
    assert tries(method, broken, OK) == [f"{method} /data/x", "NetworkError"]


@pytest.mark.parametrize("broken", [reset, hang_up, then_close(head(200, 10) + b"half")])
def test_a_write_that_may_be_repeated_is_when_its_answer_broke(broken: Step) -> None:
    assert tries("PUT", broken, OK, repeatable=True) == ["PUT /data/x"] * 2


def silent(connection: Connection) -> None:
    connection.socket.recv(1)


def test_a_read_without_an_answer_is_repeated() -> None:
    assert tries("GET", silent, OK) == ["GET /data/x"] * 2


def test_a_write_without_an_answer_is_not_repeated() -> None:
    assert tries("POST", silent, OK) == ["POST /data/x", "TimeoutError"]


def test_connecting_is_tried_again_for_every_method(
    pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    with XNATClient("http://127.0.0.1:9") as client, pytest.raises(ServerUnreachableError):
        client.post("/data/x")
    assert len(pauses) == 3


def test_a_kept_connection_that_was_closed_before_the_request_is_replaced() -> None:
    closed = threading.Event()

    def answer_and_close(connection: Connection) -> None:
        connection.socket.sendall(OK)
        connection.socket.close()
        closed.set()

    with scripted(answer_and_close, OK) as server, XNATClient(server.url) as client:
        client.get("/data/x")
        assert closed.wait(30)
        client.post("/data/y", data=b"once")
    assert server.requests == ["GET /data/x", "POST /data/y"]
    assert server.connections == 2


def test_a_connection_that_breaks_before_the_head_is_out_is_replaced_for_every_method(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from urllib3.connection import HTTPConnection

    real = HTTPConnection.send
    broken: list[bool] = []

    def send(self: HTTPConnection, data: bytes) -> None:
        if data.startswith(b"POST") and not broken:
            broken.append(True)
            raise ConnectionResetError(104, "Connection reset by peer")
        real(self, data)

    monkeypatch.setattr(HTTPConnection, "send", send)
    assert tries("POST", OK) == ["POST /data/x"]
    assert broken


# --- how often ----------------------------------------------------------------------------------


@pytest.mark.parametrize("most", [0, 1, 5])
def test_the_number_of_retries_is_kept(most: int, pauses: list[float]) -> None:
    found = tries("GET", head(503, 0), max_retries=most)
    assert len(found) == most + 2
    assert len(pauses) == most


def test_who_gives_up_tells_how_often_it_was_tried_and_why() -> None:
    busy = answer(b"Down for maintenance", 503, Content_Type="text/plain")
    with (
        scripted(busy) as server,
        XNATClient(server.url, max_retries=2) as client,
        pytest.raises(RetryExhaustedError) as caught,
    ):
        client.get("/data/x")
    assert caught.value.attempts == 3
    assert caught.value.message == (
        "GET /data/x: failed after 3 attempts: 503 Down for maintenance"
    )
    assert caught.value.details["status_code"] == 503
    assert caught.value.exit_status == 4


def test_who_gives_up_on_a_broken_network_tells_the_last_failure() -> None:
    with (
        scripted(reset) as server,
        XNATClient(server.url, max_retries=1) as client,
        pytest.raises(RetryExhaustedError, match=r"after 2 attempts.*connection lost"),
    ):
        client.get("/data/x")


def test_without_retries_the_failure_itself_is_told() -> None:
    with (
        scripted(head(503, 0)) as server,
        XNATClient(server.url, max_retries=0) as client,
        pytest.raises(ServerError),
    ):
        client.get("/data/x")


def test_a_500_stays_an_error_of_the_server() -> None:
    with (
        scripted(head(500, 0)) as server,
        XNATClient(server.url, max_retries=1) as client,
        pytest.raises(ServerError),
    ):
        client.get("/data/x")


def test_a_429_stays_a_network_failure() -> None:
    with (
        scripted(head(429, 0)) as server,
        XNATClient(server.url, max_retries=1) as client,
        pytest.raises(RetryExhaustedError),
    ):
        client.post("/data/x")


def test_an_accepted_status_is_not_repeated() -> None:
    with scripted(head(503, 0)) as server, XNATClient(server.url) as client:
        assert client.get("/data/x", accept={503}).status_code == 503
    assert len(server.requests) == 1


def test_a_timeout_without_retries_is_a_timeout() -> None:
    with (
        scripted(silent) as server,
        XNATClient(server.url, max_retries=0) as client,
        pytest.raises(TimeoutError),
    ):
        client.get("/data/x", timeout=0.1)


# --- how long -----------------------------------------------------------------------------------


@given(attempt=st.integers(0, 1000))
def test_a_pause_is_random_and_bounded(attempt: int) -> None:
    assert 0 <= pause(attempt, None) <= min(LONGEST_PAUSE, 0.5 * 2**attempt)


def test_workers_do_not_come_back_together() -> None:
    assert len({pause(3, "2") for _ in range(50)}) > 40


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7), (" 0 ", 0), ("-5", 0), ("soon", 0), ("", 0), (None, 0), ("1.5", 0), ("٣", 3)],
)
def test_retry_after_in_seconds(header: str | None, seconds: float) -> None:
    assert asked_pause(header) == seconds


def test_retry_after_as_a_date() -> None:
    date = datetime.now(timezone.utc) + timedelta(seconds=50)
    assert 45 < asked_pause(format_datetime(date, usegmt=True)) <= 50
    # Without a zone it is taken for one of UTC.
    assert 45 < asked_pause(format_datetime(date.replace(tzinfo=None))) <= 50


def test_retry_after_in_the_past_is_at_once() -> None:
    assert asked_pause("Wed, 21 Oct 2015 07:28:00 GMT") == 0


@pytest.mark.parametrize("header", ["1000000000", "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_an_absurd_retry_after_is_bounded(header: str) -> None:
    assert LONGEST_RETRY_AFTER <= pause(0, header) <= LONGEST_RETRY_AFTER + 1


def test_the_server_is_obeyed(pauses: list[float]) -> None:
    tries("PUT", head(503, 0, Retry_After="7"), OK)
    assert 7 <= pauses[0] <= 7.5


@given(header=st.text())
def test_any_retry_after_is_understood_or_ignored(header: str) -> None:
    assert asked_pause(header) >= 0


def test_client_errors_do_not_wait(pauses: list[float]) -> None:
    with (
        scripted(head(400, 0)) as server,
        XNATClient(server.url) as client,
        pytest.raises(ClientRequestError),
    ):
        client.get("/data/x")
    assert pauses == []


def test_who_has_been_stopped_does_not_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    checks = iter([None, None, Stopped()])

    def check_stop() -> None:
        if error := next(checks):
            raise error

    monkeypatch.setattr("xnat_core.http.retries.check_stop", check_stop)
    assert tries("GET", head(503, 0)) == ["GET /data/x", "GET /data/x", "Stopped"]


def test_what_fails_otherwise_in_the_end_is_told_as_it_is(pauses: list[float]) -> None:
    """A certificate, say, that has been replaced between two attempts."""
    failures = [Failure(NetworkError("x")), Failure(final := ConfigurationError("y"), final=True)]
    send = Mock(side_effect=failures)
    with pytest.raises(ConfigurationError) as caught:
        Retries(3).run("GET x", send, repeatable=True)
    assert (caught.value, send.call_count, len(pauses)) == (final, 2, 1)


def test_the_body_of_a_failed_answer_may_be_cut() -> None:
    with (
        scripted(then_close(head(400, 100) + b"half")) as server,
        XNATClient(server.url, max_retries=0) as client,
        pytest.raises(NetworkError),
    ):
        client.get("/data/x")
