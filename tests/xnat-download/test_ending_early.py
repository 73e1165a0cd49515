"""A download that ends at a bound."""

from __future__ import annotations

import pytest

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


def test_nothing_new_is_begun_after_enough_bytes(
    download: Downloader, scans: list[dict[str, str]]
) -> None:
    many = scans * 20
    ran = download.records(*many, words=["--max-bytes=100", "-w1"])
    assert ran.status == 0
    assert "max-bytes" in {record.get("reason") for record in ran.records}


def test_a_bound_that_cannot_be_read_is_wrong_usage(download: Downloader) -> None:
    assert download.records(words=["--max-bytes=plenty"]).status == 2
