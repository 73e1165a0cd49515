"""Listings that show a change only some time later."""

from __future__ import annotations

import pytest

from support.answers import Run
from support.sandbox import XNAT

pytestmark = pytest.mark.usefixtures("patient")

AT = "/data/experiments/{id}"


@pytest.mark.parametrize(
    ("words", "listing", "after"),
    [
        (["create", "resource", "QC", "-E", "E1"], AT + "/resources", "PUT /data"),
        (["delete", "resource", "NOTES", "-E", "E1", "-y"], AT + "/resources", "DELETE"),
        (
            ["delete", "file", "a.txt", "-E", "E1", "-r", "NOTES", "-y"],
            AT + "/resources/NOTES/files",
            "DELETE",
        ),
        (["share", "P2", "-E", "E1"], AT + "/projects", "PUT /data"),
        (["merge", "subject", "S1", "S2", "-y"], "/data/projects/P1/experiments", "PUT /data"),
    ],
)
def test_listings_that_lag_are_waited_for(
    edit: Run, xnat: XNAT, words: list[str], listing: str, after: str
) -> None:
    session = xnat.has_session("P1", "S1", "E1", resources={"NOTES": {"a.txt": b"a"}})
    xnat.has_subject("P1", "S2")
    xnat.has_project("P2")
    where = listing.format(id=session.id)
    columns = "&columns=ID,label,project,subject_ID" if "projects/P1" in where else ""
    old = xnat.call("GET", f"{where}?format=json{columns}").content
    xnat.lags(where.replace("/NOTES/", "/[^/]+/") + "$", after, shows=old)
    answer = edit(*words, "-P", "P1")
    assert (answer.status, answer.err) == (0, "")
