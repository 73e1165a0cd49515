"""Labels that are the accession IDs of others: who has an ID is meant by it."""

from __future__ import annotations

from support.resources import Run, stored
from support.sandbox import XNAT


def test_a_record_with_an_id_is_not_taken_for_what_has_that_for_a_label(
    run: Run, xnat: XNAT
) -> None:
    other = xnat.has_session("P1", "S1", "XNAT_E00003")
    meant = xnat.has_session("P1", "S2", "MR1")
    assert other.label == meant.id
    record = {
        **{"kind": "upload", "path": "files", "resource": "R"},
        **{"project": "P1", "session_id": meant.id, "session": "MR1"},
    }
    status, records, err = run(records=[record])
    assert (status, err) == (0, "")
    assert records[0]["session_id"] == meant.id
    assert stored(xnat, f"experiments/{other.id}", "R") == {}
    assert stored(xnat, f"experiments/{meant.id}", "R").keys() == {"a.txt", "sub/b.txt"}
