"""Sharing, moving between projects, and taking back."""

from __future__ import annotations

import pytest

from support.sandbox import XNAT

SUBJECT = "/data/projects/P1/subjects/S1"
SESSION = f"{SUBJECT}/experiments/MR1"
FLAT = "/data/experiments/XNAT_E00001"


@pytest.fixture(autouse=True)
def two_projects(xnat: XNAT) -> None:
    """A session in P1, and an empty P2."""
    xnat.has_session("P1", "S1", "MR1", scans={"1": {"a.dcm": b"AAAA"}})
    xnat.has_project("P2")


def status(xnat: XNAT, method: str, path: str) -> int:
    """The status of a request."""
    return xnat.call(method, path).status_code


def test_a_session_is_shared_under_another_label(xnat: XNAT) -> None:
    answer = xnat.call("PUT", f"{SESSION}/projects/P2?label=ALT")
    assert (answer.status_code, answer.text) == (200, "XNAT_E00001")
    assert xnat.fields("/data/projects/P2/experiments/ALT")["ID"] == "XNAT_E00001"
    rows = xnat.rows(f"{FLAT}/projects")
    assert [(row["ID"], row["label"]) for row in rows] == [("P1", "MR1"), ("P2", "ALT")]


def test_sharing_a_subject_answers_its_page(xnat: XNAT) -> None:
    answer = xnat.call("PUT", f"{SUBJECT}/projects/P2")
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert status(xnat, "PUT", "/data/subjects/S1/projects/P2") == 403


@pytest.mark.parametrize("path", [f"{SESSION}/projects/P2", f"{SESSION}/projects/P1"])
def test_sharing_twice_is_a_conflict(xnat: XNAT, path: str) -> None:
    status(xnat, "PUT", f"{SESSION}/projects/P2")
    assert status(xnat, "PUT", path) == 409


def test_sharing_onto_a_label_in_use_is_a_conflict(xnat: XNAT) -> None:
    xnat.has_session("P2", "S9", "MR1")
    assert status(xnat, "PUT", f"{SESSION}/projects/P2") == 409
    assert status(xnat, "PUT", f"{SESSION}/projects/NOPE") == 404


def test_a_move_takes_the_files_and_leaves_a_share(xnat: XNAT) -> None:
    answer = xnat.call("PUT", f"{SESSION}/projects/P2?primary=true&label=MOVED")
    assert (answer.status_code, answer.text) == (200, "")
    assert xnat.fields(FLAT)["project"] == "P2"
    assert xnat.fields("/data/projects/P1/experiments/MR1")["ID"] == "XNAT_E00001"
    assert (xnat.data / "archive/P2/arc001/MOVED/SCANS/1/DICOM/a.dcm").exists()
    assert not (xnat.data / "archive/P1/arc001/MR1").exists()


def test_the_flat_move_happens_and_then_fails(xnat: XNAT) -> None:
    assert status(xnat, "PUT", f"{FLAT}/projects/P2?primary=true") == 500
    assert xnat.fields(FLAT)["project"] == "P2"


def test_a_move_onto_a_label_in_use_conflicts_and_happens(xnat: XNAT) -> None:
    xnat.has_session("P2", "S9", "MR1")
    assert status(xnat, "PUT", f"{SESSION}/projects/P2?primary=true") == 409
    assert xnat.fields(FLAT)["project"] == "P2"


def test_unsharing_from_the_primary_project_deletes(xnat: XNAT) -> None:
    status(xnat, "PUT", f"{SESSION}/projects/P2")
    assert status(xnat, "DELETE", f"{SESSION}/projects/P2") == 200
    assert status(xnat, "GET", "/data/projects/P2/experiments/MR1") == 404
    assert status(xnat, "DELETE", f"{SESSION}/projects/P1") == 200
    assert status(xnat, "GET", FLAT) == 404


def test_unsharing_what_was_never_shared(xnat: XNAT) -> None:
    assert status(xnat, "DELETE", f"{SESSION}/projects/P2") == 200
    assert status(xnat, "DELETE", f"{SUBJECT}/projects/P2") == 403
    assert status(xnat, "DELETE", f"{SESSION}/projects/NOPE") == 404
    assert status(xnat, "GET", FLAT) == 200


def test_deleting_in_a_project_that_does_not_own_unshares(xnat: XNAT) -> None:
    status(xnat, "PUT", f"{SESSION}/projects/P2")
    assert status(xnat, "DELETE", "/data/projects/P2/experiments/MR1") == 200
    assert xnat.fields(FLAT)["project"] == "P1"
