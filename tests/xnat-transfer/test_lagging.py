"""A destination whose listings show what it has taken only some time later."""

from __future__ import annotations

import pytest

from support.transfers import Transfer, everything

pytestmark = pytest.mark.usefixtures("patient")


@pytest.mark.parametrize(
    ("listing", "after"),
    [
        ("/prearchive(/projects/B)?$", "POST /data/services/import"),
        ("/prearchive/projects/B/.*/S1_MR1$", "POST /data/services/import"),
        ("/scans$", "POST /data/services/archive"),
        ("/scans$", "PUT /data/experiments"),
        ("/files$", "POST /data/services/archive"),
        ("/assessors$", "/assessors/"),
        ("/resources$", "/resources/NOTES"),
        ("/subjects$", "PUT /data/projects/B/subjects"),
        ("/experiments$", "POST /data/services/archive"),
    ],
)
def test_listings_that_lag_are_waited_for_and_nothing_is_sent_twice(
    transfer: Transfer, listing: str, after: str
) -> None:
    session = transfer.has_session("S1", "S1_MR1", "MR", resources={"NOTES": {"a.txt": b"a"}})
    source = transfer.source
    with source.store.database.transaction():
        scan = source.has_scan(session, "9")
        assessor = source.store.items.create_experiment(
            "A", "QC", "xnat:qcManualAssessorData", session_id=session.id
        )
    source.has_resource(scan, "PDF", {"b.pdf": b"%PDF"})
    source.has_resource(assessor, "REPORT", {"report.html": b"<html>"})
    transfer.dest.lags(listing, after)
    ran = transfer()
    assert ran.status == 0, ran.err
    assert everything(source, "A") == everything(transfer.dest, "B") != {}
    assert len(transfer.dest.requests("POST", "/data/services/import")) == 1
    assert transfer.dest.rows("/data/prearchive?format=json") == []
