"""Sessions whose label, from a DICOM header, has what the archive replaces."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from werkzeug.wrappers import Request, Response

from support.sandbox import XNAT

if TYPE_CHECKING:
    from conftest import Run, Stage


@pytest.fixture(autouse=True)
def keeps_the_dot(xnat: XNAT) -> None:
    """The row is called as the header says until it is archived."""

    def listing(request: Request, response: Response) -> None:
        if request.path.startswith("/data/prearchive") and request.method == "GET":
            response.data = re.sub(rb'("name": ?)"X1_MR"', rb'\1"X1.MR"', response.data)

    xnat.app.after(listing)


def test_the_session_is_found_again_when_the_command_is_repeated(
    xnat: XNAT, stage: Stage, run: Run
) -> None:
    stage("X1.MR")
    _, rows, _ = run("list", "-P", "P1")
    assert [row["label"] for row in rows] == ["X1.MR"]
    first = run("archive", records=rows)
    again = run("archive", records=rows)
    for (status, records, err), outcome in ((first, "done"), (again, "skipped")):
        assert status == 0, err
        assert [(one["label"], one["outcome"]) for one in records] == [("X1_MR", outcome)]


@pytest.mark.parametrize("status", [500, 502, 504])
def test_the_session_is_found_when_the_answer_is_lost(
    xnat: XNAT, stage: Stage, run: Run, status: int
) -> None:
    stage("X1.MR")
    _, rows, _ = run("list", "-P", "P1")
    xnat.loses("POST", "/data/services/archive", status)
    status, records, err = run("archive", records=rows)
    assert (status, [one["label"] for one in records]) == (0, ["X1_MR"]), err


def test_what_was_deleted_is_not_a_session_of_another_study(
    xnat: XNAT, stage: Stage, run: Run
) -> None:
    xnat.has_session("P1", "S1", "X1_MR", UID="9.9.9")
    words = stage("X1.MR")
    _, rows, _ = run("list", "-P", "P1")
    run("delete", *words, "--yes")
    status, records, err = run("archive", records=rows)
    assert (status, [one["outcome"] for one in records]) == (5, ["failed"]), err
