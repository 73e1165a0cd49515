"""The rows of one study, of which the server tells without listing the project."""

from __future__ import annotations

from pathlib import Path

import pytest
from werkzeug.wrappers import Request, Response

from support.archiving import stage
from support.imports import members
from support.sandbox import XNAT
from xnat_core.client import XNATClient
from xnat_core.errors import PermissionDeniedError
from xnat_core.prearchive import Prearchive
from xnat_sandbox.samples import write_series

UID = "1.2.77"
LISTING = "/data/prearchive/projects/"


@pytest.fixture(autouse=True)
def staged(xnat: XNAT, tmp_path: Path) -> None:
    """The study waits in two projects, and another one in the first."""
    for project, session, uid in (("P1", "A", UID), ("P2", "B", UID), ("P1", "C", "1.2.78")):
        xnat.has_project(project)
        paths = write_series(tmp_path / session, instances=1, study_uid=uid)
        stage(xnat, members(paths), project, session=session)


def test_of_one_project_they_are_told_and_no_others(xnat: XNAT, prearchive: Prearchive) -> None:
    (found,) = prearchive.of_study("P1", UID)
    assert (found.id, found.label) == (prearchive.get(found).id, "A")
    assert prearchive.of_study("P1", "1.2") == prearchive.of_study("P3", UID) == []
    assert not [r for r in xnat.requests("GET", LISTING) if r.path.count("/") == 4]


def test_a_server_that_hides_them_for_rows_elsewhere_lists_the_project(
    xnat: XNAT, prearchive: Prearchive
) -> None:
    def hides(request: Request) -> Response | None:
        return Response(status=404) if "tag" in request.args else None

    xnat.before(hides)
    assert [entry.label for entry in prearchive.of_study("P1", UID)] == ["A"]


def test_a_server_that_knows_no_such_question_shows_no_others(
    xnat: XNAT, prearchive: Prearchive
) -> None:
    def tells_all(request: Request) -> Response | None:
        request.environ["QUERY_STRING"] = "format=json"
        return None

    xnat.before(tells_all)
    assert [entry.label for entry in prearchive.of_study("P1", UID)] == ["A"]


def test_what_kept_the_server_from_being_asked_is_raised(
    xnat: XNAT, prearchive: Prearchive
) -> None:
    xnat.fails("GET", "/data/prearchive", 403)
    with pytest.raises(PermissionDeniedError):
        prearchive.of_study("P1", UID)


def test_who_has_no_rights_elsewhere_is_told_of_his_own(xnat: XNAT) -> None:
    with XNATClient(xnat.url, *xnat.has_user("bob", P1="member")) as client:
        assert [entry.label for entry in Prearchive(client).of_study("P1", UID)] == ["A"]
