"""xnat-edit: words that name too little, too much, or something else than they seem to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from werkzeug.wrappers import Request, Response

from support.answers import Run
from support.sandbox import XNAT


def deletes(xnat: XNAT) -> list[str]:
    return [
        request.path
        for request in xnat.requests("DELETE")
        if not request.path.startswith("/data/JSESSION")
    ]


def test_a_project_is_deleted_by_no_other_name(xnat: XNAT, edit: Run) -> None:
    xnat.store.items.create_project("P1", aliases=("FIRST",))
    answer = edit("delete", "project", "FIRST", "--yes", "--force")
    assert (answer.status, deletes(xnat)) == (2, [])
    assert "project 'FIRST' is called P1: name it so" in answer.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("file", "-E", "MR1", "-r", "NOTES"), "which files? name their paths"),
        (("file", "-r", "NOTES"), "which files? name their paths"),
        (("file", "-E", "MR1"), "which files? name their paths"),
        (("resource", "-E", "MR1"), "which resources? name their labels"),
    ],
)
def test_an_owner_alone_is_not_all_that_is_in_it(
    xnat: XNAT, edit: Run, words: tuple[str, ...], said: str
) -> None:
    xnat.has_session("P1", "S1", "MR1", resources={"NOTES": {"n.txt": b"n"}})
    project = ("-P", "P1") if "-E" in words else ()
    answer = edit("delete", *words, *project, "--yes")
    assert (answer.status, deletes(xnat)) == (2, [])
    assert said in answer.err


def test_files_need_the_place_of_their_resource(xnat: XNAT, edit: Run) -> None:
    answer = edit("delete", "file", "n.txt", "-r", "NOTES", "--yes")
    assert (answer.status, deletes(xnat)) == (2, [])
    assert "files of which resource?" in answer.err


def test_records_of_projects_resources_and_files_are_deleted_by_their_commands(
    xnat: XNAT, edit: Run
) -> None:
    session = xnat.has_session("P1", "S1", "MR1", resources={"A": {"a": b"a"}, "B": {"b": b"b"}})
    xnat.has_resource(xnat.has_project("P1"), "OWN", {"p.txt": b"p"})
    known = {"session_id": session.id}
    for kind, record in (
        ("file", {"kind": "file", "path": "a", "resource": "A", **known}),
        ("resource", {"kind": "resource", "label": "B", **known}),
        ("resource", {"kind": "resource", "label": "OWN", "project": "P1"}),
    ):
        answer = edit("delete", kind, "--yes", records=[record])
        assert answer.values("kind", "outcome") == [(kind, "done")]
    resources = f"/data/experiments/{session.id}/resources?format=json"
    assert [row["label"] for row in xnat.rows(resources)] == ["A"]
    assert xnat.files(session, "A") == {}
    assert xnat.rows("/data/projects/P1/resources?format=json") == []
    answer = edit(
        "delete", "project", "--yes", "--force", records=[{"kind": "project", "id": "P1"}]
    )
    assert answer.values("outcome") == ["done"]
    assert xnat.store.items.project("P1") is None


def test_an_id_that_leads_to_another_session_is_not_followed(xnat: XNAT, edit: Run) -> None:
    session = xnat.has_session("P1", "S1", "MR1")

    def by_label(request: Request) -> Response | None:
        if request.path != "/data/experiments/MR1":
            return None
        found = xnat.call("GET", f"/data/experiments/{session.id}?format=json")
        return Response(found.content, 200, content_type="application/json")

    xnat.before(by_label)
    answer = edit("delete", "--yes", records=[{"kind": "session", "id": "MR1"}])
    assert (answer.status, answer.values("outcome"), deletes(xnat)) == (5, ["failed"], [])


def test_what_is_named_twice_is_not_decided_by_chance(
    xnat: XNAT, edit: Run, tmp_path: Path
) -> None:
    xnat.has_session("P1", "S1", "MR1")
    subject = xnat.has_subject("P1", "S1")
    mapping = tmp_path / "map.json"
    mapping.write_text(json.dumps({"S1": "A", subject.id: "B"}))
    for words in (
        ("set", "-P", "P1", "-E", "MR1", "note=a", "note=b"),
        ("rename", "subject", "-P", "P1", "--mapping", str(mapping)),
    ):
        assert edit(*words).status == 2, words
    assert xnat.requests("PUT") == []
