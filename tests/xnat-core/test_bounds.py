"""Runs that end at a bound, and leave the rest for the next one."""

from __future__ import annotations

import io
import json

import pytest

from support.toy import main
from xnat_core.bounds import BoundReached, Bounds, is_left, seconds_of, size_of
from xnat_core.errors import UsageError


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("500", 500),
        ("20k", 20_000),
        ("1.5M", 1_500_000),
        ("2GB", 2e9),
        ("1Ti", 2**40),
        ("8 KiB", 8192),
    ],
)
def test_sizes_are_read_in_powers_of_ten_or_two(text: str, size: float) -> None:
    assert size_of(text, "--max-bytes") == size


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("45m", 2700), ("3h30m", 12600), ("1d", 86400)]
)
def test_times_are_read_by_their_units(text: str, seconds: float) -> None:
    assert seconds_of(text, "--max-duration") == seconds


@pytest.mark.parametrize("text", ["", "much", "-1", "3x"])
def test_what_is_no_size_or_time_is_wrong_usage(text: str) -> None:
    with pytest.raises(UsageError, match="--max-bytes"):
        size_of(text, "--max-bytes")
    with pytest.raises(UsageError, match="--max-duration"):
        seconds_of(text, "--max-duration")


def test_without_bounds_everything_is_admitted() -> None:
    assert {Bounds().admit() for _ in range(1000)} == {None}


def test_so_many_items_are_admitted() -> None:
    bounds = Bounds(most_items=2)
    first = bounds.beginner()
    for begin in (first, first, bounds.beginner(), first):
        assert bounds.admit() is None or begin is first
        begin()
    assert bounds.admit() == "max-items"
    with pytest.raises(BoundReached, match="--max-items"):
        bounds.beginner()()


def test_what_needs_nothing_to_be_done_does_not_count() -> None:
    bounds = Bounds(most_items=1)
    assert [bounds.admit() for _ in range(3)] == [None, None, None]


def test_nothing_is_admitted_when_enough_bytes_were_moved() -> None:
    bounds = Bounds(most_bytes=10)
    bounds.used({"outcome": "done", "bytes": 9})
    bounds.used({"outcome": "skipped", "bytes": 9})
    assert bounds.admit() is None
    bounds.used({"outcome": "done", "bytes": 1})
    assert bounds.admit() == "max-bytes"


def test_nothing_is_admitted_when_the_time_is_over() -> None:
    assert Bounds(seconds=3600).admit() is None
    assert Bounds(seconds=0).admit() == "max-duration"
    assert list(Bounds(seconds=3600).in_time("ab")) == ["a", "b"]
    over = Bounds(seconds=0)
    for look in (over.check_time, over.begin, lambda: next(over.in_time("ab"))):
        with pytest.raises(BoundReached, match="stopped at --max-duration"):
            look()


def test_what_a_bound_left_is_told_from_what_was_there() -> None:
    assert is_left({"outcome": "skipped", "reason": "max-items"})
    assert not is_left({"outcome": "skipped"})
    assert not is_left({"outcome": "skipped", "reason": "label in use"})
    assert not is_left({"outcome": "skipped", "reason": ["max-items"]})


LEFT = {"kind": "word", "id": "l", "reason": "max-items", "outcome": "skipped"}
THERE = {"kind": "word", "id": "t", "outcome": "skipped"}


def feed(monkeypatch: pytest.MonkeyPatch, *records: object) -> None:
    text = "".join(json.dumps(record) + "\n" for record in records)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))


def test_what_a_bound_left_is_handed_on_and_not_worked_on_by_the_next_tool(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    feed(monkeypatch, LEFT, THERE)
    assert main(["say", "-"]) == 0
    records = [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]
    assert records == [LEFT, {"kind": "word", "id": "t", "seen": True, "outcome": "done"}]


@pytest.mark.parametrize("given", [{"reason": "max-items"}, {**THERE, "reason": "label in use"}])
def test_what_was_left_and_is_taken_up_does_not_look_left_again(
    given: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    """Also by who takes only the outcome out of the record."""
    feed(monkeypatch, {"kind": "word", "id": "t", **given})
    assert main(["say", "-"]) == 0
    (record,) = [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]
    assert record == {"kind": "word", "id": "t", "seen": True, "outcome": "done"}


def test_who_reads_names_alone_is_not_given_what_a_bound_left(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    feed(monkeypatch, LEFT, THERE)
    assert main(["say", "-q", "-"]) == 0
    assert capfdbinary.readouterr().out == b"t\n"
