"""Rows that earlier runs have left in the prearchive of the destination."""

from __future__ import annotations

import io
import zipfile

import pytest
from werkzeug.wrappers import Request, Response

from support.transfers import Transfer, anonymize, everything, series
from xnat_sandbox.intake import intake_of

STAGED = {"project": "B", "subject": "S1", "session": "S1_MR1", "import-handler": "DICOM-zip"}
PREARCHIVE = "/data/prearchive?format=json"


def stage(transfer: Transfer, files: dict[str, bytes], *, conflict: bool, **labels: str) -> None:
    """Bring DICOM into the prearchive under the labels of the session, as a run that was killed
    leaves its files there."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    (uri,) = transfer.dest.call(
        "POST",
        "/data/services/import",
        params={**STAGED, **labels, "inbody": "true", "dest": "/prearchive/projects/B"},
        data=content.getvalue(),
        headers={"Content-Type": "application/zip"},
    ).text.split()
    if conflict:
        source = {"src": uri.removeprefix("/data")}
        assert transfer.dest.call("POST", "/data/services/archive", data=source).status_code == 500


def own(instances: int, pixel: bytes = b"") -> dict[str, bytes]:
    """Files of the session; with `pixel` they end in another one."""
    files = series("S1", "S1_MR1", 1, "MR", instances)
    return {name: data[: len(data) - len(pixel)] + pixel for name, data in files.items()}


def staged(transfer: Transfer) -> list[str]:
    return [row["status"] for row in transfer.dest.rows(PREARCHIVE)]


@pytest.mark.parametrize("conflict", [True, False])
def test_a_row_that_holds_what_has_arrived_is_archived(transfer: Transfer, conflict: bool) -> None:
    transfer.has_session("S1", "S1_MR1", "MR")
    transfer()
    stage(transfer, own(2), conflict=conflict)
    assert staged(transfer) == ["CONFLICT" if conflict else "READY"]
    again = transfer()
    assert (again.status, again.err.count("warning"), staged(transfer)) == (0, 0, [])
    assert everything(transfer.source, "A") == everything(transfer.dest, "B")
    assert transfer().outcomes == {"skipped"}


def test_a_row_that_holds_something_else_stays_and_is_reported(transfer: Transfer) -> None:
    transfer.has_session("S1", "S1_MR1", "MR")
    transfer()
    stage(transfer, own(3), conflict=False)
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
    stage(transfer, own(2, b"\7"), conflict=conflict)
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
    stage(transfer, own(2), conflict=False)
    again = transfer()
    assert (again.status, again.err.count("warning"), staged(transfer)) == (0, 0, [])


@pytest.mark.parametrize("digest", ["digest", "''"])
def test_what_others_have_staged_is_not_taken_for_what_is_to_be_sent_by_its_names(
    transfer: Transfer, digest: str
) -> None:
    """Nobody tells this user whether the destination rewrites what it imports."""
    transfer.has_session("S1", "S1_MR1", "MR")
    wanted = everything(transfer.source, "A")
    transfer.dest.before(
        lambda request: Response(status=403) if "anonymize" in request.path else None
    )
    stage(transfer, own(2, b"XX"), conflict=False)
    transfer.source.store.database.execute(f"UPDATE file SET digest={digest}")
    ran = transfer()
    assert (ran.status, ran.files) == (0, 2), ran.err
    assert everything(transfer.dest, "B") == wanted


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


@pytest.mark.parametrize("archived", [True, False])
def test_a_row_of_another_study_is_not_mixed_into_the_session(
    transfer: Transfer, archived: bool
) -> None:
    """A second visit, filed under the labels of the first."""
    session = transfer.has_session("S1", "S1_MR1", "MR")
    if archived:
        transfer()
        transfer.has_series(session, "S1", 2, "MR", 2)
    visit = series("S1", "VISIT2", 1, "MR", 2)
    stage(transfer, {f"visit2_{name}": data for name, data in visit.items()}, conflict=archived)
    ran = transfer()
    assert ran.status == 0, ran.err
    assert staged(transfer) == ["CONFLICT" if archived else "READY"]
    assert "of its prearchive has this label, too" in ran.err
    assert everything(transfer.source, "A") == everything(transfer.dest, "B")


def test_a_row_of_the_study_under_another_label_stays(transfer: Transfer) -> None:
    transfer.has_session("S1", "S1_MR1", "MR")
    stage(transfer, own(2), conflict=False, session="OTHER")
    ran = transfer("--config", transfer.config())
    assert (ran.status, ran.files, staged(transfer)) == (0, 2, ["READY"]), ran.err
    assert everything(transfer.source, "A") == everything(transfer.dest, "B")


def test_rows_of_all_studies_of_a_session_are_taken_up_again(transfer: Transfer) -> None:
    session = transfer.has_session("S1", "S1_MR1", "MR")
    other = series("S1", "S1_LATER", 2, "MR", 2)
    transfer.source.has_scan(session, "2", {f"later_{name}": data for name, data in other.items()})
    transfer.dest.settings.archive_fault = lambda label: "pretend conflict"
    assert transfer("--config", transfer.config()).status == 1
    assert len(staged(transfer)) == 2
    transfer.dest.settings.archive_fault = None
    again = transfer()
    assert (again.status, again.files, staged(transfer)) == (0, 0, []), again.err
    assert everything(transfer.source, "A") == everything(transfer.dest, "B")


@pytest.mark.parametrize("rewrites", [True, False])
@pytest.mark.parametrize("tried", [True, False])
def test_a_session_that_others_make_meanwhile_is_not_overridden(
    transfer: Transfer, tried: bool, rewrites: bool
) -> None:
    """Neither when the project has tried to archive what was sent, and found the conflict."""
    transfer.has_session("S1", "S1_MR1", "MR")
    if rewrites:
        anonymize(transfer)
    visit = series("S1", "VISIT2", 1, "MR", 2)
    before: list[dict[str, object]] = []

    def others_archive(request: Request, response: Response) -> None:
        if request.path == "/data/services/import" and not before:
            before.append({})
            stage(transfer, visit, conflict=False)
            (row,) = [row for row in transfer.dest.rows(PREARCHIVE) if row["status"] == "READY"]
            transfer.dest.call("POST", "/data/services/archive", data={"src": row["url"]})
            before[0] = dict(everything(transfer.dest, "B"))
            for ours in [row["url"] for row in transfer.dest.rows(PREARCHIVE)] * tried:
                assert transfer.dest.call("POST", f"/data{ours}?action=build").ok
                refused = transfer.dest.call("POST", "/data/services/archive", data={"src": ours})
                assert refused.status_code == 500

    transfer.dest.app.after(others_archive)
    ran = transfer("--config", transfer.config())
    assert ran.status == 1
    assert "it is of another study" in ran.err
    assert before == [everything(transfer.dest, "B")]


def test_the_same_study_that_comes_meanwhile_is_completed_by_a_row_that_was_rewritten(
    transfer: Transfer,
) -> None:
    """The UID of the row is another one, that in the archive is the one of the source."""
    transfer.has_session("S1", "S1_MR1", "MR")
    prearchive = intake_of(transfer.dest.app).prearchive
    before: list[bool] = []

    def others_archive(request: Request, response: Response) -> None:
        if request.path == "/data/services/import" and not before:
            before.append(True)
            (ours,) = prearchive.all()
            prearchive.update(ours, tag="9.9")
            stage(transfer, own(1), conflict=False)
            (row,) = [row for row in prearchive.all() if row.timestamp != ours.timestamp]
            source = {"src": f"/prearchive/projects/B/{row.timestamp}/{row.name}"}
            assert transfer.dest.call("POST", "/data/services/archive", data=source).ok

    transfer.dest.app.after(others_archive)
    ran = transfer("--config", transfer.config())
    assert (ran.status, before, prearchive.all()) == (0, [True], []), ran.err
    assert everything(transfer.source, "A") == everything(transfer.dest, "B")
