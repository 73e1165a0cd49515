"""Rows that the server still shows when they have gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.imports import rows

if TYPE_CHECKING:
    from conftest import Run, Stage
    from support.sandbox import XNAT


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
