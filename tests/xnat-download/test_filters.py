"""Filters choose what is fetched, and what matches nothing is told."""

from __future__ import annotations

import pytest

from support.downloads import Downloader

SCANS = {"1": {"a.dcm": b"a" * 1000, "sub/b.dcm": b"b" * 10}, "2-MR1": {"c.dcm": b""}}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["-s", "1"], {"scans/1/resources/DICOM/files/a", "scans/1/resources/NIFTI/files/b.nii"}),
        (["-r", "NIFTI"], {"scans/1/resources/NIFTI/files/b.nii"}),
        (["-r", "NIFTI", "-r", "NOTES", "--session-resources"], {
            "scans/1/resources/NIFTI/files/b.nii", "resources/NOTES/files/n.txt"}),
        (["--exclude-resource", "DICOM"], {"scans/1/resources/NIFTI/files/b.nii"}),
        (["--pattern", "*.nii"], {"scans/1/resources/NIFTI/files/b.nii"}),
    ],
)  # fmt: skip
def test_filters_choose(download: Downloader, words: list[str], expected: set[str]) -> None:
    xnat = download.xnat
    session = xnat.has_session(
        "P1", "S1", "MR1", {"1": {"a": b"a"}, "2": {"a": b"a"}}, resources={"NOTES": {"n.txt": b""}}
    )
    xnat.has_scan(session, "1", {"b.nii": b"b"}, resource="NIFTI")
    ran = download.session("MR1", *words)
    assert ran.status == 0, ran.err
    assert set(download.files("MR1")) == expected


def test_a_scan_without_the_wanted_resource_is_no_error(download: Downloader) -> None:
    session = download.xnat.has_session("P1", "S1", "MR1", SCANS)
    record = {"kind": "scan", "id": "1", "session": "MR1", "session_id": session.id}
    ran = download.records(record, words=["-r", "NIFTI", "--verify"])
    assert (ran.status, ran.record["outcome"], ran.record["skipped"]) == (0, "skipped", 0)


def test_filters_that_match_nothing_are_told(download: Downloader) -> None:
    scans = {"1": {"a.dcm": b"a"}, "2": {"b.dcm": b"b"}}
    download.xnat.has_session("P1", "S1", "MR1", scans, resources={"NOTES": {"n": b"n"}})
    ran = download.session("MR1", "-r", "NOTES")
    assert (ran.status, ran.record["outcome"]) == (0, "skipped")
    assert "--session-resources" in ran.err
    assert "warning" in download.session("MR1", "--pattern", "*.txt").err
    for words in (["-s", "1"], ["-r", "DICOM"], ["-r", "DICOM", "--dry-run"]):
        assert "warning" not in download.session("MR1", *words).err


def test_a_command_names_no_option_that_it_does_not_have(download: Downloader) -> None:
    session = download.xnat.has_session("P1", "S1", "MR1", SCANS)
    ran = download("scans", "-E", session.id, "-s", "1", "-r", "NOTES", "--out", download.out)
    assert (ran.status, ran.record["outcome"]) == (0, "skipped")
    assert "warning: no files of that resource or pattern" in ran.err
    assert "--session-resources" not in ran.err


def test_verify_of_nothing_says_that_nothing_was_found(download: Downloader) -> None:
    download.xnat.has_session("P1", "S1", "MR1", SCANS)
    ran = download.session("MR1", "--verify", "--pattern", "*.json")
    assert (ran.status, ran.record["outcome"]) == (8, "failed")
    assert "nothing could be verified: no files were found here" in ran.err
