"""Rows that earlier runs have left in the prearchive of the destination."""

from __future__ import annotations

import io
import zipfile

import pytest

from support.transfers import Transfer, anonymize, everything, series

STAGED = {"project": "B", "subject": "S1", "session": "S1_MR1", "import-handler": "DICOM-zip"}


def stage(transfer: Transfer, instances: int, *, conflict: bool, pixel: bytes = b"") -> None:
    """Bring DICOM of the session into the prearchive, as a run that was killed leaves it; with
    `pixel` its files end in another one."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in series("S1", "S1_MR1", 1, "MR", instances).items():
            archive.writestr(name, data[: len(data) - len(pixel)] + pixel)
    (uri,) = transfer.dest.call(
        "POST",
        "/data/services/import",
        params={**STAGED, "inbody": "true", "dest": "/prearchive/projects/B"},
        data=content.getvalue(),
        headers={"Content-Type": "application/zip"},
    ).text.split()
    if conflict:
        source = {"src": uri.removeprefix("/data")}
        assert transfer.dest.call("POST", "/data/services/archive", data=source).status_code == 500


def staged(transfer: Transfer) -> list[str]:
    return [row["status"] for row in transfer.dest.rows("/data/prearchive?format=json")]


@pytest.mark.parametrize("conflict", [True, False])
def test_a_row_that_holds_what_has_arrived_is_archived(transfer: Transfer, conflict: bool) -> None:
    transfer.has_session("S1", "S1_MR1", "MR")
    transfer()
    stage(transfer, 2, conflict=conflict)
    assert staged(transfer) == ["CONFLICT" if conflict else "READY"]
    again = transfer()
    assert (again.status, again.err.count("warning"), staged(transfer)) == (0, 0, [])
    assert everything(transfer.source, "A") == everything(transfer.dest, "B")
    assert transfer().outcomes == {"skipped"}


def test_a_row_that_holds_something_else_stays_and_is_reported(transfer: Transfer) -> None:
    transfer.has_session("S1", "S1_MR1", "MR")
    transfer()
    stage(transfer, 3, conflict=False)
    again = transfer()
    assert (again.status, staged(transfer)) == (0, ["READY"])
    assert "S1_MR1 of its prearchive has this label, too (READY)" in again.err
    assert everything(transfer.source, "A") == everything(transfer.dest, "B")


@pytest.mark.parametrize("conflict", [True, False])
def test_a_row_of_other_bytes_in_files_of_the_same_names_and_sizes_replaces_nothing(
    transfer: Transfer, conflict: bool
) -> None:
    transfer.has_session("S1", "S1_MR1", "MR")
    transfer()
    stage(transfer, 2, conflict=conflict, pixel=b"\7")
    again = transfer()
    assert again.status == 0
    assert staged(transfer) == ["CONFLICT" if conflict else "READY"]
    assert "of its prearchive has this label, too" in again.err
    assert everything(transfer.source, "A") == everything(transfer.dest, "B")


def test_scans_whose_files_have_the_same_names_are_told_apart_in_a_row(transfer: Transfer) -> None:
    session = transfer.has_session("S1", "S1_MR1", "MR")
    other = series("S1", "S1_MR1", 2, "MR", 2)
    first = series("S1", "S1_MR1", 1, "MR", 2)
    transfer.source.has_scan(session, "2", dict(zip(first, other.values(), strict=True)))
    transfer()
    stage(transfer, 2, conflict=False)
    again = transfer()
    assert (again.status, again.err.count("warning"), staged(transfer)) == (0, 0, [])


def test_what_was_sent_before_the_source_changed_is_not_archived_in_its_place(
    transfer: Transfer,
) -> None:
    session = transfer.has_session("S1", "S1_MR1", "MR")
    anonymize(transfer)
    transfer.dest.settings.archive_fault = lambda label: "pretend conflict"
    assert transfer("--config", transfer.config()).status == 1
    transfer.dest.settings.archive_fault = None
    files = series("S1", "S1_MR1", 1, "MR", 2)
    corrected = {name: data + b"\0\0" for name, data in files.items()}
    transfer.source.has_scan(session, "1", corrected)
    ran = transfer()
    assert (ran.status, ran.files) == (0, 2), ran.err
    assert transfer().files == 0
