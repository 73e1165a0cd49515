"""Changes whose answer is lost: looked at for as long as the server may be at them."""

from __future__ import annotations

import pytest
from werkzeug.wrappers import Request, Response

from support.sandbox import XNAT
from xnat_core.client import XNATClient
from xnat_core.errors import OperationError
from xnat_core.services import relabel


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
