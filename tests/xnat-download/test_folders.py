"""Which folder belongs to what: names that collide, that mislead, that are another's."""

from __future__ import annotations

from pathlib import Path

import pytest
from werkzeug.wrappers import Request, Response

from support.downloads import Downloader
from xnat_core.errors import DownloadError
from xnat_download import disk
from xnat_download.disk import Tree


def test_names_that_differ_in_case_collide_where_the_disk_folds_them(
    download: Downloader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "is_case_insensitive", lambda folder: True)
    files = {"a.dcm": b"1", "A.dcm": b"2", "b.dcm": b"3"}
    download.xnat.has_session("P1", "S1", "MR1", {"1": files})
    ran = download.session("MR1")
    assert ran.status == 2
    assert "the same name on this disk" in ran.of("file")[0]["error"]["message"]
    assert len(download.files()) == 2


@pytest.mark.parametrize("label", ["projects", "subjects"])
def test_a_session_cannot_have_the_folder_of_projects(download: Downloader, label: str) -> None:
    download.xnat.has_session("P1", "S1", label, {"1": {"a": b"a"}})
    ran = download.session(label)
    assert ran.status == 2
    assert "--layout" in ran.err


def test_a_folder_named_like_the_scan_is_told_apart(download: Downloader) -> None:
    files = {"1/a": b"in 1", "1-T1w/a": b"in 1-T1w", "1-T1w/b": b"b", "x/1": b"leaf"}
    download.xnat.has_session("P1", "S1", "MR1", {"1": files})
    ran = download.session("MR1")
    assert ran.status == 0, ran.err
    assert download.files("MR1/scans/1/resources/DICOM/files") == files


def test_the_same_without_digests_is_asked_for_singly(download: Downloader) -> None:
    files = {"1/a": b"one", "1-T1w/a": b"two"}
    download.xnat.has_session("P1", "S1", "MR1", {"1": files})
    download.xnat.store.database.execute("UPDATE file SET digest=''")
    ran = download.session("MR1")
    assert ran.status == 0, ran.err
    assert download.files("MR1/scans/1/resources/DICOM/files") == files


def test_a_name_that_holds_the_accession_id_is_found(download: Downloader) -> None:
    files = {"XNAT_E00001_x.nii": b"1", "d/XNAT_E00001": b"2", "MR1.txt": b"3"}
    download.xnat.has_session("P1", "S1", "MR1", {"1": files})
    ran = download.session("MR1")
    assert ran.status == 0, ran.err
    assert download.files("MR1/scans/1/resources/DICOM/files") == files
    assert len(download.fetched()) == 1


def test_what_is_moved_away_meanwhile_is_no_success(download: Downloader) -> None:
    scans = {"1": {"a.dcm": b"one"}, "2": {"b.dcm": b"two"}}
    download.xnat.has_session("P1", "S1", "MR1", scans)
    first = download.out / "MR1" / "scans" / "1"

    def move(request: Request) -> Response | None:
        if "/scans/2/" in request.path and first.exists():
            first.rename(download.out / "elsewhere")
        return None

    download.xnat.before(move)
    ran = download.session("MR1", "--workers", "1")
    assert ran.status == 1
    assert "of what came, 1 file is no longer there" in ran.record["error"]["message"]
    manifest = (download.out / "MR1" / "manifest.ndjson").read_text()
    assert "b.dcm" in manifest and "a.dcm" not in manifest
    assert download.session("MR1").record["files"] == 1
    assert (first / "resources" / "DICOM" / "files" / "a.dcm").read_bytes() == b"one"


@pytest.mark.parametrize("digest", ["digest", "''"])
def test_what_a_failed_run_has_left_is_not_taken_for_another_session(
    download: Downloader, digest: str
) -> None:
    download.xnat.has_session("P1", "S1", "MR1", {"1": {"a.dcm": b"one", "b.dcm": b"bad"}})
    download.xnat.has_session("P2", "S2", "MR1", {"1": {"a.dcm": b"two", "b.dcm": b"too"}})
    download.xnat.store.database.execute(f"UPDATE file SET digest={digest}")

    def refuse(request: Request) -> Response | None:
        is_archive = request.args.get("format") in ("tar", "zip")
        return Response(status=404) if is_archive or request.path.endswith("b.dcm") else None

    download.xnat.before(refuse)
    assert download.session("MR1").status == 5
    assert download.files() == {"MR1/scans/1/resources/DICOM/files/a.dcm": b"one"}
    ran = download.session("MR1", project="P2")
    assert ran.status == 1
    assert "holds session XNAT_E00001" in ran.err
    assert list(download.files().values()) == [b"one"]


def test_a_folder_that_got_no_file_is_nobodys(download: Downloader) -> None:
    download.xnat.has_session("P1", "S1", "MR1", {"1": {"a.dcm": b"one"}})
    download.xnat.has_session("P2", "S2", "MR1", {"1": {"a.dcm": b"two"}})

    def refuse(request: Request) -> Response | None:
        lost = "E00001" in request.path and "format=json" not in request.full_path
        return Response(status=404) if lost and "/files" in request.path else None

    download.xnat.before(refuse)
    assert download.session("MR1").status == 5
    assert download.session("MR1", project="P2").status == 0
    assert list(download.out.rglob(".*")) == []


@pytest.mark.parametrize("at_once", [True, False])
def test_subjects_of_one_label_are_kept_apart(download: Downloader, at_once: bool) -> None:
    for project, text in (("P1", b"one"), ("P2", b"two")):
        subject = download.xnat.has_subject(project, "S1")
        download.xnat.has_resource(subject, "CONSENT", {"c.pdf": text})
    words = ["--session-resources"]
    first, second = (
        {"kind": "subject", "label": "S1", "project": project} for project in ("P1", "P2")
    )
    if at_once:
        assert download.records(first, second, words=words).status == 1
    else:
        assert download.records(first, words=words).status == 0
        assert download.records(second, words=words).status == 1
    # Of those that come together either may be the first.
    assert list(download.files().values()) in ([b"one"], [b"two"] if at_once else [b"one"])


@pytest.mark.parametrize(("one", "other"), [("Mr1", "mR1"), ("Zo\u00eb", "Zoe\u0308")])
def test_folders_that_are_one_on_some_disks_have_one_owner(
    tmp_path: Path, one: str, other: str
) -> None:
    tree = Tree(tmp_path)
    tree.claim(one, "session E1", "move it")
    with pytest.raises(DownloadError, match="belongs to session E1 already, not to session"):
        tree.claim(other, "session E2", "move it")
