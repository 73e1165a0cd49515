"""Subjects: listed, made, renamed, merged without losing a session, removed with care."""

from __future__ import annotations

import pytest
from werkzeug.wrappers import Request, Response

from support.pretending import pretends
from support.sandbox import XNAT
from xnat_core.client import XNATClient
from xnat_core.errors import (
    InvalidIdentifierError,
    OperationError,
    PermissionDeniedError,
    ResourceExistsError,
    ResourceNotFoundError,
    ServerError,
    ValidationError,
)
from xnat_core.services.renames import plan_renames
from xnat_core.services.subjects import SubjectNotEmptyError, SubjectService


@pytest.fixture
def subjects(client: XNATClient) -> SubjectService:
    return SubjectService(client)


def labels(xnat: XNAT, project: str = "P1") -> list[str]:
    return sorted(subject.label for subject in xnat.store.items.subjects_of_project(project))


def test_subjects_of_a_project_are_listed(xnat: XNAT, subjects: SubjectService) -> None:
    made = xnat.has_subject("P1", "S1")
    xnat.has_subject("P2", "S2")
    assert [(s.id, s.label, s.project) for s in subjects.list("P1")] == [(made.id, "S1", "P1")]
    assert [s.label for s in subjects.list()] == ["S1", "S2"]
    assert subjects.list("P1", limit=0) == []


@pytest.mark.parametrize("columns", [["label", "gender"], "label,gender"])
def test_subjects_are_listed_with_the_columns_asked_for(
    xnat: XNAT, subjects: SubjectService, columns: list[str] | str
) -> None:
    made = xnat.has_subject("P1", "S1")
    for project in ("P1", None):
        found = subjects.list(project, columns=columns)
        assert [(subject.id, subject.label) for subject in found] == [(made.id, "S1")]


def test_a_shared_subject_has_the_label_of_the_listing_project(
    xnat: XNAT, client: XNATClient, subjects: SubjectService
) -> None:
    made = xnat.has_subject("P1", "S1")
    xnat.has_project("P2")
    client.put("/data/projects/P1/subjects/S1/projects/P2", params={"label": "ALT"})
    listed = subjects.list("P2")[0]
    assert (listed.label, listed.project, listed.primary_project) == ("ALT", "P2", "P1")
    found = subjects.get("ALT", "P2")
    assert (found.id, found.label, found.primary_project) == (made.id, "ALT", "P1")


def test_a_subject_is_made(xnat: XNAT, subjects: SubjectService) -> None:
    xnat.has_project("P1")
    made = subjects.create("P1", "S1", group="control", gender="female", yob=1980)
    assert (made.label, made.group, made.gender, made.yob) == ("S1", "control", "female", 1980)


def test_an_existing_subject_is_not_changed_by_making_it(
    xnat: XNAT, subjects: SubjectService
) -> None:
    xnat.has_subject("P1", "S1")
    with pytest.raises(ResourceExistsError, match="subject 'P1/S1' already exists"):
        subjects.create("P1", "S1", gender="male")
    with pytest.raises(InvalidIdentifierError):
        subjects.create("P1", "S 1")
    assert xnat.requests("PUT") == []


def test_both_keywords_name_the_subject(xnat: XNAT, subjects: SubjectService) -> None:
    xnat.has_subject("P1", "S1")
    assert subjects.get(project="P1", subject="S1") == subjects.get("S1", "P1")
    assert subjects.rename(project="P1", subject="S1", new_label="S2").label == "S2"
    assert subjects.delete(project="P1", subject="S2")
    with pytest.raises(TypeError, match="exactly one of subject_id and subject"):
        subjects.get(project="P1")


def test_a_subject_with_sessions_is_not_deleted(xnat: XNAT, subjects: SubjectService) -> None:
    xnat.has_session("P1", "S1", "MR1")
    with pytest.raises(RuntimeError, match="subject 'S1' has 1 session"):
        subjects.delete("S1", "P1")
    assert xnat.requests("DELETE") == []
    assert subjects.delete("S1", "P1", force=True)
    assert labels(xnat) == []


@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_subject_whose_sessions_cannot_be_listed_is_not_deleted(
    xnat: XNAT, subjects: SubjectService, status: int
) -> None:
    made = xnat.has_subject("P1", "S1")
    xnat.fails("GET", f"/data/projects/P1/subjects/{made.id}/experiments", status)
    with pytest.raises((PermissionDeniedError, ResourceNotFoundError, ServerError)):
        subjects.delete("S1", "P1")
    assert xnat.requests("DELETE") == []


def test_a_delete_that_did_not_happen_is_an_error(xnat: XNAT, subjects: SubjectService) -> None:
    xnat.has_subject("P1", "S1")
    xnat.before(pretends("DELETE"))
    with pytest.raises(OperationError, match="still there"):
        subjects.delete("S1", "P1")


def test_a_subject_is_renamed(xnat: XNAT, subjects: SubjectService) -> None:
    made = xnat.has_subject("P1", "S 1")
    found = subjects.rename("S 1", "S1", "P1")
    assert (found.id, found.label) == (made.id, "S1")
    assert subjects.rename("S1", "S1", "P1").label == "S1"
    assert len(xnat.requests("PUT")) == 1


def test_a_taken_label_is_refused(xnat: XNAT, subjects: SubjectService) -> None:
    xnat.has_subject("P1", "S1")
    xnat.has_subject("P1", "S2")
    with pytest.raises(ResourceExistsError, match="P1/S2"):
        subjects.rename("S1", "S2", "P1")
    assert xnat.requests("PUT") == []


def test_a_rename_that_did_not_happen_is_an_error(xnat: XNAT, subjects: SubjectService) -> None:
    xnat.has_subject("P1", "S1")
    xnat.before(pretends("PUT"))
    with pytest.raises(OperationError, match="'S1' is still labelled 'S1'"):
        subjects.rename("S1", "S2", "P1")


def test_renames_by_mapping(xnat: XNAT, subjects: SubjectService) -> None:
    for label in ("A", "B", "C"):
        xnat.has_subject("P1", label)
    result = subjects.rename_batch("P1", {"A": "X", "B": "B", "Z": "Y", "C": "bad label"})
    assert result == {
        "renamed": [{"from": "A", "to": "X"}],
        "merged": [],
        "skipped": [
            {"label": "B", "reason": "same label"},
            {"label": "Z", "reason": "not found"},
            {
                "label": "C",
                "reason": "invalid subject ID 'bad label': must contain only alphanumeric "
                "characters, underscores and hyphens",
            },
        ],
        "errors": [],
        "dry_run": False,
    }
    assert labels(xnat) == ["B", "C", "X"]


def test_one_failed_rename_does_not_stop_the_rest(xnat: XNAT, subjects: SubjectService) -> None:
    first = xnat.has_subject("P1", "A")
    xnat.has_subject("P1", "B")
    xnat.fails("PUT", f"/data/projects/P1/subjects/{first.id}", 403)
    result = subjects.rename_batch("P1", {"A": "X", "B": "Y"})
    assert result["renamed"] == [{"from": "B", "to": "Y"}]
    assert [error["label"] for error in result["errors"]] == ["A"]


def test_a_dry_run_changes_nothing(xnat: XNAT, subjects: SubjectService) -> None:
    xnat.has_subject("P1", "A")
    assert subjects.rename_batch("P1", {"A": "X"}, dry_run=True)["renamed"] == [
        {"from": "A", "to": "X"}
    ]
    assert labels(xnat) == ["A"]


def test_renames_by_pattern_match_the_whole_label(xnat: XNAT, subjects: SubjectService) -> None:
    for label in ("sub-1", "sub-2x", "xsub-3"):
        xnat.has_subject("P1", label)
    result = subjects.rename_pattern("P1", r"sub-(\d+)(x)?", "{project}_{1}{2}")
    assert result["renamed"] == [
        {"from": "sub-1", "to": "P1_1"},
        {"from": "sub-2x", "to": "P1_2x"},
    ]
    assert labels(xnat) == ["P1_1", "P1_2x", "xsub-3"]


@pytest.mark.parametrize(("pattern", "template"), [("(", "x"), ("(.)", "{2}")])
def test_a_bad_pattern_is_refused(
    xnat: XNAT, subjects: SubjectService, pattern: str, template: str
) -> None:
    xnat.has_subject("P1", "A")
    with pytest.raises(ValidationError):
        subjects.rename_pattern("P1", pattern, template)


def test_several_subjects_for_one_label_are_skipped(xnat: XNAT, subjects: SubjectService) -> None:
    xnat.has_subject("P1", "A-1")
    xnat.has_subject("P1", "A-2")
    result = subjects.rename_pattern("P1", r"(.)-.", "{1}")
    assert [skip["reason"] for skip in result["skipped"]] == [
        "several subjects would become A",
        "several subjects would become A",
    ]
    assert labels(xnat) == ["A-1", "A-2"]


def test_several_subjects_for_one_label_are_merged_when_asked(
    xnat: XNAT, subjects: SubjectService
) -> None:
    xnat.has_session("P1", "A-1", "MR1")
    xnat.has_session("P1", "A-2", "MR2")
    result = subjects.rename_pattern("P1", r"(.)-.", "{1}", merge=True)
    assert result["renamed"] == [{"from": "A-1", "to": "A"}]
    assert result["merged"] == [{"from": "A-2", "to": "A"}]
    assert labels(xnat) == ["A"]
    assert [row["label"] for row in subjects.get_sessions("A", "P1")] == ["MR1", "MR2"]


def test_nothing_is_merged_into_what_could_not_give_its_label_away(
    xnat: XNAT, subjects: SubjectService
) -> None:
    first = xnat.has_subject("P1", "xB")
    for label in ("xxB", "xxBq"):
        xnat.has_session("P1", label, f"MR_{label}")
    xnat.fails("PUT", f"/data/projects/P1/subjects/{first.id}", 403)
    result = subjects.rename_pattern("P1", "x(x?B)q?", "{1}", merge=True)
    assert [error["label"] for error in result["errors"]] == ["xB", "xxB", "xxBq"]
    assert subjects.get_sessions("xB", "P1") == []


def test_a_label_that_is_given_away_is_free_for_another() -> None:
    plan = plan_renames(["A", "B"], {"A": "B", "B": "C"}, merge_into_existing=True)
    assert [(step.old, step.new, step.action) for step in plan] == [
        ("B", "C", "renamed"),
        ("A", "B", "renamed"),
    ]


def test_labels_that_change_places_are_left_alone() -> None:
    plan = plan_renames(["A", "B"], {"A": "B", "B": "A"}, merge_into_existing=True)
    assert [(step.old, step.reason) for step in plan] == [
        ("A", "the labels change places"),
        ("B", "the labels change places"),
    ]


def test_a_merge_moves_every_session_and_deletes_the_source(
    xnat: XNAT, subjects: SubjectService
) -> None:
    moved = xnat.has_session("P1", "S1", "MR1", scans={"1": {"a.dcm": b"abc"}})
    xnat.has_session("P1", "S1", "MR2")
    xnat.has_session("P1", "S2", "MR3")
    assert subjects.merge_subjects("P1", "S1", "S2") == {
        "source": "S1",
        "target": "S2",
        "experiments": ["MR1", "MR2"],
        "experiments_moved": 2,
        "source_deleted": True,
        "dry_run": False,
        "reason": None,
    }
    assert labels(xnat) == ["S2"]
    assert len(subjects.get_sessions("S2", "P1")) == 3
    scan = xnat.store.items.scan(moved.id, "1")
    assert scan is not None
    assert xnat.files(scan, "DICOM") == {"a.dcm": b"abc"}
    assert not any("subject_ID" in request.args for request in xnat.requests("PUT"))


def test_a_merge_in_a_dry_run_changes_nothing(xnat: XNAT, subjects: SubjectService) -> None:
    xnat.has_session("P1", "S1", "MR1")
    xnat.has_subject("P1", "S2")
    result = subjects.merge_subjects("P1", "S1", "S2", dry_run=True)
    assert (result["experiments"], result["experiments_moved"]) == (["MR1"], 0)
    assert xnat.requests("PUT") == xnat.requests("DELETE") == []


def test_a_merge_stops_at_a_move_that_did_not_happen(xnat: XNAT, subjects: SubjectService) -> None:
    xnat.has_session("P1", "S1", "MR1")
    xnat.has_session("P1", "S1", "MR2")
    xnat.has_subject("P1", "S2")
    xnat.before(pretends("PUT"))
    with pytest.raises(OperationError, match="experiment 'MR1' was to move to"):
        subjects.merge_subjects("P1", "S1", "S2")
    assert len(xnat.requests("PUT")) == 1
    assert xnat.requests("DELETE") == []


def test_a_merge_keeps_a_source_that_still_has_something(
    xnat: XNAT, subjects: SubjectService
) -> None:
    xnat.has_session("P1", "S1", "MR1")
    xnat.has_resource(xnat.has_subject("P1", "S1"), "NOTES", {"a.txt": b"a"})
    xnat.has_subject("P1", "S2")
    result = subjects.merge_subjects("P1", "S1", "S2")
    assert (result["experiments_moved"], result["source_deleted"]) == (1, False)
    assert result["reason"] == "it has resources of its own"
    assert labels(xnat) == ["S1", "S2"]


def test_a_merge_keeps_a_source_that_others_share(
    xnat: XNAT, client: XNATClient, subjects: SubjectService
) -> None:
    xnat.has_subject("P1", "S1")
    xnat.has_subject("P1", "S2")
    xnat.has_project("P2")
    client.put("/data/projects/P1/subjects/S1/projects/P2")
    assert subjects.merge_subjects("P1", "S1", "S2")["reason"] == (
        "it is shared with other projects"
    )


def test_a_merge_does_not_delete_when_the_source_cannot_be_listed_again(
    xnat: XNAT, subjects: SubjectService
) -> None:
    made = xnat.has_session("P1", "S1", "MR1")
    xnat.has_subject("P1", "S2")
    listed: list[str] = []

    def hook(request: Request) -> Response | None:
        if request.path == f"/data/projects/P1/subjects/{made.subject_id}/experiments":
            listed.append(request.path)
            return Response("", 500) if len(listed) == 2 else None
        return None

    xnat.before(hook)
    with pytest.raises(ServerError):
        subjects.merge_subjects("P1", "S1", "S2")
    assert xnat.requests("DELETE") == []


def test_a_merge_needs_both(xnat: XNAT, subjects: SubjectService) -> None:
    xnat.has_subject("P1", "S1")
    for pair in (("S1", "S9"), ("S9", "S1")):
        with pytest.raises(ResourceNotFoundError, match="P1/S9"):
            subjects.merge_subjects("P1", *pair)
    with pytest.raises(ValidationError, match="with itself"):
        subjects.merge_subjects("P1", "S1", "S1")


def test_the_error_for_a_subject_with_sessions_has_both_families() -> None:
    assert issubclass(SubjectNotEmptyError, RuntimeError)
    assert issubclass(SubjectNotEmptyError, OperationError)
