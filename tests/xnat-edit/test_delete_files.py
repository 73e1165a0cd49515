"""xnat-edit delete of files: the server deletes all that begin with the path it is given."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from support.answers import Run
from support.edited import record
from support.sandbox import XNAT


# Files: the server deletes all whose path begins with the one it is asked for.
def notes(xnat: XNAT, *paths: str) -> Any:
    session = xnat.has_session("P1", "S1", "MR1")
    xnat.has_resource(session, "NOTES", dict.fromkeys(paths, b"x"))
    return session


def delete_files(edit: Run, *paths: str) -> Any:
    return edit("delete", "file", "-P", "P1", "-E", "MR1", "-r", "NOTES", "--yes", *paths)


def test_exactly_the_named_file_goes(xnat: XNAT, edit: Run) -> None:
    session = notes(xnat, "a.txt", "b.txt", "sub/a.txt")
    answer = delete_files(edit, "sub/a.txt")
    assert answer.values("path", "outcome", "size") == [("sub/a.txt", "done", 1)]
    assert sorted(xnat.files(session, "NOTES")) == ["a.txt", "b.txt"]


def test_a_file_that_others_begin_like_is_refused(xnat: XNAT, edit: Run) -> None:
    session = notes(xnat, "a", "ab.txt", "a.d/b.txt")
    answer = delete_files(edit, "a")
    assert answer.status == 2
    assert "the server would delete 2 more that begin alike (a.d/b.txt, ab.txt)" in answer.err
    assert len(xnat.files(session, "NOTES")) == 3


def test_files_that_begin_alike_go_together_when_all_are_named(xnat: XNAT, edit: Run) -> None:
    session = notes(xnat, "a", "ab.txt", "c")
    answer = delete_files(edit, "a", "ab.txt")
    assert sorted(answer.values("path", "outcome")) == [("a", "done"), ("ab.txt", "done")]
    assert sorted(xnat.files(session, "NOTES")) == ["c"]


@pytest.mark.parametrize("path", ["sub", "a*", "*", "a.tx", "nope"])
def test_no_folder_star_or_beginning_is_taken_for_a_file(xnat: XNAT, edit: Run, path: str) -> None:
    session = notes(xnat, "a.txt", "sub/a.txt")
    answer = delete_files(edit, path)
    assert (answer.status, len(xnat.files(session, "NOTES"))) == (5, 2)
    assert f"file '{path}' not found" in answer.err


@pytest.mark.parametrize("fails", ["/resources", "/files"])
def test_files_that_cannot_be_listed_have_failed_each(xnat: XNAT, edit: Run, fails: str) -> None:
    session = notes(xnat, "a.txt", "b.txt")

    def refuse(request: Request) -> Response | None:
        return Response("no", 403) if request.path.endswith(fails) else None

    xnat.before(refuse)
    answer = delete_files(edit, "a.txt", "b.txt")
    assert sorted(answer.values("path", "outcome")) == [("a.txt", "failed"), ("b.txt", "failed")]
    assert (answer.status, len(xnat.files(session, "NOTES"))) == (6, 2), answer.err


@pytest.mark.parametrize("path", ["../a.txt", "sub//a.txt", "/a.txt", "./a.txt"])
def test_a_path_with_empty_or_dot_parts_is_refused(xnat: XNAT, edit: Run, path: str) -> None:
    session = notes(xnat, "a.txt", "sub/a.txt")
    assert delete_files(edit, path).status == 2
    assert len(xnat.files(session, "NOTES")) == 2


def test_file_records_of_one_resource_take_one_listing_and_judge_together(
    xnat: XNAT, edit: Run
) -> None:
    session = notes(xnat, "a", "ab", "abc", "keep")
    records = [
        record(xnat, "file", path=path, resource="NOTES", session_id=session.id)
        for path in ("a", "ab", "abc")
    ]
    for more, outcome in (("--dry-run", "planned"), ("--yes", "done")):
        answer = edit("delete", more, records=records)
        assert answer.values("outcome") == [outcome] * 3
    assert sorted(xnat.files(session, "NOTES")) == ["keep"]
    files = [r for r in xnat.requests("GET") if r.path.endswith("/files")]
    assert len(files) == 3


def test_a_file_that_cannot_go_is_not_taken_along_by_another(xnat: XNAT, edit: Run) -> None:
    session = notes(xnat, "a", "ab")
    xnat.before(
        lambda request: (
            Response("", 403)
            if request.method == "DELETE" and request.path.endswith("/files/ab")
            else None
        )
    )
    answer = delete_files(edit, "a", "ab")
    assert answer.values("path", "outcome") == [("ab", "failed"), ("a", "failed")]
    assert sorted(xnat.files(session, "NOTES")) == ["a", "ab"]


def test_a_file_that_went_unnamed_is_told(xnat: XNAT, edit: Run) -> None:
    session = notes(xnat, "a.txt", "z.txt")

    def hook(request: Request) -> Response | None:
        if request.method == "DELETE":
            resource = xnat.has_resource(session, "NOTES")
            for path in ("a.txt", "z.txt"):
                xnat.store.resources.remove(resource, path)
            return Response("")
        return None

    xnat.before(hook)
    answer = delete_files(edit, "a.txt")
    assert answer.status == 1
    assert "file 'z.txt' went, too, although nobody named it" in answer.err


def test_each_file_is_told_of_when_nobody_knows_what_became_of_them(xnat: XNAT, edit: Run) -> None:
    notes(xnat, "a.txt", "b.txt", "c.txt")

    def hook(request: Request) -> Response | None:
        asked = len(xnat.requests("DELETE"))
        is_listing = request.method == "GET" and request.path.endswith("/files")
        return Response("", 403) if asked and is_listing else None

    xnat.before(hook)
    answer = delete_files(edit, "a.txt", "b.txt")
    assert sorted(answer.values("path", "outcome")) == [("a.txt", "failed"), ("b.txt", "failed")]


def test_files_of_one_resource_that_are_named_apart_go_one_after_the_other(
    xnat: XNAT, edit: Run
) -> None:
    session = notes(xnat, "a.txt", "b.txt", "keep")
    other = xnat.has_session("P1", "S1", "MR2", resources={"NOTES": {"c.txt": b"x"}})
    listed = threading.Semaphore(0)

    def hook(request: Request) -> None:
        if session.id in request.path and request.path.endswith("/files"):
            listed.release()
        if request.method == "DELETE" and session.id in request.path:
            # The other one may look now, what it must not do.
            listed.acquire()
            listed.acquire(timeout=0.3)

    xnat.before(hook)
    named = (("a.txt", session.id), ("c.txt", other.id), ("b.txt", session.id))
    records = [
        record(xnat, "file", path=path, resource="NOTES", session_id=id) for path, id in named
    ]
    answer = edit("delete", "--yes", "-w", "3", records=records)
    assert (answer.status, answer.values("outcome")) == (0, ["done"] * 3), answer.err
    assert sorted(xnat.files(session, "NOTES")) == ["keep"]
