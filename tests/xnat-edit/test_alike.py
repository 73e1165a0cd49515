"""Subjects whose labels differ in case alone: the server takes them for the same in imports."""

from __future__ import annotations

import pytest

from support.answers import Run
from support.sandbox import XNAT

P1 = ("-P", "P1")


def warned(*labels: str) -> str:
    return (
        f"warning: project P1 has the subjects {' and '.join(map(repr, labels))} then, which the "
        "server does not tell apart when it archives\n"
    )


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_a_subject_that_is_like_another_is_made_with_a_warning(
    xnat: XNAT, edit: Run, more: tuple[str, ...]
) -> None:
    xnat.has_subject("P1", "Sub1")
    answer = edit("create", "subject", *P1, "sub1", "sub2", *more)
    assert answer.status == 0
    assert answer.err.count("warning") == 1
    assert warned("Sub1", "sub1") in answer.err
    listings = [r for r in xnat.requests("GET") if r.path == "/data/projects/P1/subjects"]
    assert len(listings) == 1


def test_labels_that_will_be_alike_are_told_before_they_are(xnat: XNAT, edit: Run) -> None:
    xnat.has_subject("P1", "Sub1")
    xnat.has_subject("P1", "B")
    answer = edit("rename", "subject", *P1, "B", "sub1")
    assert (answer.status, answer.values("label", "outcome")) == (0, [("sub1", "done")])
    assert answer.err.count("warning") == 1
    assert warned("Sub1", "sub1") in answer.err


def test_another_case_for_the_same_subject_is_no_matter(xnat: XNAT, edit: Run) -> None:
    xnat.has_subject("P1", "Sub1")
    answer = edit("rename", "subject", *P1, "Sub1", "sub1")
    assert (answer.status, answer.err) == (0, "")


def test_sessions_are_found_by_their_labels_as_they_are(xnat: XNAT, edit: Run) -> None:
    for label in ("MR1", "B"):
        xnat.has_session("P1", "S1", label)
    answer = edit("rename", "session", *P1, "B", "mr1")
    assert (answer.status, answer.err.count("warning")) == (0, 0)
