"""DICOM that is no image (reports, presentation states, captures).

Servers keep it in a resource of its own, `secondary`, when they archive, or beside the images in
`DICOM`: each as it is set.
"""

from __future__ import annotations

import pytest

from support.transfers import Transfer, anonymize, everything, series
from xnat_sandbox.model import Experiment


def has_secondary(transfer: Transfer, session: Experiment, scan: str) -> None:
    """Two files of the source in a resource of that name."""
    found = transfer.source.has_scan(session, scan, type="SR")
    transfer.source.has_resource(
        found, "secondary", series("S1", session.label, int(scan), "SR", 2), format="DICOM"
    )


@pytest.mark.parametrize("scan", ["1", "2"])
def test_it_does_not_get_past_the_anonymization(transfer: Transfer, scan: str) -> None:
    session = transfer.has_session("S1", "S1_MR1", "MR")
    has_secondary(transfer, session, scan)
    anonymize(transfer)
    ran = transfer()
    assert (ran.status, ran.files) == (0, 4), ran.err
    assert not [one for one in transfer.dest.requests("PUT") if "/files/" in one.path]
    assert len(everything(transfer.dest, "B")) == 4
    assert transfer().outcomes == {"skipped"}


@pytest.mark.parametrize("rewritten", [True, False])
def test_it_is_found_where_the_destination_has_put_it(transfer: Transfer, rewritten: bool) -> None:
    transfer.has_session("S1", "S1_MR1", "MR")
    if rewritten:
        anonymize(transfer)
    transfer()
    (there,) = transfer.dest.store.items.experiments_of_project("B")
    (scan,) = transfer.dest.store.items.scans(there.id)
    transfer.dest.has_resource(scan, "secondary", transfer.dest.files(scan, "DICOM"))
    where = f"/data/experiments/{there.id}/scans/{scan.id}/resources/DICOM"
    assert transfer.dest.call("DELETE", where).ok
    ran = transfer()
    assert (ran.status, ran.outcomes) == (0, {"skipped"}), ran.err


def test_where_nothing_is_rewritten_it_comes_to_a_session_that_exists(transfer: Transfer) -> None:
    """The import service takes it for a session of another modality."""
    session = transfer.has_session("S1", "S1_MR1", "MR")
    transfer()
    has_secondary(transfer, session, "1")
    has_secondary(transfer, session, "2")
    ran = transfer()
    assert (ran.status, ran.files) == (0, 4), ran.err
    assert everything(transfer.source, "A") == everything(transfer.dest, "B")


def test_what_changes_in_one_of_two_is_sent(transfer: Transfer) -> None:
    session = transfer.has_session("S1", "S1_MR1", "MR")
    has_secondary(transfer, session, "1")
    anonymize(transfer)
    transfer.dest.call("POST", "/xapi/siteConfig", json={"preventCrossModalityMerge": False})
    transfer()
    name, data = min(series("S1", "S1_MR1", 1, "SR", 1).items())
    (scan,) = transfer.source.store.items.scans(session.id)
    transfer.source.has_resource(scan, "secondary", {name: data + b"\0\0"})
    assert transfer().files == 2
    assert transfer().outcomes == {"skipped"}
