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


@pytest.mark.parametrize("by", ["label", "id"])
@pytest.mark.parametrize("kind", ["subject", "session"])
def test_what_is_not_listed_yet_is_renamed(edit: Run, xnat: XNAT, kind: str, by: str) -> None:
    session = xnat.has_session("P1", "S1", "E1")
    subject = next(iter(xnat.store.items.subjects_of_project("P1")))
    xnat.lags("/data/projects/P1/(subjects|experiments)$", "GET", times=9)
    made = subject if kind == "subject" else session
    answer = edit("rename", kind, "-P", "P1", getattr(made, by), "NEW")
    assert (answer.status, answer.err) == (0, "")
    assert answer.values("label", "old_label") == [("NEW", made.label)]


def test_what_is_not_listed_yet_is_renamed_by_its_record(edit: Run, xnat: XNAT) -> None:
    xnat.has_project("P1")
    made = edit("create", "subject", "-P", "P1", "s1")
    xnat.lags("/data/projects/P1/subjects$", "GET", times=9)
    pattern = ("--pattern", r"s(\d)", "--to", "T{1}")
    answer = edit("rename", "subject", "-", *pattern, records=made.records)
    assert (answer.status, answer.values("label", "outcome")) == (0, [("T1", "done")])
