"""Where a server tells little, or one thing twice, nothing is mixed up and nothing believed."""

from __future__ import annotations

import re
import stat
import zipfile
from pathlib import Path

import pytest
from werkzeug.wrappers import Request, Response

from support.downloads import Downloader, Spoiler, becomes, breaks_at

PAGE = b"<!DOCTYPE html><html><form action='/app/template/Login.vm'></form></html>"
NOTE = "MR1/scans/1/resources/DICOM/files/n.txt"


@pytest.fixture
def session(download: Downloader) -> Downloader:
    """A session with one file."""
    download.xnat.has_session("P1", "S1", "MR1", {"1": {"n.txt": b"note"}})
    return download


def changes_listings(session: Downloader, pattern: str, becomes: str) -> None:
    """Change what listings of files say."""

    def change(request: Request, response: Response) -> None:
        if request.path.endswith("/files") and response.mimetype == "application/json":
            response.set_data(re.sub(pattern, becomes, response.get_data(as_text=True)))

    session.xnat.app.after(change)


def without_facts(session: Downloader) -> None:
    """The server knows neither sizes nor digests."""
    changes_listings(session, r'"(Size|digest)":"\w+"', r'"\1":""')


def test_a_file_of_which_nothing_is_known_is_fetched_each_time(session: Downloader) -> None:
    without_facts(session)
    assert session.session("MR1").status == 0
    (session.out / NOTE).write_bytes(b"half")
    assert session.session("MR1").status == 0
    assert session.files() == {NOTE: b"note"}


def test_a_page_is_not_taken_for_a_file_of_which_nothing_is_known(session: Downloader) -> None:
    without_facts(session)
    Spoiler(session.xnat, "format=tar", becomes(PAGE), times=9)
    Spoiler(session.xnat, "format=zip", becomes(PAGE), times=9)
    page = {"Content-Type": "text/html"}
    Spoiler(session.xnat, "n.txt", becomes(PAGE), times=99, headers=page)
    ran = session.session("MR1")
    assert (ran.status != 0, session.files()) == (True, {})


def test_two_resources_of_one_label_are_not_put_into_one_folder(download: Downloader) -> None:
    session = download.xnat.has_session("P1", "S1", "MR1")
    scan = download.xnat.has_scan(session, "1", {})
    download.xnat.has_resource(scan, "ONE", {"n.txt": b"one"})
    download.xnat.has_resource(scan, "TWO", {"n.txt": b"two", "more.txt": b"more"})
    changes_listings(download, '"collection":"(ONE|TWO)"', '"collection":"SAME"')
    ran = download.session("MR1")
    assert (ran.status != 0, "two resources of one label" in ran.err) == (True, True)
    texts = {path.rpartition("/")[2]: data for path, data in download.files().items()}
    assert texts in ({"n.txt": b"one"}, {"n.txt": b"two", "more.txt": b"more"}, {})


@pytest.mark.parametrize("status", [200, 400, 501])
def test_a_server_without_any_archives_gives_files(session: Downloader, status: int) -> None:
    def refuse(request: Request) -> Response | None:
        packed = re.search("format=(tar|zip)", request.full_path)
        return Response(b"no archive", status) if packed else None

    session.xnat.has_session("P1", "S1", "MR1", {"2": {f"{n}.dcm": bytes([n]) for n in range(20)}})
    session.xnat.before(refuse)
    ran = session.session("MR1")
    assert (ran.status, len(session.files())) == (0, 21), ran.err


@pytest.mark.parametrize("status", [416, 500])
def test_a_server_that_trips_over_a_range_sends_the_whole(
    download: Downloader, status: int
) -> None:
    data = bytes(range(256)) * 8000
    session = download.xnat.has_session("P1", "S1", "MR1", resources={"BIG": {"b.bin": data}})
    Spoiler(download.xnat, "b.bin", breaks_at(1_500_000), times=1, keep_length=True)

    def trip(request: Request) -> Response | None:
        return Response("no", status) if request.headers.get("Range") else None

    download.xnat.before(trip)
    where = f"/data/experiments/{session.id}/resources/1/files/b.bin"
    known = {"kind": "file", "path": "b.bin", "resource": "BIG", "size": len(data), "uri": where}
    ran = download.records({**known, "session": "MR1", "session_id": session.id, "project": "P1"})
    assert (ran.status, list(download.files().values())) == (0, [data]), ran.err


@pytest.mark.parametrize("gone", [True, False])
def test_a_fault_below_a_session_is_that_it_is_gone_only_when_it_is(
    session: Downloader, gone: bool
) -> None:
    where, tripped = session.record("MR1")["uri"], []

    def trip(request: Request) -> Response | None:
        if "/files" in request.path and "format=json" not in request.full_path:
            tripped.append(request.path)
            return Response(status=500 if "format=" not in request.full_path else 404)
        return Response(status=404) if gone and tripped and request.path == where else None

    session.xnat.before(trip)
    ran = session.session("MR1", "--each")
    (lost,) = ran.of("file")
    assert "not found" in lost["error"]["message"] if gone else "500" in lost["error"]["message"]
    assert tripped


def entry(name: str, mode: int = stat.S_IFREG | 0o644) -> zipfile.ZipInfo:
    """An entry as Unix writes it."""
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, mode << 16
    return info


@pytest.mark.parametrize(
    ("evil", "said"),
    [
        (entry("S/resources/R/files/link", stat.S_IFLNK | 0o777), "a link in the archive"),
        (entry("S/scans/1-T2/resources/R/files/a"), "two entries would be"),
    ],
)
def test_extract_writes_nothing_of_an_archive_with_links_or_doubles(
    download: Downloader, evil: zipfile.ZipInfo, said: str
) -> None:
    download.out.mkdir()
    with zipfile.ZipFile(download.out / "a.zip", "w") as archive:
        archive.writestr(entry("S/scans/1-T1/resources/R/files/a"), b"good")
        archive.writestr(evil, b"/etc/passwd")
    ran = download("extract", download.out)
    assert (ran.status, said in ran.err) == (2, True), ran.err
    assert {*download.files()} == {"a.zip"}


def test_a_link_in_the_place_of_a_file_is_no_file_to_check(
    session: Downloader, tmp_path: Path
) -> None:
    assert session.session("MR1").status == 0
    other = tmp_path / "other.txt"
    (session.out / NOTE).rename(other)
    (session.out / NOTE).symlink_to(other)
    ran = session("check", session.out)
    assert (ran.status, f"{NOTE}: missing" in ran.err) == (8, True), ran.err


def test_extract_tells_of_an_archive_of_a_download_that_cannot_be_read(
    session: Downloader,
) -> None:
    session("session", "-E", "MR1", "-P", "P1", "--out", session.out, "--zip")
    path = session.out / "MR1/scans.zip"
    whole = path.read_bytes()
    (session.out / "MR1/data.zip").write_bytes(whole[:50])
    for damaged in (whole[:-30], b"<html></html>", b""):
        path.write_bytes(damaged)
        ran = session("extract", session.out / "MR1")
        assert (ran.status, [r["path"] for r in ran.records]) == (8, [str(path)])
    path.rename(path.with_name("mine.zip"))
    assert session("extract", session.out / "MR1").records == []
