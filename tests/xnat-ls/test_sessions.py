"""xnat-ls sessions."""

from __future__ import annotations

import pytest

from support.answers import Run
from support.sandbox import XNAT


def test_sessions_of_a_project_in_natural_order(xnat: XNAT, ls: Run) -> None:
    xnat.has_session("P1", "S1", "MR10")
    made = xnat.has_session("P1", "S1", "MR2", date="2024-04-30")
    xnat.has_session("P2", "S1", "MR3")
    answer = ls("sessions", "-P", "P1")
    assert answer.values("label") == ["MR2", "MR10"]
    first = answer.records[0]
    del first["insert_date"]
    assert first == {
        "kind": "session",
        "server": xnat.url,
        "uri": f"/data/experiments/{made.id}",
        "id": made.id,
        "label": "MR2",
        "project": "P1",
        "subject": "S1",
        "subject_id": made.subject_id,
        "xsi_type": "xnat:mrSessionData",
        "modality": "MR",
        "date": "2024-04-30",
    }
    assert len(xnat.requests("GET", "/data/")) == 1


def test_without_a_project_all_that_may_be_read(xnat: XNAT, ls: Run) -> None:
    xnat.has_session("P2", "S1", "MR1")
    xnat.has_session("P1", "S1", "MR1")
    assert ls("sessions").values("project", "label") == [("P1", "MR1"), ("P2", "MR1")]


def test_sessions_of_a_subject_and_of_a_modality(xnat: XNAT, ls: Run) -> None:
    xnat.has_session("P1", "S1", "MR1")
    xnat.has_session("P1", "S1", "PET1", xsi_type="xnat:petSessionData")
    xnat.has_session("P1", "S2", "MR2")
    assert ls("sessions", "-P", "P1", "-S", "S1").values("label") == ["MR1", "PET1"]
    assert ls("sessions", "-P", "P1", "--modality", "mr").values("label") == ["MR1", "MR2"]
    assert ls("sessions", "-P", "P1", "-S", "S1", "--modality=PET").values("label") == ["PET1"]


def test_a_subject_needs_its_project(ls: Run) -> None:
    answer = ls("sessions", "-S", "S1")
    assert (answer.status, answer.out) == (2, "")
    assert "--subject needs a project" in answer.err


def test_sessions_are_named_by_label_and_by_id(xnat: XNAT, ls: Run) -> None:
    one = xnat.has_session("P1", "S1", "MR 1")
    two = xnat.has_session("P2", "S1", "MR2")
    answer = ls("sessions", "-P", "P1", "MR 1", two.id, "-q")
    assert (answer.status, answer.out) == (0, f"{one.id}\n{two.id}\n")


def test_a_label_of_several_projects_is_told(xnat: XNAT, ls: Run) -> None:
    xnat.has_session("P1", "S1", "MR1")
    xnat.has_session("P2", "S1", "MR1")
    answer = ls("sessions", "MR1")
    assert answer.status == 2
    assert "'MR1' is in several projects (P1, P2)" in answer.err


def test_a_missing_session_does_not_stop_the_rest(xnat: XNAT, ls: Run) -> None:
    xnat.has_session("P1", "S1", "MR1")
    answer = ls("sessions", "-P", "P1", "MR9", "MR1")
    assert answer.status == 5
    assert answer.values("label", "outcome") == [("MR9", "failed"), ("MR1", None)]


def test_long_tells_what_is_in_a_session(xnat: XNAT, ls: Run) -> None:
    xnat.has_session(
        "P1", "S1", "MR1", {"10": {"a": b"a"}, "2": {}}, resources={"NOTES": {"n.txt": b"hi"}}
    )
    for words in (("MR1",), ("-E", "MR1"), ("--session", "MR1"), ()):
        record = ls("sessions", "-P", "P1", "--long", *words).records[0]
        assert (record["scan_count"], record["resource_count"]) == (2, 1)
        assert record["scans"] == [
            {"id": "2", "type": "T1w", "quality": "usable"},
            {"id": "10", "type": "T1w", "quality": "usable"},
        ]
        assert record["resources"] == [{"label": "NOTES", "file_count": 1, "file_size": 2}]


def test_long_with_one_name_is_one_object_with_tables(xnat: XNAT, ls: Run) -> None:
    made = xnat.has_session("P1", "S1", "MR1", {"1": {}})
    assert ls("sessions", "-P", "P1", "--long", "MR1", "-o", "table").out == (
        f"Server          {xnat.url}\n"
        f"URI             /data/experiments/{made.id}\n"
        f"ID              {made.id}\n"
        "Label           MR1\n"
        "Project         P1\n"
        "Subject         S1\n"
        f"Subject ID      {made.subject_id}\n"
        "Xsi Type        xnat:mrSessionData\n"
        "Modality        MR\n"
        "Scan Count      1\n"
        "Resource Count  0\n"
        "Resources       -\n"
        "\n"
        "Scans\n"
        "  ID  Type  Quality\n"
        "  1   T1w   usable\n"
    )


def test_records_of_projects_subjects_and_sessions(xnat: XNAT, ls: Run) -> None:
    one = xnat.has_session("P1", "S1", "MR1")
    xnat.has_session("P2", "S2", "MR2")
    xnat.has_session("P2", "S3", "MR3")
    records = [
        {"kind": "session", "id": one.id},
        {"kind": "subject", "label": "S3", "project": "P2"},
        {"kind": "project", "id": "P2"},
    ]
    answer = ls("sessions", "-", records=records)
    assert answer.values("label") == ["MR1", "MR3", "MR2", "MR3"]


def test_failed_records_pass_through_and_are_not_acted_upon(xnat: XNAT, ls: Run) -> None:
    error = {"type": "NetworkError", "message": "gone", "exit_status": 4}
    record = {"kind": "session", "id": "XNAT_E1", "outcome": "failed", "error": error}
    answer = ls("sessions", "-", records=[record])
    assert (answer.status, answer.records) == (4, [record])
    assert xnat.requests() == []


def test_a_record_of_another_kind_is_refused_by_its_line(xnat: XNAT, ls: Run) -> None:
    answer = ls("sessions", "-", records=[{"kind": "file", "path": "a"}])
    assert answer.values("kind", "line", "outcome") == [("input", 1, "failed")]


def test_five_thousand_sessions(xnat: XNAT, ls: Run) -> None:
    rows = [{"ID": f"XNAT_E{n:05}", "label": f"MR{n}"} for n in range(5000)]
    xnat.server.expect_request("/data/projects/P1/experiments").respond_with_json(
        {"ResultSet": {"Result": rows}}
    )
    answer = ls("sessions", "-P", "P1", "-q")
    assert answer.out.split() == [row["ID"] for row in rows]
    assert len(xnat.requests("GET", "/data/projects/P1")) == 1


@pytest.mark.parametrize("name", ["..", "a/b", "a?b", "%2e%2e"])
def test_what_could_change_the_path_is_refused(xnat: XNAT, ls: Run, name: str) -> None:
    answer = ls("sessions", "-P", "P1", name)
    assert answer.status == 2
    assert xnat.requests("GET", "/data/projects") == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("-w", "x"), "workers must be a valid integer, not 'x'"),
        (("--max-connections", "0"), "--max-connections 0: must be at least 1"),
    ],
)
def test_a_wrong_number_is_told_once_before_any_session_is_looked_at(
    xnat: XNAT, ls: Run, words: tuple[str, str], told: str
) -> None:
    answer = ls("sessions", "-P", "P1", "MR1", "MR2", *words)
    assert answer.status == 2
    assert answer.err == f"xnat-ls: {told}\n"
    assert answer.records == []
    assert xnat.requests() == []
