"""What the destination has just told is not asked for again: each request is a way there and
back, for each session of each run."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from support.transfers import Transfer, state_file


def asked(transfer: Transfer, since: int) -> Counter[str]:
    """What the destination is asked from then on, by the end of the path."""
    requests = transfer.dest.requests("GET")[since:]
    return Counter(request.path.rpartition("/")[2] for request in requests)


def test_nothing_to_do_takes_five_requests_for_a_session(transfer: Transfer) -> None:
    for number in (1, 2, 3):
        transfer.has_session("S1", f"S1_MR{number}", "MR")
    assert transfer().status == 0
    before = len(transfer.dest.requests("GET"))
    ran = transfer()
    assert ran.outcomes == {"skipped"}, ran.records
    again = asked(transfer, before)
    sessions = sum(again[f"S1_MR{number}"] for number in (1, 2, 3))
    lists = [again[name] for name in ("scans", "assessors", "files")]
    assert (sessions, lists) == (3, [3, 3, 3])
    # Of the subject that it was asked for under, a session needs no label.
    by_id = [r for r in transfer.dest.requests("GET")[before:] if "ID" in r.args]
    assert by_id == []


def test_scans_are_not_listed_again_when_none_was_sent(transfer: Transfer, tmp_path: Path) -> None:
    transfer.has_session("S1", "S1_MR1", "MR")
    assert transfer().status == 0
    state_file(tmp_path).unlink()
    before = len(transfer.dest.requests("GET"))
    # Without the state it is described again.
    assert transfer().status == 0
    # What is there, what is behind the change, and whether all is there.
    assert asked(transfer, before)["scans"] == 3


def test_what_waits_in_the_prearchive_is_not_listed_for_every_session(transfer: Transfer) -> None:
    for number in range(1, 6):
        transfer.has_session(f"S{number}", f"S{number}_MR1", "MR")
    assert transfer().status == 0
    listings = [r for r in transfer.dest.requests("GET") if r.path == "/data/prearchive/projects/B"]
    assert len(listings) <= 1
