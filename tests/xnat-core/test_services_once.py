"""Changes whose answer is lost: looked at for as long as the server may be at them."""

from __future__ import annotations

import pytest
from werkzeug.wrappers import Request, Response

from support.sandbox import XNAT
from xnat_core.client import XNATClient
from xnat_core.errors import (
    AuthenticationError,
    NetworkError,
    OperationError,
    RetryExhaustedError,
    ServerError,
    ServerUnreachableError,
    TimeoutError,
    XNATCtlError,
)
from xnat_core.services import relabel
from xnat_core.services.once import LONGEST_WAIT, SHORT_WAIT, ask_and_see, patience_with

URL = "https://x"


def test_a_rename_that_outlives_the_proxy_is_waited_for_and_not_repeated(
    xnat: XNAT, client: XNATClient
) -> None:
    made = xnat.has_subject("P1", "S1")
    where = f"/data/projects/P1/subjects/{made.id}"
    xnat.fails("PUT", where, 504)
    naps: list[float] = []

    def sleep(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 2:
            client.put(where, params={"label": "S2"})

    relabel.relabel(client, where, ("subject", "S1"), "S2", sleep=sleep)
    assert len(naps) == 2
    assert [row["label"] for row in xnat.rows("/data/projects/P1/subjects?format=json")] == ["S2"]


def test_a_rename_that_never_reached_the_server_is_not_waited_for_long(
    xnat: XNAT, client: XNATClient
) -> None:
    made = xnat.has_subject("P1", "S1")
    where = f"/data/projects/P1/subjects/{made.id}"
    xnat.fails("PUT", where, 502)
    naps: list[float] = []
    with pytest.raises(OperationError, match="'S1' is still labelled 'S1'"):
        relabel.relabel(client, where, ("subject", "S1"), "S2", sleep=naps.append)
    assert sum(naps) <= 60


def test_a_rename_that_was_turned_away_is_not_waited_for_long(
    xnat: XNAT, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xnat_core.http.retries._sleep", lambda seconds: None)
    # As if the server had asked for long pauses between the attempts.
    monkeypatch.setattr("xnat_core.services.once._QUICKLY", -1)
    made = xnat.has_subject("P1", "S1")
    where = f"/data/projects/P1/subjects/{made.id}"
    xnat.fails("PUT", where, 503, times=4)
    naps: list[float] = []
    with (
        XNATClient(xnat.url, *xnat.admin) as client,
        pytest.raises(OperationError, match="'S1' is still labelled 'S1'"),
    ):
        relabel.relabel(client, where, ("subject", "S1"), "S2", sleep=naps.append)
    assert sum(naps) <= 60


@pytest.mark.parametrize("known", [True, False])
def test_a_login_that_fails_is_no_change_whose_answer_is_lost(
    xnat: XNAT, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    made = xnat.has_subject("P1", "S1")
    where = f"/data/projects/P1/subjects/{made.id}"
    away: list[Response] = []

    def no_login(request: Request) -> Response | None:
        if request.method == "PUT":
            away.append(Response("", 504))
            return Response("", 401)
        return away.pop() if away and request.path == "/data/JSESSION" else None

    naps: list[float] = []
    with XNATClient(xnat.url, *xnat.admin, auto_reauth=True) as client:
        if known:
            client.whoami()
            xnat.before(no_login)
        else:
            xnat.fails("POST", "/data/JSESSION", 504)
        xnat.expires_sessions()
        with pytest.raises(OperationError):
            relabel.relabel(client, where, ("subject", "S1"), "S2", sleep=naps.append)
    assert naps == []


def answered(error: XNATCtlError, status: int) -> XNATCtlError:
    error.details = {"status_code": status}
    return error


@pytest.mark.parametrize(
    ("lost", "soon", "late"),
    [
        (TimeoutError(URL, 60), LONGEST_WAIT, LONGEST_WAIT),
        (NetworkError(URL), SHORT_WAIT, LONGEST_WAIT),
        (RetryExhaustedError("PUT", 4), SHORT_WAIT, LONGEST_WAIT),
        (answered(RetryExhaustedError("PUT", 4), 503), SHORT_WAIT, SHORT_WAIT),
        (answered(ServerError("PUT", ""), 504), LONGEST_WAIT, LONGEST_WAIT),
        (answered(ServerError("PUT", ""), 502), SHORT_WAIT, LONGEST_WAIT),
        (answered(ServerError("PUT", ""), 500), 0, 0),
        (ServerUnreachableError(URL), 0, 0),
        (AuthenticationError(URL), 0, 0),
        (None, 0, 0),
    ],
)
def test_the_longer_a_server_may_be_at_it_the_longer_it_is_waited_for(
    lost: XNATCtlError | None, soon: float, late: float
) -> None:
    assert (patience_with(lost, 1), patience_with(lost, 21)) == (soon, late)
    if lost is not None:
        lost.not_done = True
        assert patience_with(lost, 21) == 0


@pytest.mark.parametrize(("lost", "looks"), [(TimeoutError(URL, 60), 4), (NetworkError(URL), 3)])
def test_a_small_change_is_looked_at_for_as_long_as_is_asked_and_no_longer(
    monkeypatch: pytest.MonkeyPatch, lost: NetworkError, looks: int
) -> None:
    naps: list[float] = []
    monkeypatch.setattr("xnat_core.services.once.rest", naps.append)
    monkeypatch.setattr("xnat_core.services.once.SHORT_WAIT", 10)

    def send() -> None:
        raise lost

    with pytest.raises(type(lost)):
        ask_and_see(send, lambda: False, longest=15)
    assert naps == [5] * (looks - 1)
    seen = iter([False, True])
    ask_and_see(send, lambda: next(seen), longest=15)
    assert next(seen, None) is None
