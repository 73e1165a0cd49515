"""Rows where an earlier run has put something are known by their addresses."""

from __future__ import annotations

import pytest
from werkzeug.wrappers import Request, Response

from support.transfers import Transfer, everything
from xnat_sandbox.intake import intake_of
from xnat_sandbox.prearchive_table import Prearchive


@pytest.fixture
def prearchive(transfer: Transfer) -> Prearchive:
    """That of the destination, where a session waits that could not be archived: its row has
    another study UID than the source."""
    transfer.has_session("S1", "S1_MR1", "MR")
    prearchive = intake_of(transfer.dest.app).prearchive
    refuses = [True]

    def changes(request: Request, response: Response) -> None:
        if request.method == "POST" and request.path == "/data/services/import":
            for row in prearchive.all():
                prearchive.update(row, tag="9.9")

    def refuse(request: Request) -> Response | None:
        is_meant = request.method == "POST" and request.path == "/data/services/archive"
        return Response("not now", 403) if is_meant and refuses else None

    transfer.dest.app.after(changes)
    transfer.dest.before(refuse)
    assert transfer().status != 0
    assert [row.tag for row in prearchive.all()] == ["9.9"]
    refuses.clear()
    return prearchive


def imports(transfer: Transfer) -> int:
    return len(transfer.dest.requests("POST", "/data/services/import"))


def test_a_row_of_which_the_study_was_changed_is_completed(
    transfer: Transfer, prearchive: Prearchive
) -> None:
    before = imports(transfer)
    ran = transfer()
    assert (ran.status, imports(transfer) - before, prearchive.all()) == (0, 0, []), ran.err
    assert everything(transfer.source, "A") == everything(transfer.dest, "B")


def test_one_that_is_gone_is_not_waited_for(transfer: Transfer, prearchive: Prearchive) -> None:
    before = imports(transfer)
    (row,) = prearchive.all()
    prearchive.delete(row)
    ran = transfer()
    assert (ran.status, imports(transfer) - before, prearchive.all()) == (0, 1, []), ran.err
    assert everything(transfer.source, "A") == everything(transfer.dest, "B")
