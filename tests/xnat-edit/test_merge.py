"""xnat-edit rename that merges: asked, all moved, and the empty source deleted."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.answers import Run
from support.edited import labels, puts, subjects
from support.sandbox import XNAT
from xnat_core.client import XNATClient
from xnat_core.leases import Holder, Lease
from xnat_core.services import merge

if TYPE_CHECKING:
    from conftest import Types


@contextmanager
def held_merge(xnat: XNAT, project: str, until: threading.Event) -> Iterator[None]:
    """Somebody else merges within the project until then."""
    with ExitStack() as other:
        with XNATClient(xnat.url, *xnat.admin) as client:
            other.enter_context(merge._turn(client, project, None))
        held = other.pop_all()

        def end() -> None:
            until.wait(60)
            held.close()

        ends = threading.Thread(target=end)
        ends.start()
        yield
        until.set()
        ends.join()


def test_several_for_one_label_are_merged_when_asked(xnat: XNAT, edit: Run) -> None:
    for number in (1, 2, 3):
        xnat.has_session("P1", f"A-{number}", f"MR{number}")
    words = ("rename", "subject", "-P", "P1", "--pattern", "(.)-.", "--to", "{1}", "--merge")
    assert edit(*words, "--dry-run").values("merged_into") == [None, "A", "A"]
    answer = edit(*words, "--yes")
    assert answer.values("outcome", "merged_into", "sessions") == [
        ("done", None, None),
        ("done", "A", ["MR2"]),
        ("done", "A", ["MR3"]),
    ]
    assert labels(xnat) == ["A"]


def test_a_label_that_exists_is_merged_into_after_a_question(
    xnat: XNAT, edit: Run, types: Types
) -> None:
    xnat.has_session("P1", "A", "MR1")
    xnat.has_session("P1", "B", "MR2")
    words = ("rename", "subject", "-P", "P1", "A", "B")
    answer = edit(*words)
    assert (answer.status, labels(xnat), puts(xnat)) == (2, ["A", "B"], 0)
    asked = types("y")
    answer = edit(*words)
    assert asked == [
        f"Some labels are there already. Merge A into B on {xnat.url}? The sessions move, and the "
        "empty subjects are deleted. [y/N] "
    ]
    assert answer.values("label", "merged_into", "outcome") == [("A", "B", "done")]
    assert labels(xnat) == ["B"]


def test_nothing_is_merged_into_what_could_not_give_its_label_away(
    xnat: XNAT, edit: Run, tmp_path: Path
) -> None:
    for name in ("A", "B", "D"):
        xnat.has_session("P1", name, f"{name}_MR")
    old = xnat.store.items.subject_in("P1", "B")
    assert old is not None
    xnat.fails("PUT", f"/data/projects/P1/subjects/{old.id}", 403)
    (tmp_path / "map.json").write_text(json.dumps({"B": "C", "A": "B", "D": "B"}))
    words = ("--mapping", str(tmp_path / "map.json"), "--merge", "--yes")
    answer = edit("rename", "subject", "-P", "P1", *words)
    assert answer.values("outcome") == ["failed"] * 3
    assert "subject 'B' already exists" in answer.err
    assert "nothing was moved" in answer.err
    assert labels(xnat) == ["A", "B", "D"]
    assert [one.label for one in xnat.store.items.experiments_of_subject(old.id)] == ["B_MR"]


def test_a_merge_moves_all_and_deletes_the_empty_source(
    xnat: XNAT, edit: Run, types: Types
) -> None:
    xnat.has_session("P1", "A", "MR1", scans={"1": {"a.dcm": b"a"}})
    xnat.has_session("P1", "A", "MR2")
    xnat.has_subject("P1", "B")
    words = ("merge", "subject", "-P", "P1", "A", "B")
    dry = edit(*words, "--dry-run")
    assert dry.values("outcome", "sessions") == [("planned", ["MR1", "MR2"])]
    assert (puts(xnat), edit(*words).status) == (0, 2)
    asked = types("n")
    assert (edit(*words).status, labels(xnat), puts(xnat)) == (7, ["A", "B"], 0)
    assert asked == [
        f"Move 2 sessions of subject P1/A (MR1, MR2) to B on {xnat.url}, and delete A? [y/N] "
    ]
    answer = edit(*words, "--yes")
    assert answer.values("label", "merged_into", "sessions", "outcome") == [
        ("A", "B", ["MR1", "MR2"], "done")
    ]
    assert labels(xnat) == ["B"]
    moved = xnat.store.items.experiment_in("P1", "MR1")
    assert moved is not None
    scan = xnat.store.items.scan(moved.id, "1")
    assert scan is not None
    assert xnat.files(scan, "DICOM") == {"a.dcm": b"a"}


@pytest.mark.parametrize("command", ["merge", "rename"])
def test_a_merge_that_waits_for_another_one_says_so(
    xnat: XNAT, edit: Run, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xnat_core.leases._WORTH_TELLING", 0)
    waits, holder = threading.Event(), Lease.holder

    def looks(lease: Lease) -> Holder | None:
        found = holder(lease)
        waits.set()
        return found

    # Whoever waits looks whom for: it may be long after it was started.
    monkeypatch.setattr(Lease, "holder", looks)
    xnat.has_session("P1", "A", "MR1")
    subjects(xnat, "B")
    words = (command, "subject", "-P", "P1", "A", "B", "--yes")
    with held_merge(xnat, "P1", until=waits):
        answer = edit(*words)
    assert (answer.status, labels(xnat)) == (0, ["B"])
    assert "waiting for another merge within P1 to end (process " in answer.err


def test_a_source_that_would_have_to_be_kept_is_refused_before_anything_moves(
    xnat: XNAT, edit: Run
) -> None:
    xnat.has_session("P1", "A", "MR1")
    xnat.has_resource(xnat.has_subject("P1", "A"), "NOTES", {"a.txt": b"a"})
    xnat.has_subject("P1", "B")
    for words in (("merge", "subject"), ("rename", "subject")):
        for more in ("--dry-run", "--yes"):
            answer = edit(*words, "-P", "P1", "A", "B", more)
            assert (answer.status, answer.values("outcome")) == (1, ["failed"])
            assert "it has resources of its own; nothing was moved" in answer.err
    assert puts(xnat) == 0


def test_standard_input_is_no_target(xnat: XNAT, edit: Run) -> None:
    xnat.has_session("P1", "A", "MR1")
    answer = edit("merge", "subject", "-P", "P1", "A", "-", "--yes")
    assert (answer.status, "into which subject?" in answer.err) == (2, True)


def test_subject_records_are_merged_into_one(xnat: XNAT, edit: Run) -> None:
    for label in ("A", "B"):
        xnat.has_session("P1", label, f"MR_{label}")
    xnat.has_subject("P1", "T")
    records = [{"kind": "subject", "project": "P1", "label": label} for label in ("A", "B", "T")]
    answer = edit("merge", "subject", "T", "--yes", records=records)
    assert answer.values("label", "outcome") == [("A", "done"), ("B", "done"), ("T", "failed")]
    assert labels(xnat) == ["T"]
