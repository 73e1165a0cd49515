"""Data on their way into the prearchive or the archive, waited for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.imports import send_object
from support.sandbox import XNAT
from support.staging import dicom_bytes

if TYPE_CHECKING:
    from conftest import Run, Stage


def test_wait_is_over_when_the_session_is_ready(run: Run, stage: Stage) -> None:
    status, records, _ = run("wait", *stage())
    assert (status, records[0]["status"], records[0]["outcome"]) == (0, "READY", "done")


def test_wait_finds_what_was_sent_by_cstore_by_its_study(
    run: Run, stage: Stage, xnat: XNAT
) -> None:
    words = stage(study="1.2.77")
    sent = {"kind": "upload", "uid": "1.2.77", "project": "P1", "files": 4, "outcome": "done"}
    status, records, _ = run("wait", records=[sent])
    assert status == 0
    assert [(r["kind"], r["id"], r["status"]) for r in records] == [
        ("prearchive", "/".join(words), "READY")
    ]


def test_wait_finds_a_study_that_is_archived_already(run: Run, stage: Stage) -> None:
    run("archive", *stage(study="1.2.77"))
    sent = {"kind": "upload", "uid": "1.2.77", "outcome": "done"}
    status, records, _ = run("wait", records=[sent])
    assert (status, records[0]["kind"], records[0]["label"]) == (0, "session", "E1")


def test_wait_tells_that_a_study_landed_in_another_project(run: Run, stage: Stage) -> None:
    words = stage(study="1.2.77", project="P2")
    sent = {"kind": "upload", "uid": "1.2.77", "project": "P1", "outcome": "done"}
    status, records, err = run("wait", "--timeout", "0", records=[sent])
    assert (status, records[0]["outcome"]) == (1, "failed")
    assert f"study 1.2.77 is not in P1, but in {'/'.join(words)}" in err


def test_wait_for_a_study_that_never_comes_is_not_found(run: Run) -> None:
    sent = {"kind": "upload", "uid": "1.2.77", "outcome": "done"}
    assert run("wait", "--timeout", "0.3", records=[sent])[0] == 5


def test_wait_needs_the_study_of_an_upload(run: Run) -> None:
    status, records, _ = run("wait", records=[{"kind": "upload", "path": "a", "outcome": "done"}])
    assert (status, records[0]["outcome"]) == (1, "failed")


def test_wait_follows_data_that_is_still_arriving(run: Run, xnat: XNAT) -> None:
    data = dicom_bytes()
    send_object(xnat, data, "a.dcm", PROJECT_ID="P1", SUBJECT_ID="S1", EXPT_LABEL="E9")
    _, listed, _ = run("list")
    status, records, _ = run("wait", records=listed)
    assert (status, records[0]["status"]) == (0, "READY")


@pytest.mark.usefixtures("slow")
def test_a_wait_that_runs_out_is_a_failure_that_says_so(run: Run) -> None:
    _, listed, _ = run("list")
    status, records, err = run("wait", "--timeout", "0.3", records=listed)
    assert (status, records[0]["outcome"]) == (1, "failed")
    assert "RECEIVING after 0.3 seconds" in err
