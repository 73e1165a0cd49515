"""xnat-edit create: new, checked, and never a change of what exists."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from support.answers import Run
from support.pretending import pretends
from support.sandbox import XNAT


def puts(xnat: XNAT) -> int:
    return len(xnat.requests("PUT"))


def test_a_project_is_made_private_and_read_back(xnat: XNAT, edit: Run) -> None:
    words = (
        "create",
        "project",
        "NEURO",
        "--name",
        "A & B",
        "--description",
        "<x>",
        "--pi",
        "Curie",
    )
    dry = edit(*words, "--dry-run")
    assert (dry.values("id", "name", "outcome"), puts(xnat)) == ([("NEURO", "A & B", "planned")], 0)
    answer = edit(*words)
    assert answer.records == [
        {
            "kind": "project",
            "server": xnat.url,
            "id": "NEURO",
            "name": "A & B",
            "description": "<x>",
            "accessibility": "private",
            "uri": "/data/projects/NEURO",
            "secondary_id": "NEURO",
            "subject_count": 0,
            "session_count": 0,
            "pi": "Curie",
            "outcome": "done",
        }
    ]


def test_the_name_of_a_project_is_its_id_unless_given(xnat: XNAT, edit: Run) -> None:
    answer = edit("create", "project", "P1", "--accessibility", "public")
    assert answer.values("name", "accessibility") == [("P1", "public")]
    assert edit("create", "project", "P2", "--accessibility", "open").status == 2


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_what_exists_is_an_error_and_not_changed(
    xnat: XNAT, edit: Run, more: tuple[str, ...]
) -> None:
    session = xnat.has_session("P1", "S1", "MR1", resources={"NOTES": {}})
    for words in (
        ("project", "P1"),
        ("subject", "-P", "P1", "S1"),
        ("session", "-P", "P1", "-S", "S1", "MR1"),
        ("resource", "-E", session.id, "NOTES"),
    ):
        answer = edit("create", *words, *more)
        assert (answer.status, answer.values("outcome")) == (1, ["failed"])
        assert "already exists" in answer.err
    assert edit("create", "project", "P1", *more).values("id") == ["P1"]
    assert puts(xnat) == 0


@pytest.mark.parametrize("name", ["a/b", "..", "a?b", "a#b", "a%b", "a b", "ä", "", "x" * 65])
def test_names_that_the_server_would_mangle_are_refused(xnat: XNAT, edit: Run, name: str) -> None:
    session = xnat.has_session("P1", "S1", "MR1")
    before = len(xnat.requests())
    for words in (
        ("project", name),
        ("subject", "-P", "P1", name),
        ("session", "-P", "P1", "-S", "S1", name),
        ("resource", "-E", session.id, name),
    ):
        assert edit("create", *words).status == 2, words
    assert len(xnat.requests()) == before


def test_a_resource_is_not_called_by_a_number(xnat: XNAT, edit: Run) -> None:
    session = xnat.has_session("P1", "S1", "MR1")
    answer = edit("create", "resource", "-E", session.id, "12")
    assert answer.status == 2
    assert "takes these for the number of a resource" in answer.err


def test_subjects_are_made_with_what_is_known_of_them(xnat: XNAT, edit: Run) -> None:
    xnat.has_project("P1")
    words = ("create", "subject", "-P", "P1", "--gender", "female", "--yob", "1980")
    answer = edit(*words, "A", "B")
    assert sorted(answer.values("label", "gender", "yob", "outcome")) == [
        ("A", "female", 1980, "done"),
        ("B", "female", 1980, "done"),
    ]
    assert edit(*words, "--group", "g", "--gender", "x", "C").status == 2


def test_what_names_no_project_is_made_in_that_of_the_profile(xnat: XNAT, edit: Run) -> None:
    xnat.has_project("P1")
    for words in (("subject", "A"), ("session", "-S", "A", "MR1")):
        answer = edit("create", *words)
        assert (answer.status, answer.out) == (2, "")
    file = Path.home() / "config/xnatctl/config.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(
        f"default_profile: it\nprofiles:\n  it:\n    url: {xnat.url}\n    default_project: P1\n"
    )
    answers = [
        edit("create", "subject", "A"),
        edit("create", "subject", records=[{"kind": "subject", "label": "B"}]),
        edit("create", "session", "-S", "A", "MR1"),
        edit("create", "session", records=[{"kind": "session", "label": "MR2", "subject": "B"}]),
    ]
    assert [answer.values("project", "outcome") for answer in answers] == [[("P1", "done")]] * 4


def test_a_subject_of_a_mistyped_project_is_not_made(xnat: XNAT, edit: Run) -> None:
    for more in ([], ["--dry-run"]):
        answer = edit("create", "subject", "-P", "NOPE", "A", *more)
        assert (answer.status, puts(xnat)) == (5, 0)


def test_subjects_of_one_project_are_made_in_another(xnat: XNAT, edit: Run) -> None:
    xnat.has_project("P2")
    records: list[dict[str, Any]] = [
        {"kind": "subject", "project": "P1", "id": "X1", "label": "A", "gender": "male"},
        {"kind": "subject", "project": "P1", "id": "X2", "label": "a"},
    ]
    for more, outcome in ((["--dry-run"], "planned"), ([], "done")):
        answer = edit("create", "subject", "-P", "P2", "-w", "1", *more, records=records)
        assert answer.values("label", "project", "outcome") == [
            ("A", "P2", outcome),
            ("a", "P2", "failed"),
        ]
    assert [s.label for s in xnat.store.items.subjects_of_project("P2")] == ["A"]


def test_a_session_is_made_of_a_subject_that_exists(xnat: XNAT, edit: Run) -> None:
    xnat.has_subject("P1", "S1")
    words = ("create", "session", "-P", "P1", "-S", "S1", "PET1", "--modality", "PET")
    answer = edit(*words, "--date", "2024-05-02", "--visit", "v1")
    assert answer.values("label", "subject", "xsi_type", "date", "visit_id", "outcome") == [
        ("PET1", "S1", "xnat:petSessionData", "2024-05-02", "v1", "done")
    ]
    answer = edit("create", "session", "-P", "P1", "-S", "NOPE", "MR1")
    assert (answer.status, puts(xnat)) == (5, 1)


def test_session_records_are_made_with_their_type(xnat: XNAT, edit: Run) -> None:
    xnat.has_subject("P2", "S1")
    record = {
        "kind": "session",
        "id": "XNAT_E9",
        "label": "CT1",
        "project": "P1",
        "subject": "S1",
        "subject_id": "XNAT_S9",
        "xsi_type": "xnat:ctSessionData",
    }
    answer = edit("create", "session", "-P", "P2", records=[record])
    made = xnat.store.items.experiment_in("P2", "CT1")
    assert made is not None
    assert answer.values("id", "subject_id", "xsi_type") == [
        (made.id, made.subject_id, "xnat:ctSessionData")
    ]


def test_a_resource_is_made_at_every_level(xnat: XNAT, edit: Run) -> None:
    session = xnat.has_session("P1", "S1", "MR1", scans={"1": {}})
    subject = xnat.has_subject("P1", "S1")
    project = xnat.has_project("P1")
    scan = xnat.store.items.scan(session.id, "1")
    assert scan is not None
    for words, item in (
        (("-P", "P1"), project),
        (("-P", "P1", "-S", "S1"), subject),
        (("-P", "P1", "-E", "MR1"), session),
        (("-P", "P1", "-E", "MR1", "--scan", "1"), scan),
    ):
        answer = edit("create", "resource", *words, "QC", "--format", "JSON")
        assert answer.values("label", "format", "outcome") == [("QC", "JSON", "done")]
        assert xnat.has_resource(item, "QC").format == "JSON"


def test_session_records_get_a_resource_each(xnat: XNAT, edit: Run) -> None:
    sessions = [xnat.has_session("P1", "S1", f"MR{number}") for number in (1, 2)]
    records = [{"kind": "session", "server": xnat.url, "id": one.id} for one in sessions]
    dry = edit("create", "resource", "QC", "--dry-run", records=records)
    assert sorted(dry.values("session", "label", "outcome")) == [
        ("MR1", "QC", "planned"),
        ("MR2", "QC", "planned"),
    ]
    answer = edit("create", "resource", "QC", records=[*records, records[0]])
    assert sorted(answer.values("outcome")) == ["done", "done", "failed"]


def test_what_was_not_made_is_a_failure(xnat: XNAT, edit: Run) -> None:
    session = xnat.has_session("P1", "S1", "MR1")
    xnat.before(pretends("PUT"))
    for words in (
        ("project", "P2"),
        ("subject", "-P", "P1", "S2"),
        ("session", "-P", "P1", "-S", "S1", "MR2"),
        ("resource", "-E", session.id, "NOTES"),
    ):
        answer = edit("create", *words)
        assert (answer.status, answer.values("outcome")) == (5, ["failed"])


def test_a_dry_run_makes_no_session(xnat: XNAT, edit: Run) -> None:
    xnat.has_subject("P1", "S1")
    dry = edit("create", "session", "-P", "P1", "-S", "S1", "MR1", "--dry-run")
    assert dry.values("label", "outcome") == [("MR1", "planned")]
    assert (puts(xnat), xnat.store.items.experiment_in("P1", "MR1")) == (0, None)


def test_a_session_without_what_was_said_of_it_is_a_failure(xnat: XNAT, edit: Run) -> None:
    xnat.has_subject("P1", "S1")

    def without_date(request: Request) -> Response | None:
        if request.method != "PUT" or "date" not in request.args:
            return None
        made = xnat.call("PUT", f"{request.path}?xsiType=xnat:mrSessionData")
        return Response(made.text, made.status_code)

    xnat.before(without_date)
    answer = edit("create", "session", "-P", "P1", "-S", "S1", "MR1", "--date", "2024-05-02")
    assert (answer.status, answer.values("outcome")) == (1, ["failed"])
    assert "session P1/MR1: session_date is None, not '2024-05-02'" in answer.err
