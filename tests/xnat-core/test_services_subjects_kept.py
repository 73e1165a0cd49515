"""Subjects that are not deleted, and what is said of them."""

from __future__ import annotations

import threading

import pytest
from werkzeug.wrappers import Request, Response

from support.sandbox import XNAT
from xnat_core.client import XNATClient
from xnat_core.errors import (
    OperationError,
    PermissionDeniedError,
    ResourceNotFoundError,
    ValidationError,
)
from xnat_core.services.subjects import SubjectNotEmptyError, SubjectService


@pytest.fixture
def subjects(client: XNATClient) -> SubjectService:
    return SubjectService(client)


def test_a_session_that_another_project_has_taken_keeps_its_subject(
    xnat: XNAT, client: XNATClient, subjects: SubjectService
) -> None:
    session = xnat.has_session("P1", "S1", "MR1")
    xnat.has_project("P2")
    where = f"/data/projects/P1/subjects/S1/experiments/{session.id}/projects"
    client.put(f"{where}/P2", params={"primary": "true"})
    client.delete(f"/data/projects/P2/subjects/S1/experiments/{session.id}/projects/P1")
    assert subjects.get_sessions("S1", "P1") == []
    with pytest.raises(SubjectNotEmptyError, match="has 1 session"):
        subjects.delete("S1", "P1", remove_files=True)
    assert len(xnat.requests("DELETE", "/data/projects/P1/subjects/S1")) == 0


def test_a_merge_whose_source_may_not_be_deleted_says_that_the_sessions_have_moved(
    xnat: XNAT, subjects: SubjectService
) -> None:
    for label in ("MR1", "MR2"):
        xnat.has_session("P1", "S1", label)
    xnat.has_subject("P1", "S2")
    xnat.fails("DELETE", "/data/projects/P1/subjects", 403)
    with pytest.raises(PermissionDeniedError, match="; 2 of 2 sessions have been moved to S2"):
        subjects.merge_subjects("P1", "S1", "S2")


def test_a_session_of_another_project_is_not_moved_with_the_others(
    xnat: XNAT, client: XNATClient, subjects: SubjectService
) -> None:
    for label in ("MR1", "MR2"):
        xnat.has_session("P1", "S1", label)
    xnat.has_subject("P1", "S2")
    xnat.has_project("P2")
    client.put(
        "/data/projects/P1/subjects/S1/experiments/MR2/projects/P2", params={"primary": "true"}
    )
    before = len(xnat.requests("PUT"))
    with pytest.raises(OperationError, match=r"'MR2' belongs to P2/.*: nothing was moved"):
        subjects.merge_subjects("P1", "S1", "S2")
    assert (len(xnat.requests("PUT")), xnat.requests("DELETE")) == (before, [])


@pytest.mark.parametrize("pair", [("S1", "GUEST"), ("GUEST", "S1")])
def test_a_subject_that_is_a_guest_is_not_merged(
    xnat: XNAT, subjects: SubjectService, pair: tuple[str, str]
) -> None:
    xnat.has_session("P1", "S1", "MR1")
    xnat.store.items.share(xnat.has_subject("P2", "GUEST").id, "P1", None)
    with pytest.raises(ValidationError, match="must belong to the same project"):
        subjects.merge_subjects("P1", *pair)
    assert xnat.requests("PUT") == xnat.requests("DELETE") == []


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        ("/experiments", "1 experiment is still listed under it"),
        ("", "its document still has experiments"),
    ],
)
def test_a_subject_that_is_said_to_have_sessions_is_kept_by_a_merge(
    xnat: XNAT, subjects: SubjectService, part: str, reason: str
) -> None:
    session = xnat.has_session("P1", "S1", "MR1")
    xnat.has_subject("P1", "S2")
    where = f"/data/projects/P1/subjects/{session.subject_id}{part}"
    before = xnat.call("GET", f"{where}?format=json").content
    moved: list[str] = []

    def as_it_was(request: Request) -> Response | None:
        moved.extend([request.path] if request.method == "PUT" else [])
        if moved and (request.method, request.path) == ("GET", where):
            return Response(before, 200, content_type="application/json")
        return None

    xnat.before(as_it_was)
    result = subjects.merge_subjects("P1", "S1", "S2")
    assert (result["experiments_moved"], result["source_deleted"]) == (1, False)
    assert result["reason"] == reason
    assert xnat.requests("DELETE") == []


def test_a_session_that_comes_at_the_last_moment_keeps_the_subject(
    xnat: XNAT, subjects: SubjectService
) -> None:
    """As another merge brings it, into what this one is about to delete."""
    session = xnat.has_session("P1", "S1", "MR1")
    xnat.has_subject("P1", "S2")
    moved: list[str] = []

    def bring_another(request: Request) -> None:
        moved.extend([request.path] if request.method == "PUT" else [])
        if moved and request.path.endswith(f"/subjects/{session.subject_id}/resources"):
            xnat.has_session("P1", "S1", "MR2")

    xnat.before(bring_another)
    result = subjects.merge_subjects("P1", "S1", "S2")
    assert (result["experiments_moved"], result["source_deleted"]) == (1, False)
    assert result["reason"] == "1 experiment has come to it meanwhile"
    assert xnat.store.items.experiment_in("P1", "MR2") is not None


def test_two_merges_from_opposite_sides_lose_nothing(
    xnat: XNAT, client: XNATClient, subjects: SubjectService
) -> None:
    """The second one begins when the first is about to delete what that one would fill."""
    for subject, label in (("S1", "MR1"), ("S2", "MR2")):
        xnat.has_session("P1", subject, label)
    failures = list[Exception]()

    def from_the_other_side() -> None:
        with XNATClient(xnat.url, *xnat.admin, max_retries=0) as other:
            try:
                SubjectService(other).merge_subjects("P1", "S2", "S1")
            except ResourceNotFoundError as error:
                failures.append(error)

    second = threading.Thread(target=from_the_other_side)

    def begin_the_second(request: Request) -> None:
        if request.method == "DELETE" and second.ident is None:
            second.start()
            second.join(1)

    xnat.before(begin_the_second)
    first = subjects.merge_subjects("P1", "S1", "S2")
    second.join(30)
    assert (first["experiments_moved"], first["source_deleted"]) == (1, True)
    assert [str(error) for error in failures] == ["subject 'S1' not found"]
    held = {session["label"] for session in subjects.get_sessions("S2", "P1")}
    assert held == {"MR1", "MR2"}


def test_a_merge_needs_no_place_for_its_turn(
    xnat: XNAT, subjects: SubjectService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nowhere")
    xnat.has_session("P1", "S1", "MR1")
    xnat.has_subject("P1", "S2")
    assert subjects.merge_subjects("P1", "S1", "S2")["source_deleted"]
