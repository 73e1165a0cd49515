"""An upload that ends at a bound."""

from __future__ import annotations

from pathlib import Path

import pytest
from werkzeug.wrappers import Response

from support.clock import time_is_over_at
from support.uploads import Uploader, refuse
from xnat_upload.cli import main


def test_what_is_left_is_skipped_with_the_reason_and_taken_up_by_the_next_run(
    upload: Uploader,
) -> None:
    upload.series(study_uid="1.2.1", session="A")
    upload.series(series=2, study_uid="1.2.2", session="B")
    ran = upload("-P", "P1", "-S", "S1", upload.folder, "--max-items=1")
    left = [record for record in ran.records if record.get("reason") == "max-items"]
    assert (ran.status, len(left), left[0]["outcome"]) == (0, 1, "skipped")
    again = upload("-P", "P1", "-S", "S1", upload.folder)
    assert (again.status, {record["outcome"] for record in again.records}) == (
        0,
        {"done", "skipped"},
    )


@pytest.mark.parametrize("mode", ["tar", "gradual"])
def test_the_same_command_goes_on_behind_what_is_there(upload: Uploader, mode: str) -> None:
    for number in (1, 2, 3):
        upload.series(series=number, instances=1, study_uid=f"1.2.{number}", session=f"E{number}")
    words = ("-P", "P1", "-S", "S1", upload.folder, "--max-items=1", f"--mode={mode}")
    planned = upload(*words, "--dry-run")
    assert [one["outcome"] for one in planned.records].count("planned") == 1
    for run in (1, 2, 3):
        ran = upload(*words)
        assert (ran.status, len(upload.xnat.rows("/data/projects/P1/experiments"))) == (0, run)
    assert [one.get("reason") for one in upload(*words).records] == [None] * 3


@pytest.mark.parametrize("mode", ["tar", "gradual"])
def test_a_session_stops_between_two_requests_and_is_completed_by_the_next_run(
    upload: Uploader, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    for number in range(1, 5):
        upload.series(series=number, instances=3, study_uid="1.2.1", session="E1")
    words = ("-P", "P1", "-S", "S1", "-E", "E1", upload.folder, f"--mode={mode}", "-w1")
    monkeypatch.setattr("xnat_upload.batches.MOST_BYTES", 1)
    with monkeypatch.context() as patched:
        time_is_over_at(patched, upload.xnat, "POST", "/data/services/import", nth=2)
        ran = upload(*words, "--max-duration=1h")
    record = ran.record
    assert (ran.status, record["outcome"], record["reason"]) == (0, "skipped", "max-duration")
    last = upload(*words)
    assert (last.status, last.record["outcome"], last.record["verified"]) == (0, "done", True)
    assert last.record["files"] == 10
    assert upload.count() == 12
    assert upload.staged() == []


def test_a_session_that_has_waited_too_long_is_not_begun(
    upload: Uploader, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 5):
        upload.series(series=number, instances=1, study_uid=f"1.2.{number}", session=f"E{number}")
    time_is_over_at(monkeypatch, upload.xnat, "POST", "/data/services/import")
    ran = upload("-P", "P1", "-S", "S1", upload.folder, "--max-duration=1h")
    left = [record for record in ran.records if record.get("reason") == "max-duration"]
    assert ran.status == 0
    assert len(left) >= 2
    assert upload("-P", "P1", "-S", "S1", upload.folder).status == 0
    assert sum(upload.count(label=f"E{number}") for number in range(1, 5)) == 4


def test_nothing_is_asked_for_sessions_that_wait_when_the_time_is_over(
    upload: Uploader, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2, 3):
        upload.series(series=number, instances=1, study_uid=f"1.2.{number}", session=f"E{number}")
    monkeypatch.setattr("xnat_upload.streaming.MOST_OPEN", 1)
    time_is_over_at(monkeypatch, upload.xnat, "POST", "/data/services/import")
    ran = upload("-P", "P1", "-S", "S1", upload.folder, "--mode=gradual", "--max-duration=1h")
    assert ran.status == 0
    assert [record.get("reason") for record in ran.records] == [None, *["max-duration"] * 2]
    asked = upload.xnat.requests("GET", "/data/projects/P1/experiments/")
    assert {request.path.rpartition("/")[2] for request in asked} == {"E1"}


def test_a_resource_stops_between_two_requests(
    upload: Uploader, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    upload.xnat.has_session("P1", "S1", "E1")
    monkeypatch.setattr("xnat_core.services.filling._LARGEST_BODY", 1)
    folder = tmp_path / "notes"
    folder.mkdir()
    for name in "abc":
        (folder / name).write_text(name)
    words = ["resource", "E1", "NOTES", str(folder), "-P", "P1"]
    with monkeypatch.context() as patched:
        time_is_over_at(patched, upload.xnat, "PUT", "/files/")
        assert main([*words, "--max-duration=1h"]) == 0
    assert len(upload.xnat.requests("PUT", "/data/experiments")) < 4
    assert main(words) == 0
    session = upload.xnat.store.items.experiment_in("P1", "E1")
    assert session is not None
    assert set(upload.xnat.files(session, "NOTES")) == {"a", "b", "c"}


def test_the_end_of_the_time_hides_no_failure(
    upload: Uploader, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 5):
        upload.series(series=number, instances=3, study_uid="1.2.1", session="E1")
    monkeypatch.setattr("xnat_upload.batches.MOST_BYTES", 1)
    upload.xnat.before(
        lambda request: (
            Response("Invalid destination", 400) if request.path.endswith("/import") else None
        )
    )
    time_is_over_at(monkeypatch, upload.xnat, "POST", "/data/services/import", nth=2)
    words = ("-P", "P1", "-S", "S1", "-E", "E1", upload.folder, "-w1", "--max-duration=1h")
    ran = upload(*words)
    assert (ran.status, ran.record["outcome"]) == (1, "failed")
    assert "the server refuses: Invalid destination" in ran.err


def test_the_end_of_the_time_hides_no_failure_of_the_round_before(
    upload: Uploader, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2):
        upload.series(series=number, study_uid="1.2.1", session="E1")
    refuse(upload.xnat, "/data/services/import", Response("Invalid destination", 400))
    time_is_over_at(monkeypatch, upload.xnat, "POST", "/data/services/import", nth=2)
    words = ("-P", "P1", "-S", "S1", "-E", "E1", upload.folder, "-w2", "--max-duration=1h")
    ran = upload(*words)
    assert (ran.status, ran.record["outcome"]) == (1, "failed")
    assert "the server refuses: Invalid destination" in ran.err
