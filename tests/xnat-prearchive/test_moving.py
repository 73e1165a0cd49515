"""Moves that move nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from werkzeug.wrappers import Request, Response

from support.sandbox import XNAT

if TYPE_CHECKING:
    from conftest import Run, Stage


def test_what_is_not_there_is_not_skipped_because_it_would_stay_where_it_is(
    run: Run, stage: Stage
) -> None:
    project, _, name = stage()
    assert run("move", project, "20200101_000000000", name, project)[0] == 5


def test_a_row_that_the_server_says_is_where_it_was_has_not_been_moved(
    run: Run, stage: Stage, xnat: XNAT
) -> None:
    words = stage()
    where = "/data/prearchive/projects/" + "/".join(words)

    def stays(request: Request) -> Response | None:
        return Response(where, 301) if request.args.get("action") == "move" else None

    xnat.before(stays)
    status, records, err = run("move", *words, "P2")
    assert (status, records[0]["project"], records[0]["outcome"]) == (1, "P1", "failed")
    assert "is still there" in err
