"""Pipelines listed: what is offered for which project."""

from __future__ import annotations

import pytest
from werkzeug.wrappers import Response

from support.answers import Run
from support.sandbox import XNAT

P1 = ("-P", "P1")


def test_list_has_one_shape_for_both_engines(run: Run, xnat: XNAT) -> None:
    xnat.settings.pipelines = True
    answer = run("list", *P1)
    assert answer.status == 0
    assert answer.values("name", "engine", "applies_to") == [
        ("demo-session", "container", "session"),
        ("demo-failing", "container", "session"),
        ("DicomToNifti", "classic", "xnat:mrSessionData"),
        ("FaultyQC", "classic", "xnat:imageSessionData"),
    ]
    assert answer.records[0] == {
        "kind": "pipeline",
        "server": xnat.url,
        "id": "1",
        "project": "P1",
        "name": "demo-session",
        "engine": "container",
        "command": "demo",
        "description": "Succeeds on a session.",
        "version": "1.0",
        "image": "busybox:latest",
        "root": "session",
        "applies_to": "session",
    }


def test_a_server_without_either_engine_offers_nothing(run: Run, xnat: XNAT) -> None:
    xnat.settings.containers = False
    answer = run("list")
    assert (answer.status, answer.out) == (0, "")


@pytest.mark.parametrize(
    ("command", "place"),
    [
        ("list", "commands"),
        ("list", "projects/P1/commands/available"),
        ("jobs", "projects/P1/containers"),
    ],
)
def test_what_is_no_list_is_not_an_empty_one(
    run: Run, xnat: XNAT, command: str, place: str
) -> None:
    xnat.fails("GET", f"/xapi/{place}", 200, times=9, body='{"message": "no"}')
    answer = run(command, *P1)
    assert answer.status == 1
    assert f"/xapi/{place}: answered without a list" in answer.err


def test_an_unknown_project_is_not_an_empty_list(run: Run) -> None:
    assert run("list", "-P", "NOPE").status == 5


def test_wrappers_for_all_types_are_offered_although_the_server_tells_those_of_one(
    run: Run, xnat: XNAT
) -> None:
    # `x:gone` is of a plugin that has been removed: the server knows no such type.
    for number, context in enumerate(["xnat:mrSessionData", "xnat:subjectData", "x:gone"]):
        wrapper = {"name": f"w{number}", "contexts": [context, "xnat:petSessionData"][: number + 1]}
        body = {"name": "c", "image": "x", "version": str(number), "xnat": [wrapper]}
        assert xnat.call("POST", "/xapi/commands", json=body).status_code == 201
    answer = run("list", *P1)
    assert (answer.status, answer.err) == (0, "")
    assert answer.values("name") == ["demo-session", "demo-failing", "w0", "w1", "w2"]


@pytest.mark.parametrize("status", [404, 500])
def test_wrappers_are_offered_where_the_server_fails_for_a_type_that_is_gone(
    run: Run, xnat: XNAT, status: int
) -> None:
    # XAPI answers 500 to much that is wrong with a request.
    wrapper = {"name": "w", "contexts": ["x:gone", "xnat:mrSessionData"]}
    body = {"name": "c", "image": "x", "xnat": [wrapper]}
    assert xnat.call("POST", "/xapi/commands", json=body).status_code == 201
    xnat.before(lambda r: Response(status=status) if r.args.get("xsiType") == "x:gone" else None)
    answer = run("list", *P1)
    assert (answer.status, answer.err) == (0, "")
    assert answer.values("name") == ["demo-session", "demo-failing", "w"]


def test_a_wrapper_that_is_switched_off_is_not_offered(run: Run, xnat: XNAT) -> None:
    xnat.call("PUT", "/xapi/projects/P1/wrappers/1/disabled")
    assert run("list", *P1).values("name") == ["demo-failing"]
