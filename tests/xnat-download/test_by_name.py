"""What is named on the command line instead of read from standard input."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.downloads import Downloader

SCANS = {"1": {"a.dcm": b"a" * 1000, "sub/b.dcm": b"b" * 10}, "2-MR1": {"c.dcm": b""}}


def test_a_session_by_name(download: Downloader) -> None:
    download.xnat.has_session("P1", "S1", "MR.1", SCANS)
    ran = download("session", "-E", "MR.1", "-P", "P1", "--out", download.out, "--name", "x")
    assert ran.status == 0, ran.err
    assert len(download.files("x/scans")) == 3


def test_scans_by_name(download: Downloader) -> None:
    download.xnat.has_session("P1", "S1", "MR1", SCANS)
    words = ["scans", "-E", "MR1", "-P", "P1", "-S", "S1", "--out", download.out]
    assert download(*words).status == 2
    assert download(*words, "-s", "2-MR1").status == 0
    assert list(download.files("MR1/scans")) == ["2-MR1/resources/DICOM/files/c.dcm"]
    assert download(*words, "-s", "*").status == 0
    assert len(download.files("MR1/scans")) == 3


def test_a_resource_by_name(download: Downloader) -> None:
    xnat = download.xnat
    xnat.has_session("P1", "S1", "MR1", SCANS, resources={"NOTES": {"n.txt": b"n"}})
    xnat.has_resource(xnat.has_project("P1"), "DOCS", {"d.txt": b"d"})
    here = ("-P", "P1", "--out", download.out)
    assert download("resource", "MR1", "NOTES", *here).status == 0
    assert download("resource", "-E", "MR1", "DICOM", "--scan", "1", *here).status == 0
    assert download("resource", "DOCS", *here).status == 0
    assert len(download.files()) == 4
    assert download("resource", "MR1", "NOPE", *here).status == 5


def test_old_spellings_work_and_say_so(download: Downloader) -> None:
    download.xnat.has_session("P1", "S1", "MR1", SCANS)
    words = ["session", "--session", "MR1", "-P", "P1", "--out", download.out]
    ran = download(*words, "--unzip", "--no-parallel", "--include-resources", "--cleanup")
    assert ran.status == 0, ran.err
    assert ran.err.count("warning: ") == 5
    assert len(download.files()) == 3


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--out", "x", "--check", "y"],
        ["--out", "x", "--layout", "{nope}/{name}"],
        ["--out", "x", "--layout", "../{name}"],
        ["--out", "x", "--layout", "{session}"],
        ["--out", "x", "-r", "A", "--exclude-resource", "B"],
        ["--out", "x", "--zip", "--layout", "{name}"],
        ["--out", "x", "--scans", ","],
        ["session", "-E", "x", "--name", "a/b"],
        ["resource", "x", "A", "--name", ".."],
        ["resource", "--name", "x", "-"],
        ["resource", "--file", "x.zip"],
        ["session", "-E", "x", "--zip", "--extract"],
        ["resource", "a", "b", "c"],
        ["check"],
        ["check", "x", "--workers", "0"],
    ],
)
def test_wrong_usage_touches_nothing(
    download: Downloader, words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = download(*words)
    assert ran.status == 2, ran.records
    assert ran.records == []
    assert ran.err.count("\n") == 1
    assert not download.xnat.requests("GET", "/data/")
    assert not (tmp_path / "x").exists()
