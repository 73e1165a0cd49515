"""xnat-edit rename of what records name: that and nothing else, as it is called now."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from support.answers import Run
from support.sandbox import XNAT

PATTERN = ("--pattern", r"s(\d)", "--to", "T{1}")


def labels(xnat: XNAT) -> list[str]:
    return sorted(subject.label for subject in xnat.store.items.subjects_of_project("P1"))


def record(xnat: XNAT, label: str, **known: Any) -> dict[str, Any]:
    return {"kind": "subject", "server": xnat.url, "project": "P1", "label": label, **known}


def test_a_project_beside_the_dash_does_not_stand_for_all_in_it(xnat: XNAT, edit: Run) -> None:
    for label in ("s1", "s2"):
        xnat.has_subject("P1", label)
    records = [record(xnat, "s1"), record(xnat, "s2", project="P2")]
    answer = edit("rename", "subject", "-P", "P1", "-", *PATTERN, records=records)
    assert sorted(answer.values("label", "outcome")) == [("T1", "done"), ("s2", "failed")]
    assert "the record is of project P2, not P1" in answer.err
    assert labels(xnat) == ["T1", "s2"]


def test_a_project_beside_the_dash_is_that_of_records_without_one(xnat: XNAT, edit: Run) -> None:
    made = xnat.has_subject("P1", "s1")
    known = record(xnat, "s1", id=made.id)
    del known["project"]
    assert edit("rename", "subject", "-P", "P1", "-", *PATTERN, records=[known]).status == 0
    assert labels(xnat) == ["T1"]


@pytest.mark.parametrize(("given", "listed"), [("FIRST", "P1"), ("P1", "FIRST")])
def test_a_project_beside_the_dash_may_be_named_by_its_alias(
    xnat: XNAT, edit: Run, given: str, listed: str
) -> None:
    known = record(xnat, "s1", id=xnat.has_subject("P1", "s1").id, project=listed)
    assert xnat.call("PUT", "/data/projects/P1?alias=FIRST").status_code == 200
    answer = edit("rename", "subject", "-P", given, "-", *PATTERN, records=[known])
    assert (answer.status, answer.err) == (0, "")
    assert labels(xnat) == ["T1"]


@pytest.mark.parametrize("label", ["s7", "T7"])
def test_what_is_not_there_is_a_failure(xnat: XNAT, edit: Run, label: str) -> None:
    xnat.has_subject("P1", "s1")
    words = ("rename", "subject", "-", "--pattern", "(.*)", "--to", "T{1}")
    answer = edit(*words, records=[record(xnat, label)])
    assert (answer.status, answer.values("reason")) == (5, ["not found"])
    assert labels(xnat) == ["s1"]


def test_another_that_has_the_label_by_now_is_left_alone(xnat: XNAT, edit: Run) -> None:
    xnat.has_subject("P1", "s1")
    other = xnat.has_subject("P1", "x")
    records = [record(xnat, "s1", id=other.id), record(xnat, "s2", id="XNAT_S99999")]
    answer = edit("rename", "subject", "-", *PATTERN, records=records)
    assert sorted(answer.values("label", "reason")) == [
        ("s1", "it is called x by now"),
        ("s2", "not found"),
    ]
    assert (answer.status, labels(xnat)) == (1, ["s1", "x"])


def test_a_chain_by_records_can_be_repeated(xnat: XNAT, edit: Run, tmp_path: Path) -> None:
    records = [record(xnat, name, id=xnat.has_subject("P1", name).id) for name in ("A", "B")]
    (tmp_path / "map.json").write_text(json.dumps({"A": "B", "B": "C"}))
    words = ("rename", "subject", "-", "--mapping", str(tmp_path / "map.json"), "--yes")
    assert sorted(edit(*words, records=records).values("label", "outcome")) == [
        ("B", "done"),
        ("C", "done"),
    ]
    again = edit(*words, records=records)
    assert (again.status, again.values("reason")) == (0, ["renamed already"] * 2)
    assert labels(xnat) == ["B", "C"]


@pytest.mark.parametrize(
    ("now", "outcome"),
    [("x", ("failed", "it is called x by now")), ("T1", ("skipped", "renamed already"))],
)
def test_a_list_of_ids_finds_the_record_of_what_is_called_otherwise_by_now(
    xnat: XNAT, edit: Run, tmp_path: Path, now: str, outcome: tuple[str, str]
) -> None:
    made = xnat.has_subject("P1", now)
    (tmp_path / "map.json").write_text(json.dumps({made.id: "T1"}))
    words = ("rename", "subject", "-", "--mapping", str(tmp_path / "map.json"))
    answer = edit(*words, records=[record(xnat, "s1", id=made.id)])
    assert (answer.values("outcome", "reason"), labels(xnat)) == ([outcome], [now])


@pytest.mark.parametrize("source", ["closed", "null", "terminal"])
def test_where_no_records_can_come_a_project_is_asked_for(
    xnat: XNAT, edit: Run, source: str
) -> None:
    xnat.has_subject("P1", "s1")
    controller, terminal = os.openpty()
    os.write(controller, b"\x04")  # the end of what is typed
    with os.fdopen(terminal) as typed, Path(os.devnull).open() as null:
        stream = {"closed": None, "null": null, "terminal": typed}[source]
        answer = edit("rename", "subject", *PATTERN, stdin=[stream])
    os.close(controller)
    assert (answer.status, answer.out) == (2, "")
    assert "a project is needed: -P PROJECT, or default_project in the profile" in answer.err
    assert labels(xnat) == ["s1"]
