"""How waiting, building and planning end, apart from READY."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from werkzeug.wrappers import Request, Response

from support.imports import rows, send_object
from support.sandbox import XNAT
from xnat_core.client import XNATClient
from xnat_core.errors import ServerError
from xnat_core.prearchive import Prearchive
from xnat_sandbox.samples import write_series

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Run, Stage


def changes(xnat: XNAT) -> list[str]:
    return [
        f"{request.method} {request.path}"
        for request in xnat.requests()
        if request.method != "GET" and "JSESSION" not in request.path
    ]


def test_a_wait_that_ends_in_a_conflict_is_a_failure_with_its_reason(
    run: Run, stage: Stage
) -> None:
    run("archive", *stage())
    words = stage()
    run("archive", *words)
    status, records, err = run("wait", *words)
    assert (status, records[0]["status"], records[0]["outcome"]) == (1, "CONFLICT", "failed")
    assert "Session already exists" in err


def test_a_wait_for_what_is_archived_gives_the_session(run: Run, stage: Stage) -> None:
    words = stage()
    run("archive", *words)
    status, records, _ = run("wait", *words)
    assert (status, records[0]["kind"], records[0]["label"]) == (0, "session", "E1")


@pytest.mark.parametrize("command", ["rebuild", "wait"])
def test_what_cannot_be_read_is_a_failure(command: str, run: Run, stage: Stage, xnat: XNAT) -> None:
    words = stage()
    for file in xnat.data.rglob("E1/SCANS/*/DICOM/*.dcm"):
        file.write_bytes(b"no image")
    assert run("rebuild", *words)[0] == 1
    status, records, _ = run(command, *words)
    assert (status, records[0]["outcome"]) == (1, "failed")
    assert [row["status"] for row in rows(xnat)] == ["ERROR"]


def test_a_record_of_a_row_that_is_gone_needs_no_delete(run: Run, stage: Stage, xnat: XNAT) -> None:
    stage()
    _, listed, _ = run("list")
    run("delete", "--yes", records=listed)
    before = changes(xnat)
    status, records, _ = run("delete", "--yes", records=listed)
    assert (status, records[0]["outcome"]) == (0, "skipped")
    assert changes(xnat) == before


def test_a_dry_run_of_a_move_moves_nothing(run: Run, stage: Stage, xnat: XNAT) -> None:
    words = stage()
    status, records, _ = run("move", *words, "P2", "--dry-run")
    assert (status, records[0]["outcome"], records[0]["target"]) == (0, "planned", "P2")
    assert [row["project"] for row in rows(xnat)] == ["P1"]


def test_a_dry_run_of_an_archive_builds_nothing(run: Run, xnat: XNAT, tmp_path: Path) -> None:
    # What has been built stays READY where it would have been archived by itself.
    xnat.settings.rebuild_idle = 3600.0
    (file,) = write_series(tmp_path / "one", instances=1)
    send_object(xnat, file.read_bytes(), "a.dcm", PROJECT_ID="P1", SUBJECT_ID="S1", EXPT_LABEL="E9")
    before = changes(xnat)
    _, listed, _ = run("list")
    status, records, _ = run("archive", "--dry-run", records=listed)
    assert (status, records[0]["outcome"]) == (0, "planned")
    assert [row["status"] for row in rows(xnat)] == ["RECEIVING"]
    assert changes(xnat) == before


@pytest.mark.parametrize("command", ["archive", "wait"])
def test_another_study_in_the_archive_is_not_what_has_become_of_a_row(
    command: str, run: Run, stage: Stage, xnat: XNAT
) -> None:
    stage()
    _, listed, _ = run("list")
    run("delete", "--yes", records=listed)
    xnat.has_session("P1", "S1", "E1", UID="9.9.9")
    status, records, _ = run(command, records=listed)
    assert (status, records[0]["outcome"]) == (5, "failed")


@pytest.mark.parametrize("body", ["", '{"ResultSet":{"Result":[', "<html>busy</html>", "{}", "7"])
def test_a_dry_run_whose_answer_cannot_be_read_plans_nothing(
    body: str, run: Run, stage: Stage, xnat: XNAT
) -> None:
    words = stage()
    xnat.fails("POST", "/data/services/validate-archive", 200, times=9, body=body)
    status, records, err = run("archive", *words, "--dry-run")
    assert (status != 0, records[0]["outcome"]) == (True, "failed")
    assert "Traceback" not in err


@pytest.mark.parametrize("status", [404, 502, 500])
def test_a_row_that_waits_is_not_taken_for_what_was_archived_before(
    status: int, run: Run, stage: Stage, xnat: XNAT
) -> None:
    run("archive", *stage())
    words = stage()
    xnat.fails("POST", "/data/services/archive", status, times=9)
    answered, records, err = run("archive", *words, "--timeout", "1")
    assert (answered != 0, records[0]["outcome"]) == (True, "failed"), err
    assert [row["status"] for row in rows(xnat)] == ["READY"]


@pytest.mark.parametrize("status", [502, 500])
def test_an_archive_that_did_nothing_is_no_conflict(status: int, stage: Stage, xnat: XNAT) -> None:
    words = stage()
    xnat.fails("POST", "/data/services/archive", status, times=9)
    with XNATClient(xnat.url, *xnat.admin) as client:
        prearchive = Prearchive(client)
        (entry,) = prearchive.entries("P1")
        assert entry.timestamp == words[1]
        # A conflict may be overridden: what nobody has refused must not be called one.
        with pytest.raises(ServerError):
            prearchive.archive(entry)


def test_a_row_of_a_project_that_cannot_be_seen_any_more_is_not_called_deleted(
    run: Run, stage: Stage, xnat: XNAT
) -> None:
    words, lost = stage(), list[str]()

    def lose(request: Request) -> Response | None:
        # Who has lost the rights meanwhile is answered as if there were no such project.
        if request.method == "DELETE" and "JSESSION" not in request.path:
            lost.append(request.path)
        if not lost or "JSESSION" in request.path:
            return None
        return Response(status=404 if request.path == "/data/projects/P1" else 500)

    xnat.before(lose)
    status, records, err = run("delete", *words, "--yes")
    assert (status != 0, records[0]["outcome"]) == (True, "failed"), err
    lost.clear()
    assert len(rows(xnat)) == 1


def test_a_label_with_a_space_is_read_whole_from_the_answer(
    run: Run, stage: Stage, xnat: XNAT
) -> None:
    words = stage()
    xnat.has_session("P1", "S1", "E 1")

    def archived(request: Request) -> Response | None:
        if request.path == "/data/services/archive":
            return Response("/data/archive/projects/P1/subjects/S1/experiments/E 1\r\n")
        return None

    xnat.before(archived)
    status, records, err = run("archive", *words)
    assert (status, records[0]["label"], records[0]["outcome"]) == (0, "E 1", "done"), err


def test_a_refusal_that_comes_as_a_page_is_told_in_its_words(
    run: Run, stage: Stage, xnat: XNAT
) -> None:
    words = stage()
    page = "<html><body><h3>FAILED: Session already exists</h3></body></html>"

    def refuses(request: Request) -> Response | None:
        if request.path == "/data/services/archive":
            return Response(page, content_type="text/html")
        return None

    xnat.before(refuses)
    status, _, err = run("archive", *words)
    assert status == 1
    assert "FAILED: Session already exists" in err
    assert "<" not in err


def test_a_session_whose_id_is_the_label_of_a_row_is_not_what_has_become_of_it(
    run: Run, stage: Stage, xnat: XNAT
) -> None:
    words = stage("XNAT_E00001")
    run("delete", "--yes", *words)
    assert xnat.has_session("P2", "S1", "MR1").id == "XNAT_E00001"
    status, records, err = run("archive", *words)
    assert (status, records[0]["outcome"]) == (5, "failed"), err
