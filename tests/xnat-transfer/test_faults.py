"""Servers that fail on the way: it is mended, or it is reported; never is a loss a success."""

from __future__ import annotations

import io
import re

import pydicom
import pytest
from werkzeug.wrappers import Request, Response

from support.transfers import (
    ENDS,
    Transfer,
    anonymize,
    everything,
    series,
    series_uid,
    study_of,
)
from xnat_sandbox.intake import intake_of

SCAN = "/data/experiments/XNAT_E00001/scans/1"
JSON = "application/json"


def assert_complete(transfer: Transfer, *words: object) -> None:
    ran = transfer("--config", transfer.config(), *words)
    assert ran.status == 0, ran.err
    assert everything(transfer.source, "A") == everything(transfer.dest, "B") != {}


@pytest.mark.parametrize("names", ["own", "the same in both"])
@pytest.mark.parametrize("scan", ["1", "2"])
def test_what_the_import_passes_over_is_sent_before_a_session_of_two_modalities_is_archived(
    transfer: Transfer, scan: str, names: str
) -> None:
    # What is missing then would be a session of another modality, which cannot be added.
    session = transfer.has_session("S1", "S1_MR1")
    for number, modality, type in (("1", "MR", "mr"), ("2", "PT", "pet")):
        files = series("S1", "S1_MR1", int(number), modality, 2)
        if names != "own":
            files = {f"{place}.dcm": data for place, data in enumerate(files.values())}
        transfer.source.store.items.create_scan(session.id, number, f"xnat:{type}ScanData")
        transfer.source.has_scan(session, number, files)
        if number == scan:
            name, data = min(files.items())
    left = [str(pydicom.dcmread(io.BytesIO(data)).SOPInstanceUID)]

    def refuse_once(uid: str) -> str | None:
        if uid not in left:
            return None
        left.clear()
        return f"unable to read DICOM object {name}: disk quota"

    transfer.dest.settings.import_fault = refuse_once
    assert_complete(transfer)
    assert not left


def test_what_an_earlier_run_has_sent_is_not_taken_for_what_the_import_passes_over(
    transfer: Transfer,
) -> None:
    session = transfer.has_session("S1", "S1_MR1")
    refused: list[str] = []
    for number, modality, type in (("1", "MR", "mr"), ("2", "PT", "pet")):
        objects = series("S1", "S1_MR1", int(number), modality, 2).values()
        transfer.source.store.items.create_scan(session.id, number, f"xnat:{type}ScanData")
        named = {f"{place}.dcm": data for place, data in enumerate(objects)}
        transfer.source.has_scan(session, number, named)
        refused = [str(pydicom.dcmread(io.BytesIO(one)).SOPInstanceUID) for one in objects]
    transfer.dest.settings.import_fault = lambda uid: "disk quota" if uid in refused else None
    assert transfer("--config", transfer.config()).status != 0
    left = refused[:1]
    transfer.dest.settings.import_fault = lambda uid: (
        "disk quota" if uid in left and left.pop() else None
    )
    assert_complete(transfer)
    assert not left


def test_what_the_import_passes_over_is_missed_in_a_row_that_is_listed_late(
    transfer: Transfer,
) -> None:
    session = transfer.has_session("S1", "S1_MR1", "MR")
    files = series("S1", "S1_MR1", 2, "PT", 2)
    transfer.source.store.items.create_scan(session.id, "2", "xnat:petScanData")
    transfer.source.has_scan(session, "2", files)
    name, data = min(files.items())
    left = [str(pydicom.dcmread(io.BytesIO(data)).SOPInstanceUID)]
    unlisted = [1]

    def refuse_once(uid: str) -> str | None:
        return f"unable to read DICOM object {name}" if uid in left and left.pop() else None

    def late(request: Request) -> Response | None:
        if request.path != "/data/prearchive" or left or not unlisted:
            return None
        unlisted.clear()
        return Response('{"ResultSet":{"Result":[]}}', mimetype="application/json")

    transfer.dest.settings.import_fault = refuse_once
    transfer.dest.before(late)
    assert_complete(transfer)
    assert not left and not unlisted


def test_a_series_of_another_modality_that_comes_later_is_added(transfer: Transfer) -> None:
    # By itself it would be a session of another modality, which cannot be added.
    session = transfer.has_session("S1", "S1_MR1", "MR", instances=2)
    assert_complete(transfer)
    transfer.source.store.items.create_scan(session.id, "9", "xnat:ctScanData")
    transfer.source.has_scan(session, "9", series("S1", "S1_MR1", 9, "CT", 2))
    assert_complete(transfer)
    assert intake_of(transfer.dest.app).prearchive.all() == []


def test_nothing_is_sent_along_where_it_would_be_doubled(transfer: Transfer) -> None:
    session = transfer.has_session("S1", "S1_MR1", "MR", instances=2)
    anonymize(transfer)
    assert transfer("--config", transfer.config()).status == 0
    transfer.source.store.items.create_scan(session.id, "9", "xnat:ctScanData")
    transfer.source.has_scan(session, "9", series("S1", "S1_MR1", 9, "CT", 2))
    before = everything(transfer.dest, "B")
    ran = transfer("--config", transfer.config())
    assert ran.status == 1
    assert "session modality" in ran.err
    assert "delete the session on the destination, and transfer it whole" in ran.err
    assert everything(transfer.dest, "B") == before


def test_nothing_is_sent_along_of_what_is_known_by_its_number_alone(transfer: Transfer) -> None:
    session = transfer.has_session("S1", "S1_MR1", "MR", instances=2)
    ours = series("S1", "S1_MR1", 1, "MR", 2)
    theirs = {f"IM{number}.dcm": data for number, data in enumerate(ours.values())}
    dest = transfer.dest
    made = dest.has_session("B", "S1", "S1_MR1", UID=study_of("S1", "S1_MR1"), scans={"1": theirs})
    (scan,) = dest.store.items.scans(made.id)
    uid = series_uid("S1", "S1_MR1", 1)
    dest.store.items.update_scan(scan.number, fields={"UID": uid}, user="admin")
    transfer.source.store.items.create_scan(session.id, "9", "xnat:ctScanData")
    transfer.source.has_scan(session, "9", series("S1", "S1_MR1", 9, "CT", 2))
    for server in (transfer.source, dest):
        server.store.database.execute("UPDATE file SET digest=''")
    before = everything(dest, "B")
    ran = transfer("--config", transfer.config())
    assert (ran.status, everything(dest, "B") == before) == (1, True), ran.err
    assert "delete the session on the destination, and transfer it whole" in ran.err


@pytest.mark.parametrize("quietly", [False, True])
def test_a_stream_of_dicom_that_is_cut_is_asked_for_again(
    transfer: Transfer, quietly: bool
) -> None:
    transfer.has_session("S1", "S1_MR1", "MR", instances=8)
    transfer.source.cuts("GET", f"{SCAN}/resources/DICOM/files", 5000, quietly=quietly)
    assert_complete(transfer)


def test_a_stream_of_files_that_is_cut_is_asked_for_again(transfer: Transfer) -> None:
    files = {f"{n}.txt": bytes(3000) for n in range(9)}
    transfer.has_session("S1", "S1_MR1", resources={"NOTES": files})
    place = "/data/experiments/XNAT_E00001/resources/NOTES/files"
    listing = [1]

    def only_the_archive(request: Request) -> Response | None:
        if request.path.startswith(place) and request.args.get("format") == "tar" and listing:
            listing.pop()
            return Response(b"\0" * 700, mimetype="application/x-tar")
        return None

    transfer.source.before(only_the_archive)
    assert_complete(transfer)


@pytest.mark.parametrize("resource", ["NOTES", "DICOM"])
def test_a_bit_that_changes_on_the_way_from_a_source_without_digests_is_found(
    transfer: Transfer, resource: str
) -> None:
    files = {f"{n}.txt": bytes([n]) * 3000 for n in range(9)}
    transfer.has_session("S1", "S1_MR1", "MR", instances=9, resources={"NOTES": files})
    wanted = everything(transfer.source, "A")
    transfer.source.store.database.execute("UPDATE file SET digest=''")
    spoilt: list[str] = []

    def spoil(request: Request, response: Response) -> None:
        archive = request.path.endswith(f"/{resource}/files") and response.mimetype != JSON
        if archive and not spoilt:
            spoilt.append(request.full_path)
            body = bytearray(response.get_data())
            body[len(body) // 2] ^= 1
            response.set_data(bytes(body))

    transfer.source.app.after(spoil)
    ran = transfer("--config", transfer.config())
    assert (ran.status, len(spoilt)) == (0, 1), ran.err
    assert everything(transfer.dest, "B") == wanted


def test_a_source_that_is_busy_is_asked_again(transfer: Transfer) -> None:
    transfer.has_session("S1", "S1_MR1", "MR")
    transfer.source.fails("GET", f"{SCAN}/resources/DICOM/files", 503, times=2)
    assert_complete(transfer)


def test_a_destination_that_is_busy_is_asked_again(transfer: Transfer) -> None:
    transfer.has_session("S1", "S1_MR1", "MR")
    transfer.dest.fails("POST", "/data/services/import", 503, times=2)
    assert_complete(transfer)


@pytest.mark.parametrize("end", ["source", "dest"])
def test_a_login_that_ends_in_the_middle_is_renewed(transfer: Transfer, end: str) -> None:
    transfer.has_session("S1", "S1_MR1", "MR", "MR", "MR")
    server = getattr(transfer, end)
    seen = [0]

    def expire(request: Request) -> None:
        seen[0] += 1
        if seen[0] % 12 == 0:
            server.expires_sessions()

    server.before(expire)
    assert_complete(transfer)


def test_a_full_disk_of_the_destination_is_a_failure_and_then_is_mended(
    transfer: Transfer,
) -> None:
    transfer.has_session("S1", "S1_MR1", "MR", "MR")
    transfer.dest.settings.import_fault = lambda uid: "No space left on device"
    ran = transfer("--config", transfer.config(scan_retry_count=1))
    assert ran.status != 0
    assert "No space left on device" in ran.err
    transfer.dest.settings.import_fault = None
    assert_complete(transfer)


def test_one_scan_that_fails_does_not_stop_the_other_sessions(transfer: Transfer) -> None:
    first = transfer.has_session("S1", "S1_MR1", "MR")
    transfer.has_session("S2", "S2_MR1", "MR")
    transfer.source.fails("GET", f"/data/experiments/{first.id}/scans/1/resources", 404, times=99)
    ran = transfer("--config", transfer.config(scan_retry_count=1))
    assert ran.status != 0
    outcomes = {one["label"]: one["outcome"] for one in ran.of("session")}
    assert outcomes == {"S1_MR1": "failed", "S2_MR1": "done"}
    (summary,) = ran.of("transfer")
    assert not summary["success"]
    assert (summary["subjects_synced"], summary["subjects_failed"]) == (1, 1)


def test_the_destination_that_refuses_to_archive_is_a_failure(transfer: Transfer) -> None:
    transfer.has_session("S1", "S1_MR1", "MR")
    transfer.dest.settings.archive_fault = lambda label: "pretend conflict"
    ran = transfer("--config", transfer.config())
    assert ran.status == 1
    assert "pretend conflict" in ran.err
    transfer.dest.settings.archive_fault = None
    again = transfer()
    assert (again.status, again.files) == (0, 0)
    assert everything(transfer.source, "A") == everything(transfer.dest, "B") != {}


def test_a_file_that_differs_from_its_listing_never_counts_as_transferred(
    transfer: Transfer,
) -> None:
    transfer.has_session("S1", "S1_MR1", "MR", instances=3)
    with transfer.source.store.database.transaction() as database:
        database.execute("UPDATE file SET digest=? WHERE path LIKE '%0002.dcm'", ("0" * 32,))
    ran = transfer("--config", transfer.config(scan_retry_count=2))
    assert ran.status == 8
    assert "not as listed" in ran.err
    assert not transfer.dest.store.items.experiments_of_project("B")


def test_what_the_destination_says_it_has_stored_and_does_not_list_is_not_transferred(
    transfer: Transfer,
) -> None:
    transfer.has_session("S1", "S1_MR1", resources={"NOTES": {"a.txt": b"a", "b.txt": b"b"}})

    def forget(request: Request, response: Response) -> None:
        if request.method == "PUT" and "/files" in request.path:
            with transfer.dest.store.database.transaction() as database:
                database.execute("DELETE FROM file WHERE path LIKE '%b.txt'")

    transfer.dest.app.after(forget)
    ran = transfer("--config", transfer.config(scan_retry_count=1))
    (session,) = ran.of("session")
    assert (ran.status, session["outcome"]) == (8, "failed")
    assert session["error"]["type"] == "TransferVerificationError"
    assert "1 of them missing or different after 2 rounds (resource NOTES, file b.txt)" in ran.err


def test_a_source_that_lists_no_sizes_is_transferred_by_zip(transfer: Transfer) -> None:
    transfer.has_session("S1", "S1_MR1", "MR", instances=3)

    def blank(request: Request, response: Response) -> None:
        if request.path.endswith("/files") and response.mimetype == "application/json":
            text = response.get_data(as_text=True)
            response.set_data(re.sub(r'"Size":"\d+"', '"Size":""', text))

    transfer.source.app.after(blank)
    ran = transfer("--config", transfer.config())
    assert ran.status == 0, ran.err
    (request,) = transfer.dest.requests("POST", "/data/services/import")
    assert request.mimetype == "application/zip"


@pytest.mark.parametrize("side", ["source", "dest"])
def test_what_has_no_digests_is_said_to_be_compared_by_size(transfer: Transfer, side: str) -> None:
    transfer.has_session("S1", "S1_MR1", "MR", resources={"NOTES": {"a.txt": b"a"}})

    def blank(request: Request, response: Response) -> None:
        if request.path.endswith("/files") and response.mimetype == "application/json":
            text = response.get_data(as_text=True)
            response.set_data(re.sub(r'"digest":"\w+"', '"digest":""', text))

    getattr(transfer, side).app.after(blank)
    for _ in range(2):
        ran = transfer()
        assert ran.status == 0
        assert "3 files have no MD5 on one of the servers" in ran.err


def test_a_project_that_archives_by_itself_is_no_trouble(transfer: Transfer) -> None:
    transfer.dest.call("PUT", "/data/projects/B/prearchive_code/4")
    transfer.has_session("S1", "S1_PET1", "PT", "CT", "CT", instances=5)
    transfer.dest.settings.build_delay = 0.1
    assert_complete(transfer)


def test_subjects_that_fail_one_after_the_other_stop_the_run(transfer: Transfer) -> None:
    for number in range(1, 9):
        transfer.has_session(f"S{number}", f"S{number}_MR1", "MR")
    transfer.dest.settings.import_fault = lambda uid: "Unsupported format"
    ran = transfer("--config", transfer.config(max_failures=2), "--workers", 1)
    assert ran.status == 1
    assert "stopped after 2 failures in a row" in ran.err
    assert len(ran.of("session")) < 8


def test_a_source_without_the_project_is_said_once(transfer: Transfer) -> None:
    ran = transfer.say("run", *("-p", "source", "-P", "NOPE"), *ENDS[4:])
    assert (ran.status, [one["kind"] for one in ran.records]) == (5, ["failure"])
    assert ran.err.count("project 'NOPE' not found") == 1


def test_a_destination_without_the_project_is_said_before_anything_is_sent(
    transfer: Transfer,
) -> None:
    transfer.has_session("S1", "S1_MR1", "MR")
    ran = transfer.say(
        *("run", "-p", "source", "-P", "A", "--dest-profile", "dest", "--dest-project", "NOPE")
    )
    assert ran.status == 5
    assert f"project 'NOPE' not found on the destination {transfer.dest.url}: 'xnat-edit" in ran.err


def test_a_scan_whose_dicom_was_not_kept_is_made_by_nobody_else(transfer: Transfer) -> None:
    session = transfer.has_session("S1", "S1_MR1", "MR", "MR")
    scan = transfer.source.store.items.scans(session.id)[0]
    transfer.source.has_resource(scan, "NIFTI", {"a.nii.gz": b"nifti"})
    transfer.dest.fails("POST", "/data/services/import", 200, body="")
    ran = transfer("--workers", 1, "--config", transfer.config(scan_workers=1))
    assert ran.status == 1
    assert "kept none of the DICOM of scan 1" in ran.err
    ran = transfer("--config", transfer.config())
    assert ran.status == 0, ran.err
    assert everything(transfer.source, "A") == everything(transfer.dest, "B")


def test_a_web_page_is_not_sent_as_metadata(transfer: Transfer) -> None:
    session = transfer.has_session("S1", "S1_MR1", "MR")
    page = Response("<html><body><form>Log in</form></body></html>", mimetype="text/html")

    def logged_out(request: Request) -> Response | None:
        asked = request.path == f"/data/experiments/{session.id}"
        return page if asked and request.args.get("format") == "xml" else None

    transfer.source.before(logged_out)
    ran = transfer("--config", transfer.config())
    assert ran.status == 1
    assert "the source answered with a web page instead of a document" in ran.err
    assert not [one for one in transfer.dest.requests("PUT") if "/experiments/" in one.path]
