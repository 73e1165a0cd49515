"""Sessions of the prearchive built anew, and never archived by that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.sandbox import XNAT

if TYPE_CHECKING:
    from conftest import Run, Stage


def test_rebuild_reads_the_files_anew_and_never_archives(
    run: Run, stage: Stage, xnat: XNAT
) -> None:
    xnat.has_project("AUTO", code=4)
    status, records, _ = run("rebuild", *stage(project="AUTO"))
    assert (status, records[0]["status"]) == (0, "READY")
    assert [path.path for path in xnat.requests("POST") if "action=rebuild" in path.url] == []


@pytest.mark.parametrize("command", ["archive", "rebuild"])
def test_what_is_being_built_is_waited_for(command: str, run: Run, slow: XNAT) -> None:
    _, listed, _ = run("list")
    slow.fails("POST", "/data/prearchive", 409, body="session document locked")
    status, records, _ = run(command, records=listed)
    assert (status, records[0]["outcome"]) == (0, "done")


def test_rebuild_waits_no_longer_than_it_is_told(run: Run, stage: Stage, xnat: XNAT) -> None:
    words = stage()
    xnat.fails("POST", "/data/prearchive", 409, times=1000)
    status, _, err = run("rebuild", *words, "--timeout", "0")
    assert status == 1
    assert "after 0 seconds" in err


@pytest.mark.parametrize(
    ("refusal", "timeout", "reason"),
    [(400, "60", "400"), (409, "0.5", "after 0.5 seconds")],
)
def test_what_the_server_does_not_build_is_not_said_to_be_built(
    refusal: int, timeout: str, reason: str, run: Run, stage: Stage, xnat: XNAT
) -> None:
    words = stage()
    xnat.fails("POST", "/data/prearchive", refusal, times=1000)
    status, records, err = run("rebuild", *words, "--timeout", timeout)
    assert status == 1
    assert records[0]["outcome"] == "failed"
    assert reason in err


@pytest.mark.parametrize("command", ["rebuild", "archive"])
def test_a_refusal_to_build_in_an_answer_of_success_is_a_failure(
    command: str, run: Run, slow: XNAT
) -> None:
    _, listed, _ = run("list")
    refusal = "Operation Failed: unable to read the session"
    slow.fails("POST", "/data/prearchive", 200, body=refusal, times=1000)
    status, records, err = run(command, "--timeout", "1", records=listed)
    assert (status, records[0]["outcome"]) == (1, "failed")
    assert refusal in err


def test_what_was_built_before_is_not_said_to_be_built_anew(
    run: Run, stage: Stage, xnat: XNAT
) -> None:
    words = stage()
    xnat.fails("POST", "/data/prearchive", 200, body="Operation Failed: disk full")
    status, _, err = run("rebuild", *words)
    assert status == 1
    assert "Operation Failed: disk full" in err
