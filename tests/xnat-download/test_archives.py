"""Archives kept as files."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import pytest

from support.downloads import Change, Downloader, Spoiler, breaks_at, ends_at, flips
from support.kept import FILES, named, names


def test_the_archives_of_the_server_are_kept(session: Downloader) -> None:
    ran = session(*named(session, "--zip", "--session-resources"))
    assert ran.status == 0, ran.err
    assert (ran.record["files"], ran.record["verified"]) == (5, 5)
    assert {*session.files()} == {"MR1/scans.zip", "MR1/resources_NOTES.zip"}
    assert len(names(session.out / "MR1/scans.zip")) == 4
    assert session.fetched() == [
        "/data/experiments/XNAT_E00001/scans/ALL/files?format=zip",
        "/data/experiments/XNAT_E00001/resources/NOTES/files?format=zip",
    ]


def test_folders_that_are_called_like_another_scan_are_found_in_an_archive_of_both(
    download: Downloader,
) -> None:
    scans = {"1": {"a": b"a"}, "2": {"1/b": b"b", "1-T1w/b": b"c", "1/2/d": b"d", "e": b"e"}}
    download.xnat.has_session("P1", "S1", "MR1", scans)
    for words in (["--zip"], ["--keep-zips"]):
        ran = download(*named(download, *words))
        assert (ran.status, ran.record["files"]) == (0, 5 if "--zip" in words else 0), ran.err
    found = {name: data for name, data in download.files("MR1").items() if "scans/" in name}
    assert found == {
        f"scans/{scan}/resources/DICOM/files/{name}": data
        for scan, files in scans.items()
        for name, data in files.items()
    }


def test_an_archive_that_is_there_is_not_fetched_again(session: Downloader) -> None:
    session(*named(session, "--zip"))
    fetched = len(session.fetched())
    for words in ([], ["--verify"]):
        ran = session(*named(session, "--zip", *words))
        assert (ran.record["outcome"], ran.record["skipped"]) == ("skipped", 4)
    assert len(session.fetched()) == fetched


@pytest.mark.parametrize("change", [ends_at(0.5), ends_at(0.99), flips(400), breaks_at(0.7)])
def test_a_damaged_archive_is_asked_for_again(session: Downloader, change: Change) -> None:
    Spoiler(session.xnat, "format=zip", change)
    ran = session(*named(session, "--zip"))
    assert ran.status == 0, ran.err
    assert len(names(session.out / "MR1/scans.zip")) == 4


def test_an_archive_that_stays_damaged_never_gets_its_name(session: Downloader) -> None:
    spoiler = Spoiler(session.xnat, "format=zip", ends_at(0.9), times=99)
    ran = session(*named(session, "--zip"))
    assert ran.status == 1
    assert spoiler.seen == 3
    assert session.files() == {}


def test_an_archive_without_a_listed_file_is_refused(session: Downloader) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("MR1/scans/1-T1w/resources/DICOM/files/a.dcm", b"a" * 3000)
    Spoiler(session.xnat, "format=zip", lambda body: [buffer.getvalue()], times=99)
    ran = session(*named(session, "--zip"))
    assert ran.status == 8
    assert "3 of the listed files are not in it" in ran.err
    assert session.files() == {}


def test_wanted_scans_and_resources_are_chosen_in_the_request(session: Downloader) -> None:
    found = session.xnat.store.items.experiment_in("P1", "MR1")
    assert found is not None
    session.xnat.has_scan(found, "1", {"i.nii": b"i"}, resource="NIFTI")
    words = ["scans", "-E", "MR1", "-P", "P1", "--out", session.out, "--zip"]
    assert session(*words, "-s", "1,2-MR1", "-r", "NIFTI").status == 0
    assert session.fetched()[-1].endswith("/scans/1/resources/NIFTI/files?format=zip")
    assert names(session.out / "MR1/scans.zip") == ["MR1/scans/1-T1w/resources/NIFTI/files/i.nii"]


def test_one_resource_at_a_path_of_its_own(session: Downloader, tmp_path: Path) -> None:
    path = tmp_path / "new/notes.zip"
    ran = session("resource", "MR1", "NOTES", "-P", "P1", "--file", path)
    assert (ran.status, ran.record["path"]) == (0, str(path)), ran.err
    assert names(path) == ["MR1/resources/NOTES/files/n.txt"]
    ran = session("resource", "MR1", "NOTES", "-P", "P1", "--zip", "--out", tmp_path)
    assert (tmp_path / "NOTES.zip").is_file()
    assert not list(tmp_path.glob("**/manifest.ndjson"))


def test_records_are_kept_as_archives_too(session: Downloader) -> None:
    above = {"session": "MR1", "session_id": "XNAT_E00001", "project": "P1"}
    ran = session.records(
        {"kind": "scan", "id": "1", **above},
        {"kind": "resource", "label": "NOTES", "uri": "/data/experiments/XNAT_E00001/resources/3",
         **above},
        words=["--zip"],
    )  # fmt: skip
    assert ran.status == 0, ran.err
    assert {*session.files("MR1")} == {"scans_1.zip", "resources_NOTES.zip"}


def test_archives_can_be_kept_and_unpacked(session: Downloader) -> None:
    ran = session(*named(session, "--no-cleanup"))
    assert ran.status == 0, ran.err
    files = session.files("MR1")
    assert files.pop("scans.zip")
    assert files == FILES
    assert session("check", session.out).status == 0


def test_the_directory_of_a_kept_archive_is_not_searched_for_every_file(
    download: Downloader, monkeypatch: pytest.MonkeyPatch
) -> None:
    download.xnat.has_session("P1", "S1", "MR1", {"1": {f"{n}": b"x" * n for n in range(50)}})
    searched: list[int] = []
    infolist = zipfile.ZipFile.infolist

    def counting(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
        searched.append(1)
        return infolist(archive)

    monkeypatch.setattr(zipfile.ZipFile, "infolist", counting)
    ran = download(*named(download, "--keep-zips"))
    assert (ran.status, len(download.files("MR1/scans"))) == (0, 50), ran.err
    assert len(searched) < 10


def profile(extract: str) -> None:
    """The profile of the server says how downloads come."""

    path = Path(os.environ["XDG_CONFIG_HOME"]) / "xnatctl/config.yaml"
    home = Path(os.environ["HOME"]) / ".config/xnatctl/config.yaml"
    text = f"profiles:\n  default:\n    url: {os.environ['XNAT_URL']}\n    extract: {extract}\n"
    for place in (path, home):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        place.chmod(0o600)


def test_the_profile_decides_where_nothing_is_said(session: Downloader) -> None:
    profile("false")
    assert session(*named(session)).status == 0
    assert {*session.files("MR1")} == {"scans.zip"}
    assert session(*named(session, "--extract")).status == 0
    assert len(session.files("MR1")) == 5


def test_a_named_file_that_is_no_archive_is_not_replaced(session: Downloader) -> None:
    path = session.out / "n.txt"
    words = ("resource", "MR1", "NOTES", "-P", "P1", "--file", path)
    session.out.mkdir()
    path.write_text("mine")
    ran = session(*words)
    assert (ran.status, path.read_text()) == (1, "mine")
    assert "n.txt is no archive" in ran.err
    for before in (b"", b"PK\x03\x04 the beginning of one"):
        path.write_bytes(before)
        assert session(*words).status == 0
        assert names(path) == ["MR1/resources/NOTES/files/n.txt"]
