"""Launches of one wrapper on one session at the same moment: each tells of its own job."""

from __future__ import annotations

import json
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from support.answers import Run
from support.sandbox import XNAT
from xnat_pipeline.launching import Launcher

P1 = ("-P", "P1")
ON_SCANS = {
    "name": "c",
    "image": "x",
    "xnat": [
        {
            "name": "on-scan",
            "contexts": ["xnat:imageScanData"],
            "external-inputs": [{"name": "scan", "type": "Scan"}],
        }
    ],
}


def session_id(xnat: XNAT) -> str:
    found = xnat.store.items.experiment_in("P1", "E1")
    assert found
    return found.id


def begins_first(xnat: XNAT, inputs: dict[str, Any]) -> None:
    """Let another process of the same user launch the same with these inputs, a moment before."""
    left = [1]

    def meddle(request: Request) -> Response | None:
        if request.method == "POST" and request.path.endswith("/launch") and left:
            left.pop()
            assert xnat.call("POST", request.path, json=inputs).status_code == 200
        return None

    xnat.before(meddle)


@pytest.mark.parametrize("hidden", [0, 2])
def test_jobs_are_told_apart_by_their_parameters(run: Run, xnat: XNAT, hidden: int) -> None:
    begins_first(xnat, {"session": f"/archive/experiments/{session_id(xnat)}", "threshold": "0.1"})
    # A container comes to be some time after the row of its workflow.
    xnat.lags("/xapi/projects/P1/containers$", "/launch", times=hidden, shows=b"[]")
    answer = run("run", "demo-session", "E1", *P1, "--param", "threshold=0.90")
    (id,) = answer.values("id")
    (container,) = [
        one
        for one in xnat.call("GET", "/xapi/projects/P1/containers").json()
        if one["workflow-id"] == id
    ]
    assert {"type": "raw", "name": "threshold", "value": "0.90"} in container["inputs"]


@pytest.mark.parametrize("shown", ["*****", None])
def test_a_parameter_that_the_server_does_not_show_tells_nothing(
    run: Run, xnat: XNAT, monkeypatch: pytest.MonkeyPatch, shown: str | None
) -> None:
    # Long enough to see it at once, and no wait for what would not be seen at all.
    monkeypatch.setattr(Launcher.__init__, "__kwdefaults__", {"patience": 5.0})

    def mask(request: Request, response: Response) -> None:
        if request.method == "GET" and request.path.endswith("/containers"):
            found = json.loads(response.get_data())
            for one in (one for container in found for one in container["inputs"]):
                one["value"] = shown if one["name"] == "threshold" else one["value"]
            response.data = json.dumps(found)

    xnat.app.after(mask)
    answer = run("run", "demo-session", "E1", *P1, "--param", "threshold=0.90")
    assert answer.values("id") == ["1"]


def test_a_parameter_that_is_empty_is_not_one_that_the_server_does_not_show(
    run: Run, xnat: XNAT
) -> None:
    begins_first(xnat, {"session": f"/archive/experiments/{session_id(xnat)}", "threshold": ""})
    answer = run("run", "demo-session", "E1", *P1, "--param", "threshold=0.90")
    assert answer.values("id") == ["2"]


def test_jobs_on_the_scans_of_one_session_are_told_apart(run: Run, xnat: XNAT) -> None:
    xnat.call("POST", "/xapi/commands", json=ON_SCANS)
    id = session_id(xnat)
    begins_first(xnat, {"scan": f"/archive/experiments/{id}/scans/9"})

    def of_session(request: Request, response: Response) -> None:
        """The plugin files the workflows of scans under their session."""
        if "/services/workflows/on-scan" in request.path:
            found = xnat.call("GET", "/xapi/projects/P1/containers").json()
            rows = [
                {
                    "wrk_workflowdata_id": one["workflow-id"],
                    "id": id,
                    "pipeline_name": "on-scan",
                    "status": one["status"],
                    "create_user": "admin",
                }
                for one in found
            ]
            response.status_code = 200
            response.data = json.dumps({"ResultSet": {"Result": rows}})
            response.content_type = "application/json"

    xnat.app.after(of_session)
    scan = {"kind": "scan", "id": "1", "session_id": id, "session": "E1", "project": "P1"}
    assert run("run", "on-scan", records=[scan]).values("id") == ["2"]
