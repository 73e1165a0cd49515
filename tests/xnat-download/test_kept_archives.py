"""An archive that is kept counts only for the files that it is of, and is not lost to others."""

from __future__ import annotations

import hashlib
import os
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from support.downloads import Downloader
from xnat_download.archives import _stem
from xnat_download.inventory import Group
from xnat_download.places import Place

TWINS = {"1": {"a.dcm": b"one"}, "2": {"a.dcm": b"two"}}
MD5_OF_ONE = hashlib.md5(b"one").hexdigest()


@pytest.fixture
def twins(download: Downloader) -> Downloader:
    """Two scans whose files have the same names and sizes."""
    download.xnat.has_session("P1", "S1", "MR1", TWINS)
    return download


def scans(twins: Downloader, ids: str, *words: object) -> tuple[object, ...]:
    """The words that download scans."""
    return ("scans", "-E", "MR1", "-P", "P1", "-s", ids, "--out", twins.out, *words)


def content(path: Path) -> list[bytes]:
    """What the files in a zip hold."""
    with zipfile.ZipFile(path) as archive:
        return [archive.read(name) for name in archive.namelist()]


@pytest.mark.parametrize("words", [[], ["--verify"]])
def test_the_archive_of_another_scan_is_not_the_wanted_one(
    twins: Downloader, words: list[str]
) -> None:
    path = twins.out / "dicom.zip"
    for scan, data in (("1", b"one"), ("2", b"two"), ("2", b"two")):
        ran = twins("resource", "-P", "P1", "MR1", "DICOM", "--scan", scan, "--file", path, *words)
        assert ran.status == 0, ran.err
        assert content(path) == [data]
    assert ran.record["outcome"] == "skipped"


def test_without_digests_an_archive_of_unknown_origin_does_not_count(twins: Downloader) -> None:
    twins.xnat.store.database.execute("UPDATE file SET digest=''")
    path = twins.out / "dicom.zip"
    for scan, data in (("1", b"one"), ("2", b"two")):
        twins("resource", "-P", "P1", "MR1", "DICOM", "--scan", scan, "--file", path)
        assert content(path) == [data]


def test_without_digests_the_manifest_tells_whose_an_archive_is(twins: Downloader) -> None:
    twins.xnat.store.database.execute("UPDATE file SET digest=''")
    twins(*scans(twins, "1,2", "--zip"))
    assert twins(*scans(twins, "2", "--zip")).record["outcome"] == "skipped"


def test_the_archive_of_other_scans_is_not_replaced(twins: Downloader) -> None:
    twins(*scans(twins, "1", "--zip"))
    ran = twins(*scans(twins, "2", "--zip"))
    assert ran.status == 1
    assert "holds DICOM of scan 1, which would be lost" in ran.err
    assert content(twins.out / "MR1/scans.zip") == [b"one"]
    assert twins("check", twins.out).status == 0
    assert twins(*scans(twins, "*", "--zip")).status == 0
    assert content(twins.out / "MR1/scans.zip") == [b"one", b"two"]
    assert twins(*scans(twins, "2", "--zip")).record["outcome"] == "skipped"


def test_without_a_manifest_it_is_not_replaced_either(twins: Downloader) -> None:
    """A run that failed in another archive, or was killed, has not come to write one."""
    twins(*scans(twins, "1", "--zip"))
    (twins.out / "MR1/manifest.ndjson").unlink()
    ran = twins(*scans(twins, "2", "--zip"))
    assert ran.status == 1
    assert "is another archive" in ran.err
    assert content(twins.out / "MR1/scans.zip") == [b"one"]
    assert twins(*scans(twins, "*", "--zip")).status == 0
    assert content(twins.out / "MR1/scans.zip") == [b"one", b"two"]


def test_what_a_replaced_archive_no_longer_has_leaves_the_manifest(twins: Downloader) -> None:
    twins(*scans(twins, "*", "--zip"))
    twins.xnat.store.database.execute("DELETE FROM file WHERE digest=?", (MD5_OF_ONE,))
    found = twins.xnat.store.items.experiment_in("P1", "MR1")
    assert found is not None
    twins.xnat.has_scan(found, "3", {"new": b"new"})
    assert twins(*scans(twins, "*", "--zip")).record["files"] == 2
    ran = twins("check", twins.out)
    assert (ran.status, ran.record["files"]) == (0, 2)


def test_an_archive_that_was_kept_is_unpacked_when_that_is_asked_for(twins: Downloader) -> None:
    twins(*scans(twins, "*", "--zip"))
    fetched = len(twins.fetched())
    ran = twins(*scans(twins, "*", "--keep-zips"))
    assert ran.status == 0, ran.err
    assert len(twins.fetched()) == fetched
    files = twins.files("MR1")
    assert files["scans/2/resources/DICOM/files/a.dcm"] == b"two"
    assert twins("check", twins.out).status == 0


def test_label_zip_of_another_scan_or_session_is_not_replaced(twins: Downloader) -> None:
    twins.xnat.has_session("P1", "S1", "MR2", {"1": {"a.dcm": b"new"}})
    words = ("--zip", "-P", "P1", "--out", twins.out)
    first = ("resource", "MR1", "DICOM", "--scan", "1", *words)
    assert twins(*first).status == 0
    for other in (("MR1", "DICOM", "--scan", "2"), ("MR2", "DICOM", "--scan", "1")):
        ran = twins("resource", *other, *words)
        assert ran.status == 1
        assert "is another archive, MR1/scans/1-T1w/resources/DICOM/files/a.dcm is in it" in ran.err
        assert content(twins.out / "DICOM.zip") == [b"one"]
    assert twins(*first).record["outcome"] == "skipped"


def test_a_zip_that_no_server_has_made_is_not_replaced(twins: Downloader) -> None:
    twins.out.mkdir()
    with zipfile.ZipFile(twins.out / "DICOM.zip", "w") as archive:
        archive.writestr("thesis/", b"")
        archive.writestr("thesis/draft.txt", b"mine")
    ran = twins("resource", "MR1", "DICOM", "--scan", "1", "--zip", "-P", "P1", "--out", twins.out)
    assert ran.status == 1
    assert "is another archive, thesis/draft.txt is in it" in ran.err
    assert content(twins.out / "DICOM.zip") == [b"", b"mine"]


def test_what_is_no_archive_is_not_replaced_by_one(twins: Downloader) -> None:
    twins.out.mkdir()
    (twins.out / "DICOM.zip").write_bytes(b"Rar! mine")
    ran = twins("resource", "MR1", "DICOM", "--scan", "1", "--zip", "-P", "P1", "--out", twins.out)
    assert ran.status == 1
    assert "DICOM.zip is no archive" in ran.err
    assert (twins.out / "DICOM.zip").read_bytes() == b"Rar! mine"


def test_an_archive_of_zeros_that_the_manifest_has_is_fetched_again(twins: Downloader) -> None:
    assert twins(*scans(twins, "1", "--zip")).status == 0
    (twins.out / "MR1/scans.zip").write_bytes(bytes(100))
    assert twins(*scans(twins, "1", "--zip")).status == 0
    assert content(twins.out / "MR1/scans.zip") == [b"one"]


def test_label_zip_follows_the_resource_of_a_session_that_is_shared_under_another_label(
    twins: Downloader,
) -> None:
    session = twins.xnat.has_session("P1", "S1", "MR1")
    twins.xnat.has_resource(session, "NOTES", {"a": b"old"})
    twins.xnat.has_project("P2")
    shared = "/data/projects/P1/subjects/S1/experiments/MR1/projects/P2?label=OTHER"
    twins.xnat.call("PUT", shared)
    words = ("resource", "OTHER", "NOTES", "--zip", "-P", "P2", "--out", twins.out)
    assert twins(*words).status == 0
    twins.xnat.has_resource(session, "NOTES", {"b": b"new"})
    ran = twins(*words)
    assert ran.status == 0, ran.err
    assert sorted(content(twins.out / "NOTES.zip")) == [b"new", b"old"]


def test_a_file_called_after_the_accession_id_of_a_session_shared_under_another_label(
    twins: Downloader,
) -> None:
    session = twins.xnat.has_session("P1", "S1", "MR1")
    name = f"{session.id}_report.txt"
    twins.xnat.has_resource(session, "NOTES", {name: b"fine", "other.txt": b"too"})
    twins.xnat.has_project("P2")
    shared = "/data/projects/P1/subjects/S1/experiments/MR1/projects/P2?label=OTHER"
    twins.xnat.call("PUT", shared)
    words = ("resource", "OTHER", "NOTES", "-P", "P2", "--out", twins.out)
    ran = twins(*words, "--zip")
    assert ran.status == 0, ran.err
    assert ran.record["files"] == 2
    ran = twins(*words)
    assert (ran.status, ran.record["files"], ran.err) == (0, 2, "")
    assert not [one for one in twins.xnat.requests("GET") if one.path.endswith("report.txt")]


@pytest.mark.parametrize("damaged", [False, True])
def test_label_zip_follows_the_resource(twins: Downloader, damaged: bool) -> None:
    words = ("resource", "MR1", "NOTES", "--zip", "-P", "P1", "--out", twins.out)
    session = twins.xnat.has_session("P1", "S1", "MR1")
    twins.xnat.has_resource(session, "NOTES", {"a": b"old"})
    assert twins(*words).status == 0
    if damaged:
        (twins.out / "NOTES.zip").write_bytes(b"PK")
    twins.xnat.has_resource(session, "NOTES", {"b": b"new"})
    assert twins(*words).status == 0
    assert sorted(content(twins.out / "NOTES.zip")) == [b"new", b"old"]


def test_a_kept_archive_can_be_unpacked_again(download: Downloader) -> None:
    download.xnat.has_session("P1", "S1", "MR1", {"1": {"1/a": b"one", "b": b"two"}})
    assert download.session("MR1", "--zip").status == 0
    assert download("extract", download.out / "MR1", "--no-cleanup").status == 0
    assert download("extract", download.out / "MR1").status == 0
    top = "MR1/scans/1/resources/DICOM/files"
    assert download.files() == {f"{top}/1/a": b"one", f"{top}/b": b"two"}
    assert download("check", download.out).status == 0


def test_an_archive_that_stays_after_it_was_unpacked_can_be_unpacked_again(
    download: Downloader, monkeypatch: pytest.MonkeyPatch
) -> None:
    download.xnat.has_session("P1", "S1", "MR1", {"1": {"1/a": b"one"}})
    assert download.session("MR1", "--zip").status == 0
    unlink = Path.unlink

    def busy(path: Path, missing_ok: bool = False) -> None:
        if path.name == "scans.zip":
            raise PermissionError(path)
        unlink(path, missing_ok=missing_ok)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", busy)
        assert download("extract", download.out / "MR1").record["outcome"] == "failed"
    assert (download.out / "MR1/scans.zip").is_file()
    assert download("extract", download.out / "MR1").status == 0
    assert list(download.files()) == ["MR1/scans/1/resources/DICOM/files/1/a"]
    assert download("check", download.out).status == 0


@pytest.mark.parametrize("at_once", [True, False])
def test_an_archive_that_would_be_called_as_another_one_is_refused(
    download: Downloader, *, at_once: bool
) -> None:
    xnat = download.xnat
    session = xnat.has_session("P1", "S1", "MR1", {"1": {"a": b"one"}, "1_DICOM": {"a": b"two"}})
    above = {"session": "MR1", "session_id": session.id, "project": "P1"}
    uri = f"/data/experiments/{session.id}/scans/1/resources/DICOM"
    scan = {"kind": "scan", "id": "1_DICOM", **above}
    resource = {"kind": "resource", "label": "DICOM", "uri": uri, "scan": "1", **above}
    runs = [[scan, resource]] if at_once else [[scan], [resource]]
    ran = [download.records(*records, words=["--zip"]) for records in runs][-1]
    assert (ran.status, [one["outcome"] for one in ran.records].count("failed")) == (1, 1)
    assert download("check", download.out).status == 0


def test_labels_in_which_the_case_differs_have_an_archive_each(download: Downloader) -> None:
    resources = {"NOTES": {"a": b"one"}, "Notes": {"a": b"two"}}
    download.xnat.has_session("P1", "S1", "MR1", resources=resources)
    ran = download.session("MR1", "--zip", "--session-resources")
    assert ran.status == 0, ran.err
    assert {*download.files("MR1")} == {"resources_NOTES.zip", "resources_Notes.zip"}


def test_what_goes_into_an_assessor_and_comes_out_are_two_archives() -> None:
    out = Place("assessor", session="MR1", owner="FS", direction="out")
    groups = [
        Group(number, place, "DATA", "/u", "/u", "")
        for number, place in enumerate((out, replace(out, direction="in")))
    ]
    names = {_stem(group) for group in groups}
    assert names == {"assessors_FS_DATA", "assessors_FS_in_DATA"}


@pytest.mark.parametrize("words", [(), ("--no-cleanup",)])
def test_an_archive_is_removed_when_its_files_are_on_the_disk(
    download: Downloader, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    download.xnat.has_session("P1", "S1", "MR1", {"1": {"a": b"one"}})
    assert download.session("MR1", "--zip").status == 0
    synced: list[set[str]] = []
    monkeypatch.setattr(os, "sync", lambda: synced.append({*download.files("MR1")}))
    assert download("extract", download.out / "MR1", *words).status == 0
    both = {"scans.zip", "scans/1/resources/DICOM/files/a"}
    assert synced == [both] * (not words)


def test_an_archive_does_not_replace_what_came_after_it(download: Downloader) -> None:
    session = download.xnat.has_session("P1", "S1", "MR1", {"1": {"a": b"one"}})
    scan = download.xnat.store.items.scans(session.id)[0]
    assert download.session("MR1", "--zip").status == 0
    os.utime(download.out / "MR1/scans.zip", (0, 0))
    download.xnat.has_resource(scan, "DICOM", {"a": b"newer"})
    assert download.session("MR1").status == 0
    ran = download("extract", download.out / "MR1")
    assert ran.status == 1
    assert "holds other bytes than MR1/scans/1-T1w/resources/DICOM/files/a" in ran.err
    top = "scans/1/resources/DICOM/files"
    assert download.files("MR1")[f"{top}/a"] == b"newer"
    assert download.session("MR1", "--zip").record["files"] == 1
    (download.out / f"MR1/{top}/a").write_bytes(b"older")
    os.utime(download.out / f"MR1/{top}/a", (0, 0))
    assert download("extract", download.out / "MR1").status == 0
    assert download.files("MR1") == {f"{top}/a": b"newer"}


def test_an_archive_elsewhere_needs_no_folder_of_its_session(
    download: Downloader, tmp_path: Path
) -> None:
    for project in ("P1", "P2"):
        session = download.xnat.has_session(project, f"S-{project}", "MR1", {"1": {"a": b"a"}})
        download.xnat.has_resource(session, "NOTES", {"n": project.encode()})
    assert download.session("MR1").status == 0
    words = ("resource", "-P", "P2", "MR1", "NOTES", "--out", download.out)
    assert "holds session" in download(*words).err
    ran = download(*words, "--file", tmp_path / "notes.zip")
    assert ran.status == 0, ran.err
    assert content(tmp_path / "notes.zip") == [b"P2"]
