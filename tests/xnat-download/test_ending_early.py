"""A download that ends at a bound."""

from __future__ import annotations

import pytest

from support.clock import time_is_over_at
from support.downloads import Downloader
from support.sandbox import XNAT


@pytest.fixture
def scans(xnat: XNAT) -> list[dict[str, str]]:
    """Three scans of a hundred bytes."""
    files = {str(number): {"a.dcm": b"x" * 100} for number in (1, 2, 3)}
    session = xnat.has_session("P1", "S1", "E1", scans=files)
    return [{"kind": "scan", "id": id, "session_id": session.id} for id in files]


@pytest.mark.parametrize(
    ("bound", "reason"), [("--max-items=1", "max-items"), ("--max-duration=0", "max-duration")]
)
def test_what_is_left_is_skipped_with_the_reason_and_taken_up_by_the_next_run(
    download: Downloader, scans: list[dict[str, str]], bound: str, reason: str
) -> None:
    ran = download.records(*scans, words=[bound])
    left = [record for record in ran.records if record.get("reason") == reason]
    assert ran.status == 0
    assert {record["outcome"] for record in left} == {"skipped"}
    assert len(left) == 3 - (reason == "max-items")
    assert len(list(download.out.rglob("a.dcm"))) == 3 - len(left)
    assert download.records(*scans).status == 0
    assert len(list(download.out.rglob("a.dcm"))) == 3


@pytest.mark.parametrize("form", [[], ["--zip"]])
def test_the_same_command_goes_on_behind_what_is_there(
    download: Downloader, scans: list[dict[str, str]], form: list[str]
) -> None:
    words = ["--max-items=1", *form]
    planned = download.records(*scans, words=[*words, "--dry-run"])
    assert [one["outcome"] for one in planned.records].count("planned") == 1
    for run in (1, 2, 3):
        ran = download.records(*scans, words=words)
        assert (ran.status, len(list(download.out.rglob("*.zip" if form else "a.dcm")))) == (0, run)
    last = download.records(*scans, words=words)
    assert [one.get("reason") for one in last.records] == [None] * 3


def test_nothing_new_is_begun_after_enough_bytes(
    download: Downloader, scans: list[dict[str, str]]
) -> None:
    many = scans * 20
    ran = download.records(*many, words=["--max-bytes=100", "-w1"])
    assert ran.status == 0
    assert "max-bytes" in {record.get("reason") for record in ran.records}


def test_a_bound_that_cannot_be_read_is_wrong_usage(download: Downloader) -> None:
    assert download.records(words=["--max-bytes=plenty"]).status == 2


def test_a_session_stops_between_two_files_and_is_completed_by_the_next_run(
    download: Downloader, xnat: XNAT, monkeypatch: pytest.MonkeyPatch
) -> None:
    scans = {str(n): {f"{f}.dcm": bytes([n]) * 100 for f in range(4)} for n in range(3)}
    xnat.has_session("P1", "S1", "E1", scans=scans)
    with monkeypatch.context() as patched:
        time_is_over_at(patched, xnat, "GET", "format=tar")
        ran = download.session("E1", "-w1", "--max-duration=1h", "--session-resources")
    record = ran.record
    assert (ran.status, record["outcome"], record["reason"]) == (0, "skipped", "max-duration")
    assert len(download.files()) == record.get("files", 0) < 12
    assert not list(download.out.rglob("manifest.ndjson"))
    last = download.session("E1", "-w1")
    assert (last.status, last.record["outcome"]) == (0, "done")
    assert last.record["files"] == 12 - record.get("files", 0)
    assert len(download.files()) == 12


def test_a_project_whose_sessions_are_left_is_left(
    download: Downloader, xnat: XNAT, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2):
        files = {"1": {"a.dcm": b"a" * 100}}
        xnat.has_session("P1", f"S{number}", f"E{number}", scans=files)
    project = {"kind": "project", "id": "P1"}
    with monkeypatch.context() as patched:
        time_is_over_at(patched, xnat, "GET", "format=tar", nth=2)
        ran = download.records(project, words=["-w1", "--max-duration=1h"])
    assert (ran.status, ran.record["outcome"], ran.record["reason"]) == (
        0,
        "skipped",
        "max-duration",
    )
    assert download.records(project).record["outcome"] == "done"
    assert len(download.files()) == 2


@pytest.mark.parametrize("verb", ["session", "scans", "resource"])
def test_the_commands_for_named_objects_have_bounds(
    download: Downloader, scans: list[dict[str, str]], verb: str
) -> None:
    named = {
        "session": ["-E", "E1", "-P", "P1"],
        "scans": ["-E", "E1", "-P", "P1", "-s", "1"],
        "resource": ["E1", "DICOM", "-P", "P1", "--scan", "1"],
    }
    ran = download(verb, *named[verb], "--out", download.out, "--max-duration=0")
    assert (ran.status, ran.record["reason"]) == (0, "max-duration")
