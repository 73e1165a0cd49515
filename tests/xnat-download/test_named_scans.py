"""Scans of a session that are named: what is said of those that do not exist, or hold nothing."""

from __future__ import annotations

import json

import pytest
from werkzeug import Response

from support.downloads import Downloader, Spoiler, becomes

SCANS: dict[str, dict[str, bytes]] = {
    "1": {"a.dcm": b"aaa", "b.dcm": b"bb"},
    "2": {},
    "3": {"c.dcm": b"c"},
}


@pytest.mark.parametrize(("scans", "files"), [("1,9", 2), ("9", 0)])
def test_a_scan_that_does_not_exist_is_named(download: Downloader, scans: str, files: int) -> None:
    download.xnat.has_session("P1", "S1", "MR1", SCANS)
    ran = download.session("MR1", "--scans", scans)
    assert (ran.status, ran.err.splitlines()[0]) == (5, "xnat-download: scan 'MR1/9' not found")
    assert ran.of("scan")[0]["id"] == "9"
    assert ran.of("session")[0]["outcome"] == "failed"
    assert len(download.files("MR1")) == files


def test_a_scan_without_files_is_not_taken_for_its_session(download: Downloader) -> None:
    download.xnat.has_session("P1", "S1", "MR1", SCANS)
    ran = download.session("MR1", "--scans", "2")
    assert (ran.status, ran.record["outcome"], ran.record["files"]) == (0, "skipped", 0), ran.err


def test_named_scans_that_a_listing_of_the_session_leaves_out_are_looked_into(
    download: Downloader,
) -> None:
    xnat = download.xnat
    session = xnat.has_session("P1", "S1", "MR1", SCANS)
    rows = xnat.rows(f"/data/experiments/{session.id}/files?all=true")
    left = [row for row in rows if "/scans/1/" not in row["URI"]]
    Spoiler(
        xnat,
        f"/data/experiments/{session.id}/files",
        becomes(json.dumps({"ResultSet": {"Result": left}}).encode()),
    )
    ran = download.session("MR1", "--scans", "1,3", "--session-resources")
    assert [record["outcome"] for record in ran.of("scan") + ran.of("session")] == ["failed"] * 2
    assert ran.status == 1
    assert "counts 2 in resource DICOM" in ran.err


@pytest.mark.parametrize(("scans", "others"), [("1", []), ("1,2", []), ("1,3", [b"c"])])
def test_an_empty_listing_of_a_scan_that_has_files_is_not_believed(
    download: Downloader, scans: str, others: list[bytes]
) -> None:
    xnat = download.xnat
    session = xnat.has_session("P1", "S1", "MR1", SCANS)
    listing = f"/data/experiments/{session.id}/scans/1/files"
    nothing = Response('{"ResultSet":{"Result":[]}}', content_type="application/json")
    xnat.before(lambda request: nothing if request.path == listing else None)
    ran = download.session("MR1", "--scans", scans)
    assert [record["outcome"] for record in ran.of("scan") + ran.of("session")] == ["failed"] * 2
    assert ran.status == 1
    assert "counts 2 in resource DICOM" in ran.err
    assert list(download.files("MR1/scans").values()) == others


def test_a_file_of_another_scan_is_not_taken_for_the_one_of_its_name(download: Downloader) -> None:
    # The server takes the ID of a scan for the type of others, too; then both are in the archive.
    xnat = download.xnat
    session = xnat.has_session("P1", "S1", "MR1")
    xnat.has_scan(session, "2", {"a.dcm": b"other"}, type="T1w")
    xnat.has_scan(session, "T1w", {"a.dcm": b"own.."}, type="localizer")
    xnat.store.database.execute("UPDATE file SET digest=''")
    ran = download.session("MR1")
    assert (ran.status, ran.record["files"]) == (0, 2), ran.err
    below = {name.split("/")[1]: data for name, data in download.files("MR1").items()}
    assert below == {"2": b"other", "T1w": b"own.."}


def test_a_scan_that_is_not_found_for_a_moment_is_not_left_out_in_silence(
    download: Downloader,
) -> None:
    """Not even where the resources do not say how many files they have."""
    xnat = download.xnat
    session = xnat.has_session("P1", "S1", "MR1", SCANS)
    scan = f"/data/experiments/{session.id}/scans/1"
    rows = [{**row, "file_count": ""} for row in xnat.rows(f"{scan}/resources")]
    uncounted = json.dumps({"ResultSet": {"Result": rows}}).encode()
    Spoiler(xnat, f"{scan}/resources", becomes(uncounted))
    xnat.fails("GET", f"{scan}/files", 404)
    ran = download.session("MR1", "--scans", "1,3")
    assert (ran.status, "scan 1 is there, but" in ran.err) == (1, True), ran.err
    assert {*download.files("MR1")} == {"scans/3/resources/DICOM/files/c.dcm"}
