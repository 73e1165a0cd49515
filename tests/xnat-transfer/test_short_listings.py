"""A source whose listings do not have all that others tell of: what is left out is no success."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from support.sandbox import XNAT
from support.transfers import Transfer, everything

Row = dict[str, Any]
SESSION = "/data/experiments/XNAT_E00001"


def leaves_out(
    xnat: XNAT, listing: str, rows: Callable[[Row], bool], times: int | None = None
) -> None:
    """Answer a listing without these rows, always or the next `times`."""
    answered: list[str] = []

    def shorten(request: Request, response: Response) -> None:
        if request.method == "GET" and re.fullmatch(listing, request.path):
            answered.append(request.path)
            if times is not None and len(answered) > times:
                return
            listed = json.loads(response.data)["ResultSet"]
            listed["Result"] = [row for row in listed["Result"] if not rows(row)]
            response.data = json.dumps({"ResultSet": listed})

    xnat.app.after(shorten)


@pytest.mark.parametrize("listing", ["scans", "assessors"])
def test_what_has_resources_and_is_not_listed_is_a_failure(
    transfer: Transfer, listing: str
) -> None:
    session = transfer.has_session("S1", "S1_MR1", "MR", "MR")
    with transfer.source.store.database.transaction():
        assessor = transfer.source.store.items.create_experiment(
            "A", "QC", "xnat:qcManualAssessorData", session_id=session.id
        )
    transfer.source.has_resource(assessor, "REPORT", {"report.html": b"<html>"})
    leaves_out(transfer.source, f"{SESSION}/{listing}", lambda row: row["ID"] in ("2", assessor.id))
    ran = transfer()
    assert ran.status == 1
    assert "has resources, and the source does not list it" in ran.err
    assert ran.of("session")[0]["outcome"] == "failed"


def test_scans_that_a_rule_keeps_need_not_be_listed(transfer: Transfer) -> None:
    transfer.has_session("S1", "S1_MR1", "MR", resources={"NOTES": {"a.txt": b"a"}})
    leaves_out(transfer.source, f"{SESSION}/scans", lambda row: True)
    rules = {"xsi_type": "xnat:mrSessionData", "scan_types": {"sync_type": "none"}}
    filtering = {"imaging_sessions": {"xsi_types": [rules]}}
    ran = transfer("--config", transfer.config(filtering=filtering))
    assert ran.status == 0, ran.err
    assert list(everything(transfer.dest, "B")) == ["/S1/S1_MR1/NOTES/a.txt"]


@pytest.mark.parametrize(
    ("listing", "resource"),
    [
        (f"{SESSION}/files", "DICOM"),
        (f"{SESSION}/files", "NOTES"),
        ("/data/projects/A/resources/PLAN/files", "PLAN"),
    ],
)
def test_a_resource_that_has_files_by_its_count_and_none_by_its_listing_is_a_failure(
    transfer: Transfer, listing: str, resource: str
) -> None:
    transfer.has_session("S1", "S1_MR1", "MR", resources={"NOTES": {"a.txt": b"a"}})
    project = transfer.source.has_project("A")
    transfer.source.has_resource(project, "PLAN", {"plan.txt": b"plan"})
    leaves_out(transfer.source, listing, lambda row: row["collection"] == resource)
    ran = transfer()
    assert ran.status == 1
    assert "the server lists no files, but counts" in ran.err


@pytest.mark.parametrize("listing", [f"{SESSION}/files", "/data/projects/A/resources/PLAN/files"])
@pytest.mark.parametrize("times", [1, 2])
def test_a_listing_that_falls_short_of_the_count_is_asked_for_once_more(
    transfer: Transfer, listing: str, times: int
) -> None:
    files = {"a.txt": b"a"}
    session = transfer.has_session("S1", "S1_MR1", "MR", resources={"NOTES": files})
    project = transfer.source.has_project("A")
    transfer.source.has_resource(project, "PLAN", files)
    assert transfer().status == 0
    for owner, label in ((session, "NOTES"), (project, "PLAN")):
        transfer.source.has_resource(owner, label, {"b.txt": b"b"})
    leaves_out(transfer.source, listing, lambda row: row["Name"] == "b.txt", times)
    ran = transfer()
    assert ran.status == 0, ran.err
    arrived = [name for name in everything(transfer.dest, "B") if name.endswith("/b.txt")]
    # Numbers may be old ones: what falls short twice is believed.
    assert len(arrived) == (2 if times == 1 else 1)


def test_a_session_that_is_missing_in_the_listing_of_its_subject_is_transferred(
    transfer: Transfer,
) -> None:
    for label in ("S1_MR1", "S1_MR2"):
        transfer.has_session("S1", label, "MR")
    leaves_out(
        transfer.source,
        "/data/projects/A/subjects/[^/]+/experiments",
        lambda row: row["label"] == "S1_MR2",
    )
    ran = transfer()
    assert ran.status == 0, ran.err
    assert everything(transfer.source, "A") == everything(transfer.dest, "B") != {}


@pytest.mark.parametrize("whose", ["projects/A", "subjects/[^/]+"])
def test_a_resource_beside_the_sessions_whose_files_are_not_listed_is_a_failure(
    transfer: Transfer, whose: str
) -> None:
    source = transfer.source
    for owner in (source.has_project("A"), source.has_subject("A", "S1")):
        source.has_resource(owner, "DOCS", {"d.txt": b"d"})
    leaves_out(source, f"/data/.*{whose}/resources/[^/]+/files", lambda row: True)
    ran = transfer()
    assert (ran.status, "counts 1" in ran.err) == (1, True), ran.err
    assert [r.get("outcome") for r in ran.records].count("failed") == 1
