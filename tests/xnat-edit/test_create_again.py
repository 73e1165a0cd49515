"""A name counts as given when something of that name was made, not when it was to be."""

from __future__ import annotations

from typing import Any

import pytest

from support.answers import Run
from support.sandbox import XNAT


@pytest.mark.parametrize(
    ("kind", "words", "under"),
    [
        ("project", (), "/data/projects/A"),
        ("subject", ("-P", "P1"), "/data/projects/P1/subjects/A"),
        ("session", ("-P", "P1", "-S", "S1"), "/data/projects/P1/subjects"),
    ],
)
def test_a_record_that_failed_leaves_its_name_to_the_next_one(
    xnat: XNAT, edit: Run, kind: str, words: tuple[str, ...], under: str
) -> None:
    xnat.has_subject("P1", "S1")
    record: dict[str, Any] = {"kind": kind, "id" if kind == "project" else "label": "A"}
    xnat.fails("PUT", under, 400)
    answer = edit("create", kind, *words, "-w", "1", records=[record, record, record])
    assert answer.values("outcome") == ["failed", "done", "failed"], answer.err
    assert answer.err.count("already exists") == 1


def test_a_resource_likewise(xnat: XNAT, edit: Run) -> None:
    session = xnat.has_session("P1", "S1", "E1")
    record = {"kind": "session", "id": session.id, "project": "P1"}
    xnat.fails("PUT", f"/data/experiments/{session.id}/resources", 400)
    answer = edit("create", "resource", "R", "-w", "1", records=[record, record, record])
    assert answer.values("outcome") == ["failed", "done", "failed"], answer.err
