"""Moves that move nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conftest import Run, Stage


def test_what_is_not_there_is_not_skipped_because_it_would_stay_where_it_is(
    run: Run, stage: Stage
) -> None:
    project, _, name = stage()
    assert run("move", project, "20200101_000000000", name, project)[0] == 5
