"""Archiving several sessions of a subject that the server does not have yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.meeting import Meeting
from support.sandbox import XNAT

if TYPE_CHECKING:
    from conftest import Run, Stage


def test_the_first_session_of_a_new_subject_is_archived_alone(
    xnat: XNAT, stage: Stage, run: Run
) -> None:
    for number in (1, 2, 3):
        stage(f"E{number}", study=f"1.2.{number}")
    _, rows, _ = run("list", "-P", "P1")
    meeting = Meeting(xnat, "POST", "/data/services/archive")
    status, records, err = run("archive", records=rows)
    assert (status, len(records), meeting.at_first) == (0, 3, 1), err
    assert [subject.label for subject in xnat.store.items.subjects_of_project("P1")] == ["S1"]


def test_sessions_of_several_subjects_are_archived_at_once(
    xnat: XNAT, stage: Stage, run: Run
) -> None:
    for number in (1, 2):
        stage(f"E{number}", subject=f"S{number}", study=f"1.2.{number}")
    _, rows, _ = run("list", "-P", "P1")
    meeting = Meeting(xnat, "POST", "/data/services/archive")
    status, _, err = run("archive", records=rows)
    assert (status, meeting.at_first) == (0, 2), err
