"""Subjects that differ in case alone are warned of also behind a listing that failed once."""

from __future__ import annotations

from werkzeug.wrappers import Request, Response

from support.answers import Run
from support.sandbox import XNAT


def test_a_listing_that_failed_once_is_asked_for_again(xnat: XNAT, edit: Run) -> None:
    xnat.has_subject("P1", "A")
    left = [500] * 4  # as often as one listing is asked for

    def fail(request: Request) -> Response | None:
        is_listing = request.method == "GET" and request.path == "/data/projects/P1/subjects"
        return Response("no", left.pop()) if is_listing and left else None

    xnat.before(fail)
    answer = edit("create", "subject", "-P", "P1", "-w", "1", "B", "a")
    assert left == []
    assert "'A' and 'a'" in answer.err
