"""Launches of several threads at once are told apart."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

import pytest

from support.answers import Run
from support.sandbox import XNAT
from xnat_pipeline.launching import Launcher


def test_two_launches_on_one_session_are_two_jobs(
    run: Run, xnat: XNAT, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, asked = threading.Barrier(2), threading.Barrier(2)

    class Slow(Launcher):
        def __init__(self, *words: Any, **more: Any) -> None:
            # Two are made at once, if two are made.
            with suppress(threading.BrokenBarrierError):
                made.wait(0.5)
            super().__init__(*words, **more)

        def _ask(self, *words: Any) -> None:
            # Both have looked at what was there before.
            asked.wait(20)
            super()._ask(*words)

    monkeypatch.setattr("xnat_pipeline.run.Launcher", Slow)
    found = xnat.store.items.experiment_in("P1", "E1")
    assert found
    record = {"kind": "session", "id": found.id, "label": "E1", "project": "P1"}
    answer = run("run", "demo-session", "-w", "2", records=[record, record])
    assert (answer.status, answer.err) == (0, "")
    assert sorted(one["id"] for one in answer.records) == ["1", "2"]
