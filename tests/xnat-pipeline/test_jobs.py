"""Jobs followed, listed and stopped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from support.answers import Run
from support.sandbox import XNAT
from xnat_core.client import XNATClient
from xnat_core.errors import OperationError, ResourceNotFoundError
from xnat_pipeline.jobs import is_over, job_of_container
from xnat_pipeline.service import PipelineService

P1 = ("-P", "P1")
Launch = Callable[..., str]


@pytest.fixture
def launch(run: Run) -> Launch:
    """Launch something and return the number of its job."""

    def act(pipeline: str = "demo-session", session: str = "E1") -> str:
        (record,) = run("run", pipeline, session, *P1).records
        return str(record["id"])

    return act


def test_status_tells_how_a_job_is_doing(run: Run, launch: Launch, xnat: XNAT) -> None:
    xnat.settings.container_seconds = 60
    number = launch()
    answer = run("status", number)
    assert answer.status == 0
    assert answer.values("id", "pipeline", "status") == [(number, "demo-session", "Queued")]


@pytest.mark.parametrize(("number", "status"), [("99", 5), ("x", 2), ("1/../2", 2)])
def test_a_job_that_there_is_not(run: Run, number: str, status: int) -> None:
    assert run("status", number).status == status


def test_watching_prints_every_change_and_ends_with_the_job(
    run: Run, launch: Launch, xnat: XNAT
) -> None:
    # Long enough to be seen before it has ended.
    xnat.settings.container_seconds = 1.5
    answer = run("status", launch(), "--watch", "--interval", "0.05")
    statuses = answer.values("status")
    assert answer.status == 0
    assert statuses[-1] == "Complete"
    assert len(statuses) >= 2


def test_a_watched_job_that_fails_is_a_failed_record(run: Run, launch: Launch) -> None:
    answer = run("status", launch("demo-failing"), "--watch", "--interval", "0.05")
    assert (answer.status, answer.records[-1]["outcome"]) == (1, "failed")


def test_wait_takes_jobs_from_a_pipe(run: Run, launch: Launch) -> None:
    numbers = [launch(session="E1"), launch("demo-failing", session="E2")]
    answer = run("wait", records=[{"kind": "job", "id": number} for number in numbers])
    assert answer.status == 1
    assert sorted(answer.values("id", "status", "outcome")) == [
        ("1", "Complete", "done"),
        ("2", "Failed", "failed"),
    ]


def test_a_wait_that_runs_out_is_a_failure_that_says_so(
    run: Run, launch: Launch, xnat: XNAT
) -> None:
    xnat.settings.container_seconds = 60
    answer = run("wait", launch(), "--timeout", "0.3")
    assert answer.status == 1
    assert "job 1 (demo-session on XNAT_E00001) is Queued after 0.3 seconds" in answer.err


def test_a_wait_outlives_a_server_that_is_away(run: Run, launch: Launch, xnat: XNAT) -> None:
    number = launch()
    away = iter(range(3))

    def fail(request: Request) -> Response | None:
        looked = request.path.startswith("/data/workflows")
        if looked and next(away, None) in (1, 2):
            return Response("away", 500)
        return None

    xnat.before(fail)
    assert run("wait", number, "--interval", "0.1").status == 0


def test_jobs_of_a_project_are_those_of_both_engines_newest_first(
    run: Run, launch: Launch, xnat: XNAT
) -> None:
    xnat.settings.pipelines = True
    launch("demo-session", "E1")
    launch("DicomToNifti", "E2")
    assert run("jobs", *P1).values("id", "pipeline", "session") == [
        ("2", "DicomToNifti", "E2"),
        ("1", "demo-session", "E1"),
    ]


def test_jobs_of_a_session_leave_out_what_else_was_done_to_it(
    run: Run, launch: Launch, xnat: XNAT
) -> None:
    xnat.settings.pipelines = True
    launch("demo-session", "E1")
    launch("demo-session", "E2")
    launch("DicomToNifti", "E1")
    xnat.store.workflows.record("XNAT_E00001", "P1", "x", "Modified file", user="admin")
    answer = run("jobs", "-E", "E1", *P1)
    assert answer.values("id", "session") == [("3", "E1"), ("1", "E1")]


def test_jobs_without_a_project_are_the_containers_of_the_user(run: Run, launch: Launch) -> None:
    number = launch()
    run("wait", number)
    (record,) = run("jobs").records
    assert (record["id"], record["session_id"], record["status"]) == (
        number,
        "XNAT_E00001",
        "Complete",
    )
    assert record["end_time"] > record["start_time"]


def test_times_that_the_plugin_counts_in_milliseconds_are_told_as_times() -> None:
    created = {"status": "Created", "time-recorded": 1526395800062}
    times = {"history": [created], "status-time": "1526395805229"}
    job = job_of_container({"workflow-id": "5", "status": "Complete", **times}, {})
    assert job
    assert job.start_time == "2018-05-15T14:50:00.062+00:00"
    assert job.end_time == "2018-05-15T14:50:05.229+00:00"


def test_jobs_are_chosen_by_status_in_any_case(run: Run, launch: Launch) -> None:
    numbers = [launch(), launch("demo-failing")]
    run("wait", *numbers)
    assert run("jobs", *P1, "--status", "FAILED").values("id") == [numbers[1]]


def test_a_hundred_jobs_are_printed_unless_more_are_asked_for(run: Run, classic: XNAT) -> None:
    for _ in range(103):
        classic.store.workflows.record("XNAT_E00001", "P1", "x", "FaultyQC", user="admin")
    answer = run("jobs", *P1)
    assert len(answer.records) == 100
    assert "103 jobs, the newest 100 are printed" in answer.err
    assert len(run("jobs", *P1, "--limit", "102").records) == 102


def test_older_jobs_are_found_by_what_they_are(run: Run, classic: XNAT) -> None:
    classic.store.workflows.record("XNAT_E00001", "P1", "x", "DicomToNifti", user="admin")
    for _ in range(101):
        classic.store.workflows.record("XNAT_E00001", "P1", "x", "FaultyQC", user="admin")
    for words in (("--where", "pipeline=DicomToNifti"), ("--filter", "pipeline:Dicom*")):
        assert run("jobs", *P1, *words).values("id") == ["1"]


def test_a_container_is_killed(run: Run, launch: Launch, xnat: XNAT) -> None:
    xnat.settings.container_seconds = 60
    answer = run("cancel", launch(), "--yes")
    assert answer.status == 0
    assert answer.values("id", "status", "outcome") == [("1", "Killed", "done")]


@pytest.mark.parametrize("status", [502, 504])
def test_a_container_that_was_killed_although_the_answer_was_lost_is_killed(
    status: int, run: Run, launch: Launch, xnat: XNAT
) -> None:
    xnat.settings.container_seconds = 60
    number = launch()
    xnat.loses("POST", "/xapi/containers", status)
    assert run("cancel", number, "--yes").values("status", "outcome") == [("Killed", "done")]
    assert len(xnat.requests("POST", "/xapi/containers/1/kill")) == 1


def test_a_container_that_the_server_fails_to_kill_is_a_failure(
    run: Run, launch: Launch, xnat: XNAT
) -> None:
    xnat.settings.container_seconds = 60
    number = launch()
    xnat.fails("POST", "/xapi/containers", 500)
    answer = run("cancel", number, "--yes")
    assert (answer.status, answer.values("outcome")) == (1, ["failed"])
    assert "500" in answer.err


def test_who_may_not_kill_a_container_is_told_so(run: Run, launch: Launch, xnat: XNAT) -> None:
    """Also by a server that calls that 401, as it does of the removal of a container."""
    xnat.settings.container_seconds = 60
    number = launch()
    xnat.before(lambda r: Response("", 401) if r.path.endswith("/kill") else None)
    answer = run("cancel", number, "--yes")
    assert (answer.status, answer.values("outcome")) == (6, ["failed"])
    assert "no permission to change job 1" in answer.err


def test_a_classic_pipeline_is_ended(run: Run, launch: Launch, classic: XNAT) -> None:
    classic.settings.container_seconds = 60
    number = launch("DicomToNifti")
    assert run("cancel", number, "-y").values("status", "outcome") == [("Killed", "done")]


def test_a_classic_pipeline_is_known_by_its_path(run: Run, classic: XNAT) -> None:
    """Rows have the path, whatever the pipeline calls itself."""
    classic.settings.container_seconds = 60
    found = "/data/xnat/pipeline/catalog/mricron/DicomToNifti.xml"
    row = classic.store.workflows.record(
        "XNAT_E00001", "P1", "x", found, user="admin", status="Running"
    )
    asked: list[str] = []

    def rename(request: Request, response: Response) -> None:
        if request.path == "/xapi/pipelines/project/P1":
            response.data = response.get_data().replace(b'"DicomToNifti"', b'"Conversion"')

    def end(request: Request) -> Response | None:
        if "/pipelines/terminate/" not in request.path:
            return None
        asked.append(request.path.split("/")[4])
        classic.store.workflows.update(row.number, status="Killed")
        return Response('{"successes": 1}', content_type="application/json")

    classic.app.after(rename)
    classic.before(end)
    assert run("cancel", row.number, "-y").values("status", "outcome") == [("Killed", "done")]
    assert asked == ["Conversion"]


def test_an_end_that_is_answered_by_something_else_than_json_is_a_failure(
    run: Run, launch: Launch, classic: XNAT
) -> None:
    classic.settings.container_seconds = 60
    number = launch("DicomToNifti")
    classic.before(lambda r: Response('{"succ') if "/pipelines/terminate/" in r.path else None)
    answer = run("cancel", number, "-y")
    assert answer.status == 1
    assert f"job {number} (DicomToNifti on XNAT_E00001) could not be ended" in answer.err


def test_a_job_that_is_over_is_skipped(run: Run, launch: Launch) -> None:
    number = launch()
    run("wait", number)
    assert run("cancel", number, "--yes").values("status", "outcome") == [("Complete", "skipped")]


def test_a_dry_run_stops_nothing(run: Run, launch: Launch, xnat: XNAT) -> None:
    xnat.settings.container_seconds = 60
    number = launch()
    assert run("cancel", number, "--dry-run").values("outcome") == ["planned"]
    assert run("status", number).values("status") == ["Queued"]


def test_without_a_terminal_stopping_needs_yes(
    run: Run, launch: Launch, xnat: XNAT, monkeypatch: pytest.MonkeyPatch
) -> None:
    xnat.settings.container_seconds = 60
    number = launch()
    monkeypatch.setattr("xnat_core.terminal.ask", lambda *_, **__: None)
    assert run("cancel", number).status == 2
    assert run("status", number).values("status") == ["Queued"]


def test_a_row_that_is_no_job_cannot_be_stopped(run: Run, xnat: XNAT) -> None:
    row = xnat.store.workflows.record(
        "XNAT_E00001", "P1", "x", "Modified file", user="admin", status="Running"
    )
    answer = run("cancel", row.number, "--yes")
    assert answer.status == 1
    assert "is no container and no pipeline that can be ended" in answer.err


def test_terminal_states_are_told_in_any_case_and_with_more_words() -> None:
    over = ["Complete", "FAILED", "Failed (Staging)", "error", "Killed", "Complete (with warnings)"]
    running = ["Queued", "Running", "Finalizing", "Awaiting Action", "On Hold", "", None]
    assert [is_over(status) for status in (*over, *running)] == [True] * 6 + [False] * 7


def test_the_library_runs_follows_and_lists(client: XNATClient) -> None:
    service = PipelineService(client)
    job = service.run(project="P1", session="E1", pipeline="demo-session")
    assert job == {
        "success": True,
        "pipeline": "demo-session",
        "experiment": "XNAT_E00001",
        "job_id": "1",
        "result": job["result"],
    }
    assert str(job) == "1"
    assert service.status(project="P1", run_id=job)["id"] == "1"
    told: list[dict[str, Any]] = []
    assert service.wait(job, 30, 0.05, told.append)["status"] == "Complete"
    assert told[-1]["status"] == "Complete"
    assert [one["id"] for one in service.list_jobs("E1", "P1", "complete")] == ["1"]
    assert service.cancel("1") is False
    assert [one["name"] for one in service.list("P1")] == ["demo-session", "demo-failing"]
    assert service.get("demo-failing", "P1")["engine"] == "container"


def test_the_library_raises_for_what_fails_and_what_is_not_there(client: XNATClient) -> None:
    service = PipelineService(client)
    job = service.run("demo-failing", "XNAT_E00001", params={"threshold": 1})
    with pytest.raises(OperationError, match="something went wrong"):
        service.wait(job, poll_interval=0.05)
    with pytest.raises(ResourceNotFoundError):
        service.get("nope")
    with pytest.raises(TypeError):
        service.run("demo-failing")
