"""Archives that were kept are unpacked later."""

from __future__ import annotations

import zipfile

import pytest

from support.downloads import Downloader
from support.kept import FILES, named


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
