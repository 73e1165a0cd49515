"""xnat-ls projects."""

from __future__ import annotations

from support.answers import Run
from support.sandbox import XNAT


def test_projects_are_listed_in_natural_order(xnat: XNAT, ls: Run) -> None:
    xnat.has_project("P10")
    xnat.has_project("P2")
    answer = ls("projects")
    assert (answer.status, answer.err) == (0, "")
    assert answer.records == [
        {
            "kind": "project",
            "server": xnat.url,
            "uri": f"/data/projects/{name}",
            "id": name,
            "name": name,
            "secondary_id": name,
        }
        for name in ("P2", "P10")
    ]


def test_a_table_has_id_name_investigator_and_description(xnat: XNAT, ls: Run) -> None:
    xnat.has_project("P1")
    fields = {"PI/firstname": "Marie", "PI/lastname": "Curie", "description": "Radium"}
    xnat.store.items.update_project("P1", fields=fields)
    assert ls("projects", "-o", "table").out == (
        "ID  Name  PI           Description\nP1  P1    Marie Curie  Radium\n"
    )


def test_a_table_shows_the_beginning_of_a_description(xnat: XNAT, ls: Run) -> None:
    xnat.has_project("P1")
    text = "d" * 50 + " and much more"
    xnat.store.items.update_project("P1", fields={"description": text})
    where = ("--where", "description~more")
    assert ls("projects", *where).values("description") == [text]
    assert (
        ls("projects", *where, "-o", "tsv", "--columns", "description").out.split("\n")[1] == text
    )
    assert ls("projects", *where, "-o", "table").out.split()[-1] == "d" * 49 + "…"


def test_quiet_prints_ids(xnat: XNAT, ls: Run) -> None:
    xnat.has_project("P1")
    assert ls("projects", "-q").out == "P1\n"


def test_long_tells_accessibility_and_counts(xnat: XNAT, ls: Run) -> None:
    xnat.has_session("P1", "S1", "MR1")
    xnat.has_session("P1", "S1", "MR2")
    xnat.has_project("P2")
    answer = ls("projects", "--long")
    assert answer.values("id", "accessibility", "subject_count", "session_count") == [
        ("P1", "private", 1, 2),
        ("P2", "private", 0, 0),
    ]


def test_long_with_one_name_is_one_object(xnat: XNAT, ls: Run) -> None:
    xnat.has_project("P1")
    answer = ls("projects", "--long", "P1", "-o", "table")
    assert answer.out == (
        f"Server         {xnat.url}\n"
        "URI            /data/projects/P1\n"
        "ID             P1\n"
        "Name           P1\n"
        "Secondary ID   P1\n"
        "Accessibility  private\n"
        "Subject Count  0\n"
        "Session Count  0\n"
    )


def test_a_missing_project_does_not_stop_the_rest(xnat: XNAT, ls: Run) -> None:
    xnat.has_project("P1")
    answer = ls("projects", "P0", "P1")
    assert answer.status == 5
    assert answer.values("id", "outcome") == [("P0", "failed"), ("P1", None)]
    assert answer.err.startswith("xnat-ls: project 'P0' not found\n")


def test_a_dash_reads_records(xnat: XNAT, ls: Run) -> None:
    xnat.has_project("P1")
    answer = ls("projects", "-", "--long", records=[{"kind": "project", "id": "P1"}])
    assert answer.values("id", "session_count") == [("P1", 0)]


def test_a_record_without_a_name_does_not_stop_the_rest(xnat: XNAT, ls: Run) -> None:
    xnat.has_project("7")
    answer = ls("projects", "-", records=[{"kind": "project"}, {"kind": "project", "id": 7}])
    assert answer.status == 1
    assert answer.values("id", "outcome") == [(None, "failed"), ("7", None)]
    assert answer.err.startswith("xnat-ls: line 1 of standard input: a project without id")


def test_list_options_work_here_too(xnat: XNAT, ls: Run) -> None:
    for name in ("P1", "P2", "X1"):
        xnat.has_project(name)
    assert ls("projects", "-q", "--filter", "id:P*", "--sort-by", "id:desc").out == "P2\nP1\n"
    assert ls("projects", "-q", "--limit", "1").out == "P1\n"
    assert ls("projects", "-q", "--limit", "0").out == ""
    assert ls("projects", "-o", "tsv", "--columns", "id", "--no-headers").out == "P1\nP2\nX1\n"
