"""Labels that are the accession IDs of others: who has an ID is meant by it."""

from __future__ import annotations

import threading

import pytest
from werkzeug.wrappers import Request

from support.transfers import Transfer


def test_a_record_with_an_id_is_not_taken_for_what_has_that_for_a_label(
    transfer: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = transfer.has_session("S1", "XNAT_E00002", "MR")
    meant = transfer.has_session("S2", "S2_MR1", "MR")
    assert (other.label, meant.id) == (meant.id, "XNAT_E00002")
    record = {"kind": "session", "id": meant.id, "label": meant.label, "project": "A"}
    ran = transfer.fed([record], monkeypatch, "--config", transfer.config())
    assert ran.status == 0, ran.err
    (there,) = transfer.dest.store.items.experiments_of_project("B")
    assert there.label == "S2_MR1"


def subjects_of_sessions(transfer: Transfer) -> dict[str, str]:
    """The labels of the sessions of the destination, each with that of its subject."""
    rows = transfer.dest.rows(
        "/data/projects/B/experiments?format=json&columns=ID,label,subject_label"
    )
    return {row["label"]: row["subject_label"] for row in rows}


def test_the_sessions_of_a_subject_are_not_those_of_what_has_its_id_for_a_label(
    transfer: Transfer,
) -> None:
    for label in ("spare", "XNAT_S00002"):
        transfer.dest.has_subject("B", label)
    transfer.source.has_subject("A", "XNAT_S00002")
    transfer.has_session("S2", "S2_MR1", "MR")
    transfer.has_session("XNAT_S00002", "OTHER", "MR")
    ran = transfer("--config", transfer.config())
    assert ran.status == 0, ran.err
    assert subjects_of_sessions(transfer) == {"S2_MR1": "S2", "OTHER": "XNAT_S00002"}


def test_a_subject_that_is_given_the_label_of_another_for_its_id_gets_nothing_of_that_one(
    transfer: Transfer,
) -> None:
    transfer.dest.has_subject("B", "spare")
    transfer.has_session("XNAT_S00002", "OTHER", "MR")

    def make_another(request: Request) -> None:
        """Somebody makes a subject between the look and the request that is to make this one."""
        if request.method == "PUT" and request.path.endswith("/subjects/XNAT_S00002"):
            assert transfer.dest.has_subject("B", "S2").id == "XNAT_S00002"

    transfer.dest.before(make_another)
    ran = transfer("--config", transfer.config())
    assert ran.status == 1
    assert "the destination takes that label for S2's" in ran.err
    assert subjects_of_sessions(transfer) == {}


@pytest.mark.parametrize("late", ["S2", "XNAT_S00002"])
def test_subjects_are_made_one_behind_the_other_where_one_may_be_given_the_label_of_the_next(
    transfer: Transfer, late: str
) -> None:
    transfer.dest.has_subject("B", "spare")
    for label in ("S2", "XNAT_S00002"):
        transfer.has_session(label, f"{label}_MR1", "MR")
    written = threading.Event()

    def hold(request: Request) -> None:
        """The one that is late has looked, and waits for the other to be made."""
        if request.path.endswith(f"/subjects/{late}") and request.method == "PUT":
            written.wait(1)
        elif "/subjects/" in request.path and request.method == "PUT":
            written.set()

    transfer.dest.before(hold)
    ran = transfer("--config", transfer.config())
    there = subjects_of_sessions(transfer)
    assert ran.status == (0 if len(there) == 2 else 1), ran.err
    assert all(session == f"{subject}_MR1" for session, subject in there.items())
    assert there
