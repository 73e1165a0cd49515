"""Labels that are the accession IDs of others: who has an ID is meant by it."""

from __future__ import annotations

import pytest

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


def test_the_sessions_of_a_subject_are_not_those_of_what_has_its_id_for_a_label(
    transfer: Transfer,
) -> None:
    transfer.dest.has_subject("B", "spare")
    transfer.source.has_subject("A", "XNAT_S00002")
    transfer.has_session("S2", "S2_MR1", "MR")
    transfer.has_session("XNAT_S00002", "OTHER", "MR")
    ran = transfer("--config", transfer.config())
    assert ran.status == 0, ran.err
    rows = transfer.dest.rows(
        "/data/projects/B/experiments?format=json&columns=ID,label,subject_label"
    )
    there = {row["label"]: row["subject_label"] for row in rows}
    assert there == {"S2_MR1": "S2", "OTHER": "XNAT_S00002"}
