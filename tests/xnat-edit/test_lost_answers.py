"""Changes that the server made although its answer never came."""

from __future__ import annotations

import pytest
from werkzeug.wrappers import Request, Response

from support.answers import Run
from support.sandbox import XNAT


def loses(xnat: XNAT, method: str, status: int) -> list[str]:
    """Have the answers to this method lost on the way, in a proxy or in the server itself."""
    asked: list[str] = []

    def hook(request: Request, response: Response) -> None:
        if request.method == method and "JSESSION" not in request.path:
            asked.append(request.path)
            response.set_data(b"")
            response.status_code = status

    xnat.app.after(hook)
    return asked


@pytest.mark.parametrize("status", [502, 500])
@pytest.mark.parametrize(
    ("method", "words"),
    [
        ("PUT", ["create", "project", "P2", "--name", "Two"]),
        ("PUT", ["create", "subject", "-P", "P1", "S3", "--gender", "female"]),
        ("PUT", ["create", "session", "-P", "P1", "-S", "S1", "E3"]),
        ("PUT", ["create", "resource", "-P", "P1", "-E", "E1", "QC"]),
        ("PUT", ["merge", "subject", "-P", "P1", "S1", "S2", "-y"]),
        ("DELETE", ["merge", "subject", "-P", "P1", "S1", "S2", "-y"]),
        ("DELETE", ["delete", "resource", "-P", "P1", "-E", "E1", "NOTES", "-y"]),
        ("DELETE", ["delete", "file", "-P", "P1", "-E", "E1", "-r", "NOTES", "a.txt", "-y"]),
    ],
)
def test_what_was_done_is_no_failure_and_is_not_asked_for_again(
    edit: Run, xnat: XNAT, method: str, words: list[str], status: int
) -> None:
    xnat.has_session("P1", "S1", "E1", resources={"NOTES": {"a.txt": b"a"}})
    xnat.has_subject("P1", "S2")
    asked = loses(xnat, method, status)
    answer = edit(*words)
    assert (answer.status, answer.values("outcome")) == (0, ["done"]), answer.err
    assert len(asked) == 1


@pytest.mark.parametrize("status", [502, 500])
def test_a_session_that_has_moved_is_no_failure(edit: Run, xnat: XNAT, status: int) -> None:
    xnat.has_session("P1", "S1", "E1")
    xnat.has_subject("P1", "S2")
    loses(xnat, "PUT", status)
    answer = edit("move", "-P", "P1", "-E", "E1", "S2")
    assert (answer.status, answer.values("outcome")) == (0, ["done"]), answer.err


def test_an_accessibility_may_be_set_twice(edit: Run, xnat: XNAT) -> None:
    xnat.has_project("P1")
    xnat.fails("PUT", "/data/projects/P1/accessibility", 502)
    assert edit("set", "-P", "P1", "accessibility=public").status == 0


def test_what_was_not_made_is_told_with_the_reason(edit: Run, xnat: XNAT) -> None:
    xnat.has_project("P1")
    xnat.fails("PUT", "/data/projects/P1/subjects", 500, body="no space left")
    answer = edit("create", "subject", "-P", "P1", "S3")
    assert (answer.status, answer.values("outcome")) == (1, ["failed"])
    assert "500 no space left" in answer.err


def test_a_subject_that_gets_a_resource_meanwhile_is_kept_by_a_merge(edit: Run, xnat: XNAT) -> None:
    xnat.has_session("P1", "S1", "MR1")
    source = xnat.has_subject("P1", "S1")
    xnat.has_subject("P1", "S2")

    def give(request: Request) -> None:
        if request.method == "PUT":
            xnat.has_resource(source, "NOTES", {"a.txt": b"a"})

    xnat.before(give)
    answer = edit("merge", "subject", "-P", "P1", "S1", "S2", "--yes")
    assert (answer.status, answer.values("outcome")) == (1, ["failed"])
    assert "it has resources of its own; 1 session was moved" in answer.err
    assert xnat.store.items.subject_in("P1", "S1") is not None
    assert not [r for r in xnat.requests("DELETE") if "JSESSION" not in r.path]
