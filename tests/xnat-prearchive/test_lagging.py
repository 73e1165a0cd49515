"""A server that shows what was archived some time later."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from werkzeug.wrappers import Request, Response

from support.imports import rows

if TYPE_CHECKING:
    from conftest import Run, Stage
    from support.sandbox import XNAT

SESSIONS = re.compile("/data/projects/P1/experiments(/E1)?")


def test_a_row_that_is_shown_for_a_while_after_it_was_archived_is_no_failure(
    run: Run, stage: Stage, xnat: XNAT, patient: None
) -> None:
    words = stage()
    row = f"/data/prearchive/projects/{'/'.join(words)}"
    before = xnat.call("GET", f"{row}?format=json").content
    xnat.lags(f"{row}$", after="POST /data/services/archive", times=3, shows=before)
    assert run("archive", *words)[0] == 0
    status, records, err = run("archive", *words)
    assert (status, [record["label"] for record in records]) == (0, ["E1"]), err
    assert rows(xnat) == []


@pytest.mark.parametrize("lost", [False, True])
def test_a_session_that_is_shown_some_time_after_it_was_archived_is_waited_for(
    lost: bool, run: Run, stage: Stage, xnat: XNAT, patient: None
) -> None:
    words, archived, left = stage(), [False], [4]

    def hide(request: Request) -> Response | None:
        if archived[0] and left[0] and SESSIONS.fullmatch(request.path):
            left[0] -= 1
            is_list = request.path.endswith("s")
            return Response('{"ResultSet":{"Result":[]}}') if is_list else Response(status=404)
        archived[0] |= request.path == "/data/services/archive"
        return None

    xnat.before(hide)
    if lost:
        xnat.loses("POST", "/data/services/archive")
    status, records, err = run("archive", *words)
    assert (status, [record["label"] for record in records]) == (0, ["E1"]), err
    assert (rows(xnat), left) == ([], [0])
