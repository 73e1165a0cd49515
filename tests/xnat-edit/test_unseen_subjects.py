"""Sessions that were moved to a project which does not show their subject.

The route through the project and the subject leads to no document then; the accession ID does.
"""

from __future__ import annotations

import pytest
from werkzeug import Request, Response

from support.answers import Run
from support.sandbox import XNAT
from xnat_core.client import XNATClient
from xnat_core.services.sessions import SessionService


@pytest.fixture
def moved(xnat: XNAT) -> str:
    """A session of P2 whose subject only P1 shows; its accession ID."""
    session = xnat.has_session("P1", "S1", "E1")
    xnat.has_project("P2")
    where = "/data/projects/P1/subjects/S1/experiments/E1/projects/P2?primary=true"
    assert xnat.call("PUT", where).status_code == 200
    return session.id


def test_a_session_is_renamed_and_read_back(edit: Run, xnat: XNAT, moved: str) -> None:
    answer = edit("rename", "session", "-P", "P2", "E1", "E2")
    assert (answer.status, answer.values("outcome")) == (0, ["done"]), answer.err
    assert xnat.fields(f"/data/experiments/{moved}")["label"] == "E2"
    answer = edit("rename", "session", "-P", "P2", "E1", "E2")
    assert (answer.status, answer.values("outcome")) == (0, ["skipped"]), answer.err


def test_the_library_renames_it_as_well(xnat: XNAT, moved: str) -> None:
    with XNATClient(xnat.url, "admin", "admin") as client:
        assert SessionService(client).rename(moved, "E2").label == "E2"


def test_what_cannot_be_set_says_why(edit: Run, xnat: XNAT, moved: str) -> None:
    answer = edit("set", "-P", "P2", "-E", "E1", "note=x")
    assert answer.status == 2
    assert "project P2 does not show its subject" in answer.err
    assert "xnat-edit share -P P1 -S XNAT_S00001 P2" in answer.err
    assert not [r for r in xnat.requests("PUT") if r.args.get("xsiType")]
    assert edit("share", "-P", "P1", "-S", "XNAT_S00001", "P2").status == 0
    answer = edit("set", "-P", "P2", "-E", "E1", "note=x")
    assert (answer.status, answer.values("outcome")) == (0, ["done"]), answer.err
    assert xnat.fields(f"/data/experiments/{moved}")["note"] == "x"


@pytest.mark.parametrize("look", [1, 2])
def test_a_subject_that_is_hidden_meanwhile_is_not_taken_for_empty(
    edit: Run, xnat: XNAT, moved: str, look: int
) -> None:
    looks = 0
    none = b'{"ResultSet":{"Result":[],"totalRecords":"0"}}'

    def hook(request: Request) -> Response | None:
        nonlocal looks
        if request.method != "GET" or "/projects/P1/subjects/XNAT_S" not in request.path:
            return None
        if request.path.endswith("/experiments"):
            # What has been moved to another project is in the document only.
            return Response(none, content_type="application/json")
        looks += 1
        return Response("", 404) if looks == look else None

    xnat.before(hook)
    answer = edit("delete", "subject", "-P", "P1", "S1", "--yes")
    assert answer.status != 0
    assert xnat.call("GET", f"/data/experiments/{moved}?format=json").status_code == 200
