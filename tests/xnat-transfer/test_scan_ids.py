"""xnat-transfer: scans that the destination numbers in another way."""

from __future__ import annotations

from support.transfers import Transfer, everything, series, series_uid


def test_a_scan_whose_id_another_has_there_does_not_describe_that_one(transfer: Transfer) -> None:
    session = transfer.has_session("S1", "S1_MR1")
    # Of two series with the number 1, the first has lost its DICOM, as by defacing.
    bare = transfer.source.has_scan(session, "1", type="defaced")
    transfer.source.has_resource(bare, "NIFTI", {"a.nii": b"n"})
    other = transfer.source.has_scan(session, "1-MR1", series("S1", "S1_MR1", 1, "MR", 2))
    uid = series_uid("S1", "S1_MR1", 1)
    transfer.source.store.items.update_scan(other.number, fields={"UID": uid})
    ran = transfer()
    assert ran.status == 1
    assert "scan 1 has no DICOM, and the destination has given its ID to another" in ran.err
    (there,) = transfer.dest.store.items.experiments_of_project("B")
    (scan,) = transfer.dest.store.items.scans(there.id)
    assert scan.fields["type"] == "T1w"
    assert len(transfer.dest.files(scan, "DICOM")) == 2


def test_scans_that_name_one_series_stay_two(transfer: Transfer) -> None:
    """A scan that was derived from another one may keep its UID."""
    session = transfer.has_session("S1", "S1_MR1")
    for id, type in (("1", "T1w"), ("1-mask", "mask")):
        scan = transfer.source.has_scan(session, id, type=type)
        transfer.source.has_resource(scan, "NIFTI", {"a.nii": type.encode()})
        uid = series_uid("S1", "S1_MR1", 1)
        transfer.source.store.items.update_scan(scan.number, fields={"UID": uid})
    ran = transfer()
    assert ran.status == 0, ran.err
    assert everything(transfer.source, "A") == everything(transfer.dest, "B")
    assert transfer().outcomes == {"skipped"}
