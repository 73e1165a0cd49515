"""Receivers that are full or busy, and how long they are waited for."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from support.receivers import at
from xnat_cstore import pool, wire

if TYPE_CHECKING:
    from conftest import MakeSCP, MakeStoreSCP, Run


def test_a_full_receiver_is_asked_again(run: Run, make_scp: MakeSCP, series: list[Path]) -> None:
    scp = make_scp()
    scp.answer = lambda event: 0xA700 if len(scp.received) == 1 else 0
    status, records, _ = run("send", series[0], *at(scp.port))
    assert (status, records[0]["files"], len(scp.received)) == (0, 1, 2)


def test_a_receiver_that_stays_full_is_not_waited_for_at_every_file(
    run: Run, make_scp: MakeSCP, series: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xnat_cstore.delivery._PAUSES_WHEN_FULL", (0.01, 0.01))
    scp = make_scp(answer=lambda event: 0xA700)
    status, records, _ = run("send", series[0].parent, *at(scp.port), "-w", "1")
    assert (status, len(records)) == (1, 7)
    assert len(scp.received) == 3 * 3 + 3


def test_a_busy_receiver_is_waited_for(run: Run, make_scp: MakeSCP, series: list[Path]) -> None:
    refusals = iter([False, True, True])

    def requested(event: Any) -> None:
        if next(refusals, False):
            event.assoc.acse.send_reject(2, 3, 2)
            event.assoc.kill()

    scp = make_scp(requested=requested)
    status, records, _ = run("send", series[0].parent, *at(scp.port), "-w", "1")
    assert (status, records[0]["files"]) == (0, 6)


@pytest.mark.usefixtures("hasty")
def test_a_receiver_that_stays_busy_is_given_up(
    run: Run, make_scp: MakeSCP, series: list[Path]
) -> None:
    echoes = iter([True])

    def requested(event: Any) -> None:
        if not next(echoes, False):
            event.assoc.acse.send_reject(2, 3, 2)
            event.assoc.kill()

    scp = make_scp(requested=requested)
    status, records, err = run("send", series[0].parent, *at(scp.port))
    assert (status, records[-1]["kind"]) == (4, "failure")
    assert "it refuses associations for now (local limit exceeded)" in err


def test_a_receiver_of_one_association_that_takes_long_is_not_busy_for_ever(
    run: Run, make_scp: MakeSCP, series: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Longer than the first association takes to be made on a busy machine.
    monkeypatch.setattr(pool, "PATIENCE", 4.0)
    serving: list[Any] = []

    def requested(event: Any) -> None:
        if any(one.is_alive() and one.is_established for one in serving):
            event.assoc.acse.send_reject(2, 3, 2)
            event.assoc.kill()
        serving.append(event.assoc)

    def answer(event: Any) -> int:
        time.sleep(7 if len(scp.received) == 1 else 0)
        return 0

    scp = make_scp(requested=requested, answer=answer)
    status, records, err = run("send", series[0].parent, *at(scp.port), "-w", "3")
    assert (status, err, records[0]["files"]) == (0, "", 6)


@pytest.mark.usefixtures("hasty")
def test_a_receiver_that_takes_one_association_after_the_other_is_waited_for(
    run: Run, make_storescp: MakeStoreSCP, series: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "NEGOTIATING_SECONDS", 0.5)
    scp = make_storescp("--sleep-during", "2")
    status, records, err = run("send", *series[:2], *at(scp.port), "-w", "2")
    assert (status, err, records[0]["files"]) == (0, "", 2)
