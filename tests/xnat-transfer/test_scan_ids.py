"""xnat-transfer: scans that the destination numbers in another way."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.transfers import Transfer, anonymize, everything, series, series_uid, written


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


@pytest.mark.parametrize("ids", [("1-MR1", "1-MR2"), ("LOC", "T1")])
def test_scans_that_lose_their_uids_and_numbers_are_known_by_their_files(
    transfer: Transfer, ids: tuple[str, str]
) -> None:
    session = transfer.has_session("S1", "S1_MR1")
    for count, id in enumerate(ids, 1):
        files = {
            f"{id}_{n}.dcm": written(
                patient="S1", session="S1_MR1", series=1, instance=n, series_uid=f"1.2.{count}"
            )
            for n in range(count)
        }
        scan = transfer.source.has_scan(session, id, files, type=f"type {id}")
        transfer.source.has_resource(scan, "NIFTI", {"scan.nii": id.encode()})
        transfer.source.store.items.update_scan(scan.number, fields={"UID": f"1.2.{count}"})
    anonymize(transfer)
    transfer.dest.settings.anonymize = with_other_uids
    ran = transfer("--config", transfer.config(scan_workers=1))
    assert ran.status == 0, ran.err
    assert transfer().outcomes == {"skipped"}
    (there,) = transfer.dest.store.items.experiments_of_project("B")
    for scan in transfer.dest.store.items.scans(there.id):
        (nifti,) = transfer.dest.files(scan, "NIFTI").values()
        assert scan.fields["type"] == f"type {nifti.decode()}"
        assert {name[: len(nifti)] for name in transfer.dest.files(scan, "DICOM")} == {
            nifti.decode()
        }


def with_other_uids(path: Path) -> bool:
    """Rewrite a file as `hashUID` does."""
    from pydicom import dcmread
    from pydicom.uid import generate_uid

    data = dcmread(path)
    for name in ("StudyInstanceUID", "SeriesInstanceUID"):
        setattr(data, name, generate_uid(entropy_srcs=[str(data[name].value)]))
    data.save_as(path)
    return True


def test_a_new_scan_is_not_taken_for_one_with_files_of_the_same_names(transfer: Transfer) -> None:
    session = transfer.has_session("S1", "S1_MR1", "MR")
    anonymize(transfer)
    transfer.dest.settings.anonymize = with_other_uids
    assert transfer().status == 0
    assert transfer.source.call("DELETE", f"/data/experiments/{session.id}/scans/1").ok
    files = zip(
        series("S1", "S1_MR1", 1, "MR", 2), series("S1", "S1_MR1", 7, "MR", 2).values(), strict=True
    )
    scan = transfer.source.has_scan(session, "7", dict(files), type="new")
    uid = series_uid("S1", "S1_MR1", 7)
    transfer.source.store.items.update_scan(scan.number, fields={"UID": uid})
    ran = transfer()
    assert (ran.status, ran.files) == (0, 2), ran.err
    (there,) = transfer.dest.store.items.experiments_of_project("B")
    types = {scan.id: scan.fields["type"] for scan in transfer.dest.store.items.scans(there.id)}
    assert types == {"1": "MR 1", "7": "new"}
