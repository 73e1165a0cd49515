"""xnat-edit rename that is killed and repeated ends in the same state."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from support.answers import Run
from support.edited import labels, subjects
from support.sandbox import XNAT


def killed(xnat: XNAT, words: list[str], after: int) -> None:
    """Run the tool as a process of its own and kill it at its change of that number."""
    running: list[subprocess.Popen[bytes]] = []
    count = [0]

    def hook(request: Request) -> Response | None:
        if request.method in ("PUT", "DELETE") and running:
            count[0] += 1
            if count[0] == after:
                running.pop().send_signal(signal.SIGKILL)
        return None

    xnat.before(hook)
    with subprocess.Popen(
        [str(Path(sys.executable).parent / "xnat-edit"), *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        running.append(process)
        assert process.wait(60) == -signal.SIGKILL


def state(xnat: XNAT) -> dict[str, Any]:
    items = xnat.store.items
    return {
        subject.label: sorted(e.label for e in items.experiments_of_subject(subject.id))
        for subject in items.subjects_of_project("P1")
    }


@pytest.mark.parametrize("after", [1, 5, 11])
def test_a_rename_that_is_killed_and_repeated_ends_in_the_same_state(
    xnat: XNAT, edit: Run, after: int
) -> None:
    subjects(xnat, *(f"{number:02}" for number in range(30)))
    words = ["rename", "subject", "-P", "P1", "--pattern", "(.*)", "--to", "S{1}", "-w", "2"]
    killed(xnat, words, after)
    assert sum(label.startswith("S") for label in labels(xnat)) < 30
    assert edit(*words).status == 0
    assert labels(xnat) == [f"S{number:02}" for number in range(30)]


@pytest.mark.parametrize("after", [1, 4, 7])
def test_a_merge_that_is_killed_and_repeated_ends_in_the_same_state(
    xnat: XNAT, edit: Run, after: int
) -> None:
    sessions = [f"MR{number}" for number in range(8)]
    for label in sessions:
        xnat.has_session("P1", "A", label)
    xnat.has_session("P1", "B", "MR8")
    words = ["merge", "subject", "-P", "P1", "A", "B", "--yes"]
    killed(xnat, words, after)
    between = state(xnat)
    assert sorted([*between["A"], *between["B"]]) == [*sessions, "MR8"]
    assert edit(*words).status == 0
    assert state(xnat) == {"B": [*sessions, "MR8"]}
