"""What archiving would do, asked of the server without doing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.imports import rows
from support.sandbox import XNAT

if TYPE_CHECKING:
    from conftest import Run, Stage


def test_a_dry_run_asks_for_the_conflicts_and_archives_nothing(
    run: Run, stage: Stage, xnat: XNAT
) -> None:
    first = stage()
    status, records, _ = run("archive", *first, "--dry-run")
    assert (status, records[0]["outcome"]) == (0, "planned")
    run("archive", *first)
    status, records, _ = run("archive", *stage(), "--dry-run")
    assert (status, records[0]["outcome"]) == (1, "failed")
    assert len(rows(xnat)) == 1


def test_a_dry_run_reads_no_files_for_which_the_server_would_wait(run: Run, slow: XNAT) -> None:
    # On a project that archives by itself, one that is READY would not be archived any more.
    (row,) = rows(slow)
    status, records, _ = run("archive", "P1", row["timestamp"], "E9", "--dry-run")
    assert (status, records[0]["outcome"], records[0]["status"]) == (0, "planned", "RECEIVING")
    assert "its files have not been read yet" in records[0]["warnings"][0]
    assert rows(slow)[0]["status"] == "RECEIVING"


def test_a_dry_run_passes_over_the_conflicts_that_archiving_does(
    run: Run, stage: Stage, xnat: XNAT
) -> None:
    run("archive", *stage())
    again = stage()
    status, records, _ = run("archive", *again, "--overwrite", "--dry-run")
    assert (status, records[0]["outcome"]) == (0, "planned")
    for path in xnat.data.glob("prearchive/P1/*/E1/SCANS/*/DICOM/*.dcm"):
        path.rename(path.with_name("other-" + path.name))
    assert run("rebuild", *again)[0] == 0
    # What is new to the session is merged without being told.
    status, records, _ = run("archive", *again, "--dry-run")
    assert (status, records[0]["outcome"]) == (0, "planned")
    assert run("archive", *again)[0] == 0
