"""A destination that was away for a moment has not said that it rewrites DICOM."""

from __future__ import annotations

import pytest

from support.transfers import Transfer


def test_what_could_not_be_asked_is_not_taken_for_an_answer(
    transfer: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xnat_core.http.retries.FIRST_PAUSE", 0)
    transfer.has_session("S1", "S1_MR1", "MR", dcmPatientName="Doe^Jane")
    transfer.dest.fails("GET", "/xapi/anonymize", 503, times=8)
    assert [transfer().status for _ in range(3)] == [4, 4, 0]
    fields = transfer.dest.fields("/data/projects/B/experiments/S1_MR1")
    assert fields.get("dcmPatientName") == "Doe^Jane"
