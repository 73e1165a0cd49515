"""Sessions and scans in the prearchive, listed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from werkzeug.wrappers import Response

from support.imports import send_object
from support.listings import listing
from support.sandbox import XNAT
from support.staging import dicom_bytes
from xnat_core.client import XNATClient
from xnat_core.imports import staged_files
from xnat_core.prearchive import Prearchive

if TYPE_CHECKING:
    from conftest import Run, Stage


def test_list_tells_address_and_status(run: Run, stage: Stage) -> None:
    project, timestamp, name = stage()
    status, records, _ = run("list", "-P", "P1")
    assert status == 0
    assert [(r["id"], r["status"], r["subject"]) for r in records] == [
        (f"{project}/{timestamp}/{name}", "READY", "S1")
    ]


def test_an_unknown_project_is_not_an_empty_list(run: Run) -> None:
    assert run("list", "-P", "NOPE")[0] == 5
    assert run("list", "-P", "P1")[:2] == (0, [])


@pytest.mark.parametrize("command", ["archive", "wait", "rebuild", "scans", "delete"])
def test_an_unknown_project_is_told_as_that(run: Run, command: str) -> None:
    # The server answers with an error of its own (500).
    status, _, err = run(command, "NOPE", "20240502_101500123", "E1")
    assert status == 5
    assert "project 'NOPE' not found" in err


def test_the_reason_is_the_latest_entry_of_the_log_in_whatever_order_it_comes(
    run: Run, stage: Stage, xnat: XNAT
) -> None:
    # Entries are files of a folder, called by the time in milliseconds.
    words = stage()
    xnat.call("POST", f"/data/prearchive/projects/{'/'.join(words)}?action=set-status&status=ERROR")
    entries = {"1714644900123": "first", "1714644902123": "last", "1714644901123": "second"}
    log = [{"id": id, "date": "", "entry": entry} for id, entry in entries.items()]
    body = json.dumps({"ResultSet": {"Result": [*log, {"id": "directArchive7", "entry": "older"}]}})
    xnat.fails("GET", f"/data/prearchive/projects/{'/'.join(words)}/logs", 200, body=body)
    status, _, err = run("wait", *words)
    assert (status, ": last" in err) == (1, True), err


def test_a_project_is_listed_without_what_nobody_owns(run: Run, stage: Stage, xnat: XNAT) -> None:
    stage()
    send_object(xnat, dicom_bytes(), "a.dcm")
    assert [r["project"] for r in run("list", "-P", "P1")[1]] == ["P1"]
    assert [r["project"] for r in run("list", "-P", "Unassigned")[1]] == ["Unassigned"]
    assert sorted(r["project"] for r in run("list")[1]) == ["P1", "Unassigned"]


def test_scans_are_records_of_their_own_kind(run: Run, stage: Stage) -> None:
    status, records, _ = run("scans", *stage())
    assert status == 0
    assert [(r["kind"], r["id"], r["file_count"]) for r in records] == [
        ("prearchive_scan", "1", 2),
        ("prearchive_scan", "2", 2),
    ]


@pytest.mark.parametrize("category", ["", "scan", "SCANS"])
def test_scans_are_told_whatever_the_server_calls_their_category(
    run: Run, stage: Stage, xnat: XNAT, category: str
) -> None:
    words = stage()
    known = {"label": "DICOM", "file_count": "2", "category": category}
    own = {"label": "LOGS", "file_count": "5", "category": "resources", "cat_id": ""}
    rows = [{**known, "cat_id": "1"}, {**known, "cat_id": "2"}, own]
    body = listing(rows)
    xnat.before(lambda r: Response(body) if r.path.endswith("/resources") else None)
    _, records, _ = run("scans", *words)
    assert [(record["id"], record["file_count"]) for record in records] == [("1", 2), ("2", 2)]
    prearchive = Prearchive(XNATClient(xnat.url, "admin", "admin"))
    (entry,) = prearchive.entries("P1")
    assert {file.scan for file in staged_files(prearchive, entry)} == {"1", "2"}


def test_files_of_a_scan_that_are_no_images_are_counted(run: Run, stage: Stage, xnat: XNAT) -> None:
    words = stage()
    (images,) = xnat.data.rglob("E1/SCANS/2/DICOM")
    images.rename(images.with_name("secondary"))
    _, records, _ = run("scans", *words)
    assert [(record["id"], record["file_count"]) for record in records] == [("1", 2), ("2", 2)]
    assert len(xnat.requests("GET", "/data/prearchive/projects/P1/" + words[1])) == 3
