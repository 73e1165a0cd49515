"""Runs that work on one destination at the same time and share their state."""

from __future__ import annotations

import pytest
from werkzeug.wrappers import Request, Response

from support.transfers import Transfer, everything


@pytest.mark.parametrize("looked_for", ["subjects", "experiments/S1_MR1"])
def test_what_another_run_makes_behind_a_look_is_no_conflict(
    transfer: Transfer, looked_for: str
) -> None:
    transfer.has_session("S1", "S1_MR1", "MR")
    others: list[int] = []

    def another_run(request: Request, response: Response) -> None:
        looks = request.method == "GET" and request.path.endswith(f"/projects/B/{looked_for}")
        if looks and not others:
            response.get_data()
            others.append(0)
            others[0] = transfer.process().wait(60)

    transfer.dest.app.after(another_run)
    ran = transfer()
    assert (ran.status, others) == (0, [0]), ran.err
    assert everything(transfer.source, "A") == everything(transfer.dest, "B")
    assert len(transfer.dest.rows("/data/projects/B/subjects?format=json")) == 1


def test_a_session_that_two_projects_call_differently_is_sent_once(
    transfer: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = transfer.has_session("S1", "S1_MR1", "MR")
    transfer.source.has_project("C")
    shared = f"/data/experiments/{session.id}/projects/C?label=THERE"
    assert transfer.source.call("PUT", shared).ok
    records = [{"kind": "session", "id": session.id, "project": project} for project in "AC"]
    ran = transfer.fed(records, monkeypatch)
    assert sorted(record["outcome"] for record in ran.of("session")) == ["done", "failed"]
    assert "conflicts with" in ran.err
    assert len(transfer.dest.store.items.experiments_of_project("B")) == 1


def test_a_label_under_which_a_session_was_refused_is_free_for_its_own(
    transfer: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = transfer.has_session("S1", "S1_MR1", "MR")
    own = transfer.has_session("S1", "THERE", "MR")
    transfer.source.has_project("C")
    shared = f"/data/experiments/{session.id}/projects/C?label=THERE"
    assert transfer.source.call("PUT", shared).ok
    named = [(session.id, "A"), (session.id, "C"), (own.id, "A")]
    records = [{"kind": "session", "id": id, "project": project} for id, project in named]
    ran = transfer.fed(records, monkeypatch, "--workers", "1")
    assert [record["outcome"] for record in ran.of("session")] == ["done", "failed", "done"]
    labels = {one.label for one in transfer.dest.store.items.experiments_of_project("B")}
    assert labels == {"S1_MR1", "THERE"}
