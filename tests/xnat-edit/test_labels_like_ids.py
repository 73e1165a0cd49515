"""Labels that are accession IDs of others: what would reach the other is not sent."""

from __future__ import annotations

import pytest

from support.answers import Record, Run
from support.sandbox import XNAT

SESSION = ("P1", "S1", "MR1")


def looks(xnat: XNAT) -> list[object]:
    """All that could have changed."""
    where = ("/data/subjects", "/data/experiments")
    return [
        *(xnat.rows(f"{path}?format=json&columns=ID,label,project,gender,note") for path in where),
        *(xnat.rows(f"/data/projects/P2/{level}") for level in ("subjects", "experiments")),
    ]


@pytest.fixture
def confusing(xnat: XNAT) -> XNAT:
    """A session and a subject whose IDs are the labels of others."""
    xnat.has_project("P2")
    xnat.has_session("P1", "S2", "XNAT_E00002")
    xnat.has_subject("P1", "XNAT_S00003")
    assert xnat.has_session(*SESSION).id == "XNAT_E00002"
    assert xnat.has_subject("P1", "S1").id == "XNAT_S00003"
    return xnat


def record(xnat: XNAT, kind: str) -> Record:
    id = {"session": xnat.has_session(*SESSION).id, "subject": xnat.has_subject("P1", "S1").id}
    label = {"session": "MR1", "subject": "S1"}
    return {"kind": kind, "id": id[kind], "label": label[kind], "project": "P1"}


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("session", ("delete", "session", "--yes")),
        ("session", ("set", "note=hello")),
        ("session", ("share", "P2")),
        ("session", ("share", "P2", "--primary")),
        ("session", ("move", "S2")),
        ("session", ("rename", "session", "--pattern", "MR(.)", "--to", "NEW{1}")),
        ("subject", ("delete", "subject", "--yes", "--force")),
        ("subject", ("set", "gender=female")),
        ("subject", ("share", "P2")),
        ("subject", ("rename", "subject", "--pattern", "S(.)", "--to", "NEW{1}")),
        ("subject", ("merge", "subject", "--yes", "S2")),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else value,
)
def test_nothing_is_done_to_another_in_its_place(
    confusing: XNAT, edit: Run, kind: str, words: tuple[str, ...]
) -> None:
    before = looks(confusing)
    answer = edit(*words, records=[record(confusing, kind)])
    assert answer.status == 2
    assert "give" in answer.err
    assert looks(confusing) == before


@pytest.mark.parametrize(
    ("kind", "words"),
    [("session", ("delete", "session", "--yes", "-P", "P1", "-E")), ("subject", ())],
)
def test_a_word_that_names_two_is_refused(
    confusing: XNAT, edit: Run, kind: str, words: tuple[str, ...]
) -> None:
    before = looks(confusing)
    words = words or ("set", "gender=female", "-P", "P1", "-S")
    answer = edit(*words, str(record(confusing, kind)["id"]))
    assert answer.status == 2
    assert "is the label of" in answer.err
    assert looks(confusing) == before


@pytest.mark.parametrize(
    "words",
    [("move", "-P", "P1", "-E", "MR3"), ("merge", "subject", "--yes", "-P", "P1", "S3")],
    ids=lambda words: words[0],
)
def test_a_target_that_names_two_is_refused(
    confusing: XNAT, edit: Run, words: tuple[str, ...]
) -> None:
    confusing.has_session("P1", "S3", "MR3")
    before = looks(confusing)
    answer = edit(*words, confusing.has_subject("P1", "S1").id)
    assert answer.status == 2
    assert "is the label of" in answer.err
    assert looks(confusing) == before


def test_a_label_that_is_the_own_id_is_in_nobodys_way(xnat: XNAT, edit: Run) -> None:
    subject = xnat.has_subject("P1", "XNAT_S00001")
    assert subject.id == subject.label
    named = ("-P", "P1", "-S", subject.id)
    assert edit("set", "gender=female", *named).values("outcome") == ["done"]
    assert edit("rename", "subject", "-P", "P1", subject.id, "S1").values("outcome") == ["done"]
