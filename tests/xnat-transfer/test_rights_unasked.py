"""Rights of which the destination could not be asked are not taken for given."""

from __future__ import annotations

import pytest
from werkzeug import Request, Response

from support.transfers import Transfer


def is_away(transfer: Transfer, status: int, times: int) -> None:
    left = [times]

    def hook(request: Request) -> Response | None:
        if left[0] and request.path == "/data/projects" and "restrict" in request.args:
            left[0] -= 1
            return Response("", status)
        return None

    transfer.dest.before(hook)


@pytest.fixture(autouse=True)
def reader(transfer: Transfer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xnat_core.http.retries.FIRST_PAUSE", 0)
    transfer.dest.store.accounts.leave("keeper", "B_owner")
    transfer.dest.store.accounts.join("keeper", "B_collaborator")


def test_nothing_is_sent(transfer: Transfer) -> None:
    transfer.has_session("S1", "S1_MR1", "MR")
    is_away(transfer, 503, 4)
    assert (transfer().status, transfer.dest.requests("PUT")) == (4, [])


@pytest.mark.parametrize("status", [500, 503])
def test_a_check_does_not_promise_them(transfer: Transfer, status: int) -> None:
    is_away(transfer, status, 4)
    ran = transfer(verb="check")
    found = {one["check"]: one["status"] for one in ran.records}
    assert found["destination permission"] != "OK"


def test_a_setting_that_is_not_told_is_no_obstacle(transfer: Transfer) -> None:
    transfer.dest.fails("GET", "/data/projects/B/prearchive_code", 403, times=9)
    ran = transfer(verb="check")
    found = {one["check"]: one["status"] for one in ran.records}
    assert found["auto-archive"] == "WARN"
