"""Archives kept as files, unpacked later, and folders audited by their manifests."""

from __future__ import annotations

import errno
import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest

from support.downloads import Change, Downloader, Spoiler, breaks_at, ends_at, flips

SCANS = {"1": {"a.dcm": b"a" * 3000, "1/b": b"one", "1-T1w/b": b"two"}, "2-MR1": {"c": b"c"}}
FILES = {
    f"scans/{scan}/resources/DICOM/files/{path}": data
    for scan, files in SCANS.items()
    for path, data in files.items()
}


@pytest.fixture
def session(download: Downloader) -> Downloader:
    """A session with two scans and a resource of its own."""
    download.xnat.has_session("P1", "S1", "MR1", SCANS, resources={"NOTES": {"n.txt": b"n"}})
    return download


def named(session: Downloader, *words: object) -> tuple[object, ...]:
    """The words that download the session by its name."""
    return ("session", "-E", "MR1", "-P", "P1", "--out", session.out, *words)


def names(path: Path) -> list[str]:
    """The entries of a zip."""
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


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
    import os

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


def test_extract_gives_the_same_tree_as_a_download(session: Downloader) -> None:
    session(*named(session, "--zip", "--session-resources"))
    ran = session("extract", session.out, "-r")
    assert (ran.status, len(ran.records)) == (0, 2), ran.err
    assert session.files("MR1") == {**FILES, "resources/NOTES/files/n.txt": b"n"}
    assert session("check", session.out).status == 0
    again = session(*named(session, "--session-resources", "--extract"))
    assert again.record["outcome"] == "skipped"


def test_extract_does_not_put_one_session_over_another(session: Downloader) -> None:
    """Two archives side by side, whose paths below their top folders are the same."""
    session.xnat.has_session("P1", "S2", "MR2", {"2-MR1": {"b": b"b", "c": b"d"}})
    for label in ("MR1", "MR2"):
        where = session.out / f"{label}.zip"
        words = ("resource", "-P", "P1", label, "DICOM", "--scan", "2-MR1", "--file", where)
        assert session(*words).status == 0
    ran = session("extract", session.out)
    assert (ran.status, [one["outcome"] for one in ran.records]) == (1, ["done", "failed"])
    assert "2-MR1/resources/DICOM/files/c holds other bytes" in ran.records[1]["error"]["message"]
    there = {"MR2.zip", "scans/2-MR1/resources/DICOM/files/c"}
    assert ({*session.files()}, session.files("scans")) == (
        there,
        {"2-MR1/resources/DICOM/files/c": b"c"},
    )
    assert session("extract", session.out, "--dry-run").status == 1


def test_extract_looks_below_only_when_asked(session: Downloader) -> None:
    session(*named(session, "--zip"))
    ran = session("extract", session.out)
    assert (ran.records, "-r" in ran.err) == ([], True)
    assert len(session("extract", session.out / "MR1", "--dry-run").records) == 1
    assert {*session.files("MR1")} == {"scans.zip"}


def test_extract_can_keep_the_archive(session: Downloader) -> None:
    session(*named(session, "--zip"))
    assert session("extract", session.out / "MR1", "--no-cleanup").status == 0
    assert "scans.zip" in session.files("MR1")
    assert session("check", session.out).status == 0


def test_extract_without_a_manifest_tells_scans_by_their_names(session: Downloader) -> None:
    session(*named(session, "--zip", "-s", "2-MR1"))
    (session.out / "MR1/manifest.ndjson").unlink()
    assert session("extract", session.out / "MR1").status == 0
    assert session.files("MR1") == {"scans/2-MR1/resources/DICOM/files/c": b"c"}


def test_a_zip_that_is_data_is_left_alone(session: Downloader) -> None:
    files = session.out / "MR1/resources/R/files"
    files.mkdir(parents=True)
    for path in (session.out / "data.zip", files / "scans.zip"):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("x/resources/R/files/a" if path.parent == files else "a.txt", b"a")
    assert session("extract", session.out, "-r").records == []
    assert len(session.files()) == 2


@pytest.mark.parametrize("name", ["../x/resources/R/files/a", "S/resources/R/files/../../../../a"])
def test_extract_refuses_what_leads_out_and_keeps_the_archive(
    session: Downloader, name: str
) -> None:
    session.out.mkdir()
    with zipfile.ZipFile(session.out / "a.zip", "w") as archive:
        archive.writestr("S/resources/R/files/good", b"good")
        archive.writestr(name, b"evil")
    ran = session("extract", session.out)
    assert ran.status == 2
    assert {*session.files()} == {"a.zip"}


def test_extract_refuses_a_damaged_archive_and_keeps_it(session: Downloader) -> None:
    session(*named(session, "--zip"))
    path = session.out / "MR1/scans.zip"
    data = bytearray(path.read_bytes())
    data[data.index(b"aaaa") + 5] ^= 1
    path.write_bytes(data)
    assert session("extract", session.out, "-r").status == 8
    assert path.exists()


def test_check_finds_nothing_wrong_with_a_download(session: Downloader) -> None:
    session(*named(session, "--session-resources"))
    ran = session("--check", session.out)
    assert (ran.status, ran.record["kind"]) == (0, "session")
    assert (ran.record["files"], ran.record["verified"]) == (5, 5)
    assert not [r for r in session.xnat.requests() if r.path == "/check"]


def test_check_names_what_is_missing_changed_and_surplus(session: Downloader) -> None:
    session(*named(session))
    files = session.out / "MR1/scans/1/resources/DICOM/files"
    (files / "a.dcm").write_bytes(b"b" * 3000)
    (files / "1/b").unlink()
    (files / "1-T1w/b").write_bytes(b"longer")
    (files / "new").touch()
    ran = session("check", session.out)
    assert ran.status == 8
    told = {r["local_path"].rpartition("files/")[2]: r["error"]["message"] for r in ran.of("file")}
    assert {path: text.rpartition(": ")[2].split()[0] for path, text in told.items()} == {
        "a.dcm": "MD5",
        "1/b": "missing",
        "1-T1w/b": "size",
        "new": "not",
    }
    assert ran.of("session")[0]["outcome"] == "failed"


@pytest.mark.parametrize("verb", ["check", "extract"])
def test_a_folder_that_cannot_be_read_is_not_left_out_in_silence(
    session: Downloader, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    session(*named(session))
    locked = session.out / "locked"
    locked.mkdir()
    scandir = os.scandir

    def refuse(folder: Any) -> Any:
        if Path(folder) == locked:
            raise PermissionError(errno.EACCES, "Permission denied", str(folder))
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    ran = session(verb, session.out, *["--recursive"] * (verb == "extract"))
    assert ran.status == 1
    assert "locked: Permission denied" in ran.err


def test_check_looks_into_kept_archives(session: Downloader) -> None:
    session(*named(session, "--zip"))
    assert session("check", session.out).record["verified"] == 4
    path = session.out / "MR1/scans.zip"
    data = bytearray(path.read_bytes())
    data[data.index(b"aaaa") + 5] ^= 1
    path.write_bytes(data)
    assert session("check", session.out).status == 8


def test_check_needs_something_to_check_by(session: Downloader) -> None:
    session.out.mkdir()
    assert session("check", session.out).status == 8
    (session.out / "manifest.ndjson").touch()
    assert session("check", session.out).status == 8
    assert session("check", session.out / "nowhere").status == 2


@pytest.mark.parametrize("words", [("check",), ("extract",), ("--check",)])
def test_a_folder_that_is_none_is_told_from_one_that_is_not_there(
    words: tuple[str], session: Downloader
) -> None:
    session.out.mkdir()
    file = session.out / "scans.zip"
    file.touch()
    assert session(*words, file).err == f"xnat-download: {file}: must be a directory\n"
    assert session(*words, f"{file}x").err == f"xnat-download: {file}x: does not exist\n"


def test_a_file_in_the_place_of_the_folder_is_told(session: Downloader) -> None:
    session.out.touch()
    answer = session(*named(session))
    assert (answer.status, answer.err) == (
        2,
        f"xnat-download: {session.out}: must be a directory\n",
    )


def test_a_manifest_that_is_damaged_fails_the_audit(session: Downloader) -> None:
    session(*named(session))
    path = session.out / "MR1/manifest.ndjson"
    path.write_text("{nonsense\n" + path.read_text())
    ran = session("check", session.out)
    assert ran.status == 8
    assert "line 1 is not the record of a file" in ran.err


def test_the_manifest_grows_with_further_downloads(session: Downloader) -> None:
    session(*named(session, "-s", "1"))
    session(*named(session, "-s", "2-MR1"))
    ran = session("check", session.out)
    assert (ran.status, ran.record["files"]) == (0, 4)


def test_a_file_that_the_server_no_longer_has_leaves_the_manifest(session: Downloader) -> None:
    session(*named(session))
    session.xnat.store.database.execute("DELETE FROM file WHERE path='a.dcm'")
    gone = session.out / "MR1/scans/1/resources/DICOM/files/a.dcm"
    session(*named(session))
    assert session("check", session.out).record["files"] == 4
    gone.unlink()
    session(*named(session))
    assert session("check", session.out).record["files"] == 3


def test_the_manifest_is_the_same_after_the_same_download(session: Downloader) -> None:
    session(*named(session))
    path = session.out / "MR1/manifest.ndjson"
    before = path.read_bytes()
    session(*named(session, "--workers", 3))
    assert path.read_bytes() == before


def test_without_digests_the_manifest_has_those_that_came(session: Downloader) -> None:
    session.xnat.store.database.execute("UPDATE file SET digest=''")
    session(*named(session))
    session(*named(session))
    text = (session.out / "MR1/manifest.ndjson").read_text()
    entries = [json.loads(line) for line in text.splitlines()]
    assert all(len(entry["digest"]) == 32 and entry["unverifiable"] for entry in entries)
    assert session("check", session.out).record["verified"] == 4
