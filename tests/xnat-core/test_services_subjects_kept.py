"""Subjects that are not deleted, and what is said of them."""

from __future__ import annotations

import pytest

from support.sandbox import XNAT
from xnat_core.client import XNATClient
from xnat_core.errors import PermissionDeniedError
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
    with pytest.raises(SubjectNotEmptyError, match="has 1 sessions"):
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
