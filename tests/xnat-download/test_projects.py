"""Projects and subjects, whose sessions come one after the other from one listing."""

from __future__ import annotations

import pytest
from werkzeug import Response

from support.downloads import Downloader, Spoiler, ends_at

SCANS: dict[str, dict[str, bytes]] = {"1": {"a.dcm": b"aaa"}}
PROJECT = {"kind": "project", "id": "P1"}


def test_a_listing_of_sessions_that_is_cut_short_fails_the_project(download: Downloader) -> None:
    for number in range(20):
        download.xnat.has_session("P1", "S1", f"MR{number}", SCANS)
    Spoiler(download.xnat, "/projects/P1/experiments", ends_at(0.5), times=99)
    ran = download.records(PROJECT)
    assert (ran.status, ran.of("project")[0]["outcome"]) == (4, "failed"), ran.err


def test_sessions_that_cannot_be_listed_fail_the_project_whose_resources_came(
    download: Downloader,
) -> None:
    xnat = download.xnat
    xnat.has_session("P1", "S1", "MR1", SCANS)
    xnat.has_resource(xnat.has_project("P1"), "DOCS", {"d.txt": b"d"})
    listing = "/data/projects/P1/experiments"
    xnat.before(lambda request: Response(status=403) if request.path == listing else None)
    ran = download.records(PROJECT, words=["--session-resources"])
    assert ran.status == 6, ran.err
    assert ran.of("project")[0]["outcome"] == "failed"
    assert download.files() == {"projects/P1/resources/DOCS/files/d.txt": b"d"}


@pytest.mark.parametrize("unreadable", ["projects/P1", "subjects/XNAT_S00001"])
def test_resources_that_cannot_be_read_leave_the_sessions(
    download: Downloader, unreadable: str
) -> None:
    xnat = download.xnat
    xnat.has_session("P1", "S1", "MR1", SCANS)
    xnat.has_session("P1", "S2", "MR2", SCANS)
    xnat.before(
        lambda request: (
            Response(status=403) if request.path == f"/data/{unreadable}/resources" else None
        )
    )
    ran = download.records(PROJECT, words=["--session-resources"])
    assert (ran.status, ran.of("project")[0]["outcome"]) == (6, "failed"), ran.err
    assert [one["label"] for one in ran.of("subject")] == ["S1"] * unreadable.startswith("subject")
    assert len(download.files()) == 2
