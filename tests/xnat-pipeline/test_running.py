"""Pipelines launched and waited for."""

from __future__ import annotations

import json
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from support.answers import Run
from support.sandbox import XNAT
from xnat_core.client import XNATClient
from xnat_core.errors import OperationError
from xnat_pipeline.launching import Launcher, Target
from xnat_pipeline.offers import offered

P1 = ("-P", "P1")
SESSIONS = ["xnat:imageSessionData"]


def session(xnat: XNAT, label: str = "E1") -> dict[str, Any]:
    found = xnat.store.items.experiment_in("P1", label)
    assert found
    return {"kind": "session", "server": xnat.url, "id": found.id, "label": label, "project": "P1"}


def launches(xnat: XNAT) -> list[Request]:
    found = xnat.requests("POST", "/xapi")
    return [request for request in found if "launch" in request.path]


def refuses(xnat: XNAT, answer: Response) -> None:
    """Answer every launch like this, and begin nothing."""
    xnat.before(lambda r: answer if r.method == "POST" and r.path.endswith("/launch") else None)


@pytest.mark.parametrize("name", ["demo-session", "1"])
def test_run_prints_the_job_once_it_has_appeared(run: Run, xnat: XNAT, name: str) -> None:
    answer = run("run", name, "E1", *P1)
    assert (answer.status, answer.err) == (0, "")
    (record,) = answer.records
    assert record == {
        "kind": "job",
        "server": xnat.url,
        "uri": "/data/workflows/1",
        "id": "1",
        "project": "P1",
        "session": "E1",
        "session_id": session(xnat)["id"],
        "pipeline": "demo-session",
        "status": record["status"],
        "start_time": record["start_time"],
        "user": "admin",
        "outcome": "done",
        **({"percent": record["percent"]} if "percent" in record else {}),
    }


def test_the_root_input_is_the_archive_path_of_the_session(run: Run, xnat: XNAT) -> None:
    run("run", "demo-session", "-e", "E1", *P1, "--param", "threshold=0.7")
    (request,) = launches(xnat)
    assert request.path == "/xapi/projects/P1/wrappers/1/root/session/launch"
    assert json.loads(xnat.body(request)) == {
        "session": f"/archive/experiments/{session(xnat)['id']}",
        "threshold": "0.7",
    }


def test_with_wait_the_job_is_printed_when_it_is_over_and_its_number_told_at_once(
    run: Run, classic: XNAT
) -> None:
    answer = run("run", "DicomToNifti", "E1", *P1, "--wait")
    assert answer.values("id", "session", "status", "outcome") == [("1", "E1", "Complete", "done")]
    assert answer.err == "xnat-pipeline: job 1: DicomToNifti on E1\n"


def test_a_job_that_fails_is_a_failed_record_with_the_last_complaint(run: Run) -> None:
    answer = run("run", "demo-failing", "E1", *P1, "--wait")
    (record,) = answer.records
    assert (answer.status, record["status"], record["outcome"]) == (1, "Failed", "failed")
    assert record["error"]["message"].endswith("is Failed: something went wrong")


def test_many_sessions_are_launched_and_followed(run: Run, xnat: XNAT) -> None:
    for number in range(3, 13):
        xnat.has_session("P1", "S1", f"E{number}")
    known = [session(xnat, f"E{number}") for number in range(1, 13)]
    answer = run("run", "demo-session", "--wait", "-w", 3, records=known)
    assert answer.status == 0
    assert {(r["session"], r["session_id"], r["status"]) for r in answer.records} == {
        (record["label"], record["id"], "Complete") for record in known
    }
    assert len(set(answer.values("id"))) == 12


def test_launches_of_the_same_on_the_same_are_different_jobs(run: Run, xnat: XNAT) -> None:
    answer = run("run", "demo-session", "-w", 4, records=[session(xnat)] * 4)
    assert sorted(answer.values("id")) == ["1", "2", "3", "4"]


def test_earlier_jobs_are_not_taken_for_the_new_one(run: Run) -> None:
    numbers = [run("run", "demo-session", "E1", *P1).values("id")[0] for _ in range(3)]
    assert numbers == ["1", "2", "3"]


def test_what_another_user_launches_meanwhile_is_not_taken_for_ours(run: Run, xnat: XNAT) -> None:
    found = session(xnat)

    def meddle(request: Request) -> None:
        if request.path.endswith("/launch"):
            xnat.store.workflows.record(
                found["id"], "P1", "xnat:mrSessionData", "demo-session", user="bob", status="Queued"
            )

    xnat.before(meddle)
    assert run("run", "demo-session", "E1", *P1).values("id", "user") == [("2", "admin")]


def test_what_is_not_offered_is_not_launched(run: Run, xnat: XNAT) -> None:
    answer = run("run", "nope", "E1", *P1)
    assert (answer.status, launches(xnat)) == (5, [])
    assert answer.err.splitlines()[0] == "xnat-pipeline: session E1: pipeline 'nope' not found"


def test_a_command_with_several_wrappers_is_ambiguous(run: Run) -> None:
    answer = run("run", "demo", "E1", *P1)
    assert answer.status == 2
    assert "'demo' has several wrappers: name one of demo-session, demo-failing" in answer.err


def test_of_two_versions_one_is_named_by_its_number(run: Run, xnat: XNAT) -> None:
    inputs = [{"name": "session", "type": "Session"}]
    wrapper = {"name": "on-session", "external-inputs": inputs, "contexts": SESSIONS}
    for version in ("1.0", "2.0"):
        body = {"name": "c", "image": "x", "version": version, "xnat": [wrapper]}
        assert xnat.call("POST", "/xapi/commands", json=body).status_code == 201
    answer = run("run", "on-session", "E1", *P1)
    assert (answer.status, launches(xnat)) == (2, [])
    assert "'on-session' has several wrappers: name one of 3 (on-session), 4 (on-session)" in (
        answer.err
    )
    assert run("run", "4", "E1", *P1).values("pipeline") == ["on-session"]
    assert launches(xnat)[0].path.endswith("/wrappers/4/root/session/launch")


def test_a_command_with_one_wrapper_is_named_by_itself(run: Run, xnat: XNAT) -> None:
    inputs = [{"name": "session", "type": "Session"}]
    wrapper = {"name": "dcm2niix-session", "external-inputs": inputs, "contexts": SESSIONS}
    body = {"name": "dcm2niix", "image": "x", "xnat": [wrapper]}
    assert xnat.call("POST", "/xapi/commands", json=body).status_code == 201
    assert run("run", "dcm2niix", "E1", *P1).values("pipeline") == ["dcm2niix-session"]


def test_scans_are_run_on_by_wrappers_for_scans_only(run: Run, xnat: XNAT) -> None:
    inputs = [{"name": "scan", "type": "Scan"}]
    wrapper = {"name": "on-scan", "external-inputs": inputs, "contexts": ["xnat:imageScanData"]}
    body = {"name": "c", "image": "x", "xnat": [wrapper]}
    xnat.call("POST", "/xapi/commands", json=body)
    id = session(xnat)["id"]
    scan = {"kind": "scan", "id": "1", "session_id": id, "session": "E1", "project": "P1"}
    assert run("run", "on-scan", records=[scan]).status == 0
    assert json.loads(xnat.body(launches(xnat)[0])) == {
        "scan": f"/archive/experiments/{id}/scans/1"
    }
    answer = run("run", "on-scan", records=[session(xnat)])
    assert (answer.status, len(launches(xnat))) == (2, 1)
    assert "on-scan is run on scans, and E1 is a session" in answer.err


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_a_parameter_that_there_is_not_is_refused_before_the_launch(
    run: Run, xnat: XNAT, more: tuple[str, ...]
) -> None:
    answer = run("run", "demo-session", "E1", *P1, "--param", "treshold=1", *more)
    assert (answer.status, launches(xnat)) == (2, [])
    assert "demo-session has no parameter 'treshold'; did you mean threshold?" in answer.err


def test_a_refusal_under_a_good_status_is_a_failure(run: Run, classic: XNAT) -> None:
    status = {"status": "FAILURE", "exptId": "E1", "workflowId": None}
    body = {"successes": 0, "failures": 1, "experimentLaunchStatuses": [status]}
    answer = Response(json.dumps(body), mimetype="application/json")
    classic.before(lambda r: answer if "/pipelines/launch/" in r.path else None)
    told = run("run", "DicomToNifti", "E1", *P1)
    assert told.status == 1
    assert "DicomToNifti on E1 was refused: FAILURE" in told.err


def test_the_reason_of_a_refused_launch_is_told(run: Run, xnat: XNAT) -> None:
    body = json.dumps({"status": "failure", "message": "no image", "workflow-id": None})
    refuses(xnat, Response(body, 200, mimetype="application/json"))
    answer = run("run", "demo-session", "E1", *P1)
    assert (answer.status, "demo-session on E1 was refused: no image" in answer.err) == (1, True)


def test_who_may_not_launch_it_is_told_what(run: Run, xnat: XNAT) -> None:
    refuses(xnat, Response("", 403))
    answer = run("run", "demo-session", *P1, "-E", "E1")
    assert answer.status == 6
    assert "no permission to change pipeline demo-session" in answer.err


def test_a_login_that_fails_is_no_launch_whose_answer_is_lost(run: Run, xnat: XNAT) -> None:
    def end_the_login(request: Request) -> Response | None:
        if not request.path.endswith("/launch"):
            return None
        xnat.expires_sessions()
        xnat.fails("POST", "/data/JSESSION", 504)
        return Response("", 401)

    xnat.before(end_the_login)
    answer = run("run", "demo-session", *P1, "-E", "E1")
    assert answer.status != 0
    assert "504" in answer.err
    later = [request.path for request in xnat.requests()]
    later = later[later.index(launches(xnat)[0].path) + 1 :]
    assert set(later) <= {"/data/JSESSION", "/xapi/users/username"}


def test_a_launch_that_fails_is_not_repeated(run: Run, xnat: XNAT) -> None:
    refuses(xnat, Response("boom", 500))
    assert run("run", "demo-session", "E1", *P1).status == 1
    assert len(launches(xnat)) == 1


@pytest.mark.parametrize("engine", ["xnat", "classic"])
@pytest.mark.parametrize("answer", [Response("timeout", 504), Response('{"stat', 200)])
def test_a_launch_whose_answer_is_lost_on_the_way_is_found(
    run: Run, request: pytest.FixtureRequest, engine: str, answer: Response
) -> None:
    server: XNAT = request.getfixturevalue(engine)
    name = {"xnat": "demo-session", "classic": "DicomToNifti"}[engine]

    def hide(request: Request, response: Response) -> None:
        if request.method == "POST" and "launch" in request.path:
            response.status_code, response.data = answer.status_code, answer.data

    server.app.after(hide)
    told = run("run", name, "E1", *P1)
    assert (told.status, len(told.values("id"))) == (0, 1)
    assert len(launches(server)) == 1


def test_success_without_a_job_is_no_success(xnat: XNAT, client: XNATClient) -> None:
    body = json.dumps({"status": "success", "workflow-id": "To be assigned"})
    refuses(xnat, Response(body, mimetype="application/json"))
    target = Target("P1", session(xnat)["id"], "E1")
    with pytest.raises(OperationError, match=r"was accepted, but no job appeared within 0\.5 sec"):
        Launcher(client, patience=0.5).launch(offered(client, "demo-session", "P1"), target, {})


def test_a_number_that_the_server_tells_is_taken(run: Run, xnat: XNAT) -> None:
    run("run", "demo-session", "E1", *P1)
    body = json.dumps({"status": "success", "workflow-id": "1"})
    refuses(xnat, Response(body, mimetype="application/json"))
    assert run("run", "demo-session", "E1", *P1).values("id") == ["1"]


def test_a_job_whose_number_shows_nothing_yet_is_waited_for(run: Run, xnat: XNAT) -> None:
    run("run", "demo-session", "E1", *P1)
    body = json.dumps({"status": "success", "workflow-id": "1"})
    refuses(xnat, Response(body, mimetype="application/json"))
    xnat.fails("GET", "/data/workflows/1", 404, times=2)
    assert run("run", "demo-session", "E1", *P1).values("id") == ["1"]


def test_a_look_that_fails_after_a_launch_does_not_make_the_launch_fail(
    run: Run, xnat: XNAT
) -> None:
    left = [1]

    def spoil(request: Request) -> Response | None:
        looks = "/services/workflows/" in request.path
        if looks and launches(xnat) and left and left.pop():
            return Response('{"ResultSet', mimetype="application/json")
        return None

    xnat.before(spoil)
    told = run("run", "demo-session", "E1", *P1)
    assert (told.status, len(told.values("id")), len(launches(xnat))) == (0, 1, 1)


def test_a_dry_run_checks_and_launches_nothing(run: Run, xnat: XNAT) -> None:
    answer = run("run", "demo-session", "--dry-run", records=[session(xnat)])
    assert answer.values("id", "pipeline", "outcome") == [
        (session(xnat)["id"], "demo-session", "planned")
    ]
    assert run("run", "nope", "--dry-run", records=[session(xnat)]).status == 5
    assert launches(xnat) == []


def test_failed_and_planned_sessions_are_handed_on(run: Run, xnat: XNAT) -> None:
    plan = {**session(xnat), "outcome": "planned"}
    answer = run("run", "demo-session", records=[plan])
    assert (answer.records, launches(xnat)) == ([plan], [])
