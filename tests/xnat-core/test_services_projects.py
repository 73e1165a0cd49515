"""Projects: listed, described, made, removed."""

from __future__ import annotations

import pytest

from support.pretending import pretends
from support.sandbox import XNAT
from xnat_core.client import XNATClient
from xnat_core.errors import (
    InvalidIdentifierError,
    OperationError,
    ResourceExistsError,
    ResourceNotFoundError,
    ValidationError,
)
from xnat_core.services.projects import ProjectService, sessions_by_subject


@pytest.fixture
def projects(client: XNATClient) -> ProjectService:
    return ProjectService(client)


@pytest.mark.parametrize("accessible", [True, False])
def test_all_projects_are_listed(xnat: XNAT, projects: ProjectService, accessible: bool) -> None:
    xnat.has_project("P1")
    xnat.has_project("P2")
    found = projects.list(accessible=accessible)
    assert [(p.id, p.name, p.uri) for p in found] == [
        ("P1", "P1", "/data/projects/P1"),
        ("P2", "P2", "/data/projects/P2"),
    ]


def test_rows_may_lack_ids(xnat: XNAT, projects: ProjectService) -> None:
    rows = [{"URI": "/data/projects/P1", "name": "One"}, {"id": "P2"}]
    xnat.server.expect_request("/data/projects").respond_with_json({"ResultSet": {"Result": rows}})
    assert [project.id for project in projects.list()] == ["P1", "P2"]


def test_a_limit_of_zero_means_none(xnat: XNAT, projects: ProjectService) -> None:
    xnat.has_project("P1")
    xnat.has_project("P2")
    assert projects.list(limit=0) == []
    assert len(projects.list(limit=1)) == 1


def test_a_project_is_described_with_its_counts(xnat: XNAT, projects: ProjectService) -> None:
    xnat.has_session("P1", "S1", "MR1")
    xnat.has_session("P1", "S1", "MR2")
    xnat.has_subject("P1", "S2")
    found = projects.describe("P1")
    assert (found.accessibility, found.subject_count, found.session_count) == ("private", 2, 2)
    assert len(xnat.requests("GET", "/data/projects/P1")) == 4


def test_a_count_that_cannot_be_read_is_unknown(xnat: XNAT, projects: ProjectService) -> None:
    xnat.has_session("P1", "S1", "MR1")
    xnat.fails("GET", "/data/projects/P1/subjects", 403)
    found = projects.describe("P1")
    assert (found.subject_count, found.session_count) == (None, 1)


def test_an_unknown_project_is_not_found(xnat: XNAT, projects: ProjectService) -> None:
    for ask in (projects.get, projects.describe, projects.delete, projects.get_subjects):
        with pytest.raises(ResourceNotFoundError, match="project 'P9' not found"):
            ask("P9")
    assert xnat.requests("DELETE") == []


def test_a_project_is_made(xnat: XNAT, projects: ProjectService) -> None:
    made = projects.create(
        "P1", name="<One> & only", pi_firstname="Marie", pi_lastname="Curie", description="d"
    )
    assert (made.id, made.name, made.pi, made.description) == (
        "P1",
        "<One> & only",
        "Marie Curie",
        "d",
    )
    assert made.accessibility == "private"


def test_an_existing_project_is_not_changed_by_making_it(
    xnat: XNAT, projects: ProjectService
) -> None:
    xnat.has_project("P1")
    with pytest.raises(ResourceExistsError, match="project 'P1' already exists"):
        projects.create("P1", name="other")
    assert projects.get("P1").name == "P1"


@pytest.mark.parametrize("name", ["", "a b", "a/b", "P.1"])
def test_a_new_id_keeps_the_rules(xnat: XNAT, projects: ProjectService, name: str) -> None:
    with pytest.raises(InvalidIdentifierError):
        projects.create(name)
    assert xnat.requests() == []


def test_accessibility_is_set_and_read_back(xnat: XNAT, projects: ProjectService) -> None:
    xnat.has_project("P1")
    assert projects.set_accessibility("P1", "public")
    assert projects.describe("P1").accessibility == "public"
    with pytest.raises(ValidationError, match="private, protected, public"):
        projects.set_accessibility("P1", "secret")


def test_accessibility_that_did_not_come_to_be_is_an_error(
    xnat: XNAT, projects: ProjectService
) -> None:
    xnat.has_project("P1")
    xnat.before(pretends("PUT"))
    with pytest.raises(OperationError, match="'P1' is private, not public"):
        projects.set_accessibility("P1", "public")


def test_a_project_is_deleted(xnat: XNAT, projects: ProjectService) -> None:
    xnat.has_session("P1", "S1", "MR1")
    assert projects.delete("P1", remove_files=True)
    assert xnat.store.items.project("P1") is None
    assert xnat.requests("DELETE")[0].args["removeFiles"] == "true"


def test_a_delete_that_did_not_happen_is_an_error(xnat: XNAT, projects: ProjectService) -> None:
    xnat.has_project("P1")
    xnat.before(pretends("DELETE"))
    with pytest.raises(OperationError, match="still there"):
        projects.delete("P1")


def test_rows_are_those_of_the_server(xnat: XNAT, projects: ProjectService) -> None:
    xnat.has_session("P1", "S1", "MR1")
    assert projects.get_subjects("P1")[0]["label"] == "S1"
    assert projects.get_sessions("P1")[0]["xsiType"] == "xnat:mrSessionData"
    assert projects.get_sessions("P1", limit=0) == []


def test_sessions_are_counted_in_one_request(xnat: XNAT, client: XNATClient) -> None:
    one = xnat.has_session("P1", "S1", "MR1").subject_id
    xnat.has_session("P1", "S1", "MR2")
    two = xnat.has_session("P1", "S2", "MR3").subject_id
    assert sessions_by_subject(client, "P1") == {one: ["MR1", "MR2"], two: ["MR3"]}
    assert len(xnat.requests("GET", "/data/projects")) == 1
