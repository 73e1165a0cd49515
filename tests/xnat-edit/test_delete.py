"""xnat-edit delete: told, asked, done, looked at; never more than was named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from werkzeug.wrappers import Request, Response

from support.answers import Run
from support.edited import changes, furnished, record
from support.pretending import pretends
from support.sandbox import XNAT

if TYPE_CHECKING:
    from conftest import Types


def test_a_session_goes_with_what_is_in_it(xnat: XNAT, edit: Run) -> None:
    session = furnished(xnat)
    answer = edit("delete", "session", "-P", "P1", "MR1", "--yes")
    assert answer.status == 0
    assert answer.records == [
        {
            "kind": "session",
            "server": xnat.url,
            "uri": f"/data/experiments/{session.id}",
            "id": session.id,
            "label": "MR1",
            "project": "P1",
            "subject": "S1",
            "subject_id": session.subject_id,
            "xsi_type": "xnat:mrSessionData",
            "modality": "MR",
            "scans": 2,
            "assessors": 0,
            "files": 4,
            "outcome": "done",
        }
    ]
    assert xnat.store.items.experiment(session.id) is None
    assert changes(xnat) == [
        f"DELETE /data/projects/P1/subjects/{session.subject_id}/experiments/{session.id}"
    ]


def test_the_question_names_everything_that_would_go(xnat: XNAT, edit: Run, types: Types) -> None:
    furnished(xnat)
    asked = types("y")
    answer = edit("delete", "subject", "-P", "P1", "S1", "--force")
    assert asked == [f"Delete subject P1/S1 (1 session, 2 scans, 5 files) on {xnat.url}? [y/N] "]
    assert (answer.status, answer.values("outcome")) == (0, ["done"])
    assert xnat.store.items.subject_in("P1", "S1") is None


def test_the_answer_no_changes_nothing(xnat: XNAT, edit: Run, types: Types) -> None:
    furnished(xnat)
    types("n")
    answer = edit("delete", "session", "-P", "P1", "MR1")
    assert (answer.status, answer.out.count("\n")) == (7, 1)
    assert "cancelled: nothing was changed" in answer.err
    assert changes(xnat) == []


def test_without_a_terminal_yes_is_needed_before_anything_is_read(xnat: XNAT, edit: Run) -> None:
    session = furnished(xnat)
    before = len(xnat.requests())
    for words in (
        ("delete", "session", "-P", "P1", "MR1"),
        ("delete", "scans", "-P", "P1", "-E", "MR1", "-s", "1"),
        ("delete", "file", "-P", "P1", "-E", "MR1", "-r", "NOTES", "n.txt"),
        ("delete",),
    ):
        answer = edit(*words, records=[record(xnat, "session", id=session.id)])
        assert (answer.status, answer.out) == (2, "")
        assert "this needs --yes: there is no terminal to ask on" in answer.err
    assert len(xnat.requests()) == before


def test_the_records_never_answer_the_question(xnat: XNAT, edit: Run, types: Types) -> None:
    session = furnished(xnat)
    asked = types("n", "n")
    scans = [record(xnat, "scan", id=id, session_id=session.id) for id in ("1", "2")]
    answer = edit("delete", records=[*scans, {"kind": "y"}])
    assert len(asked) == 2
    assert answer.values("outcome") == ["failed", "failed", "failed"]
    assert changes(xnat) == []


def test_a_subject_with_sessions_needs_force(xnat: XNAT, edit: Run) -> None:
    furnished(xnat)
    for more in ((), ("--dry-run",)):
        answer = edit("delete", "subject", "-P", "P1", "S1", "--yes", *more)
        assert answer.status == 1
        assert answer.values("outcome") == ["failed"]
        assert "subject 'S1' has 1 session, 2 scans, 5 files: needs --force" in answer.err
    assert changes(xnat) == []


@pytest.mark.parametrize("what", ["experiments", "resources"])
def test_what_cannot_be_counted_is_not_deleted(xnat: XNAT, edit: Run, what: str) -> None:
    subject = xnat.has_subject("P1", "S1")
    xnat.before(
        lambda request: (
            Response("no", 403) if request.path.endswith(f"/subjects/{subject.id}/{what}") else None
        )
    )
    answer = edit("delete", "subject", "-P", "P1", "S1", "--yes", "--force")
    assert (answer.status, answer.values("outcome")) == (6, ["failed"])
    assert changes(xnat) == []


def test_a_project_goes_only_by_force_and_by_its_id(xnat: XNAT, edit: Run) -> None:
    furnished(xnat)
    answer = edit("delete", "project", "P1", "--yes")
    assert "project 'P1' has 1 subject, 1 session, 2 scans, 5 files: needs --force" in answer.err
    assert edit("delete", "project", "NOPE", "--yes", "--force").status == 5
    assert changes(xnat) == []
    answer = edit("delete", "project", "P1", "--yes", "--force")
    assert answer.values("id", "subjects", "sessions", "files") == [("P1", 1, 1, 5)]
    assert xnat.store.items.project("P1") is None


def test_scans_are_deleted_by_the_route_of_the_session(xnat: XNAT, edit: Run) -> None:
    session = furnished(xnat)
    answer = edit("delete", "scans", "-P", "P1", "-E", "MR1", "-s", "1,9,2", "--yes")
    assert sorted(answer.values("id", "outcome", "files")) == [
        ("1", "done", 2),
        ("2", "done", 1),
        ("9", "failed", None),
    ]
    assert "scan 'MR1/9' not found" in answer.err
    assert answer.status == 5
    assert sorted(changes(xnat)) == [
        f"DELETE /data/experiments/{session.id}/scans/{id}" for id in "12"
    ]


def test_a_star_is_all_scans_and_one_question(xnat: XNAT, edit: Run, types: Types) -> None:
    furnished(xnat)
    asked = types("yes")
    answer = edit("delete", "scans", "-P", "P1", "-E", "MR1", "--scans", "*")
    assert asked == [f"Delete scan MR1/1 (2 files); scan MR1/2 (1 file) on {xnat.url}? [y/N] "]
    assert (answer.status, len(answer.records)) == (0, 2)


def test_scans_must_be_named_as_those_of_a_session(xnat: XNAT, edit: Run) -> None:
    furnished(xnat)
    for words in (
        ("-E", "MR1", "-P", "P1"),
        ("-E", "MR1", "-P", "P1", "-s", ""),
        ("-E", "MR1", "-P", "P1", "-s", ",,"),
        ("-E", "", "-P", "P1", "-s", "1"),
        ("-s", "1"),
        ("-P", "P1", "-s", "1"),
    ):
        assert edit("delete", "scans", "--yes", *words).status == 2
    assert changes(xnat) == []


@pytest.mark.parametrize("name", ["a/b", "..", ".", "a?b", "a#b", "a%2Fb", "", " "])
def test_names_that_could_change_a_path_are_refused(xnat: XNAT, edit: Run, name: str) -> None:
    session = furnished(xnat)
    for words in (
        ("project", name),
        ("subject", "-P", "P1", name),
        ("subject", "-P", name, "S1"),
        ("session", "-P", "P1", name),
        ("scans", "-E", session.id, "-s", name),
        ("resource", "-E", session.id, name),
        ("resource", "-E", session.id, "--scan", name, "DICOM"),
    ):
        assert edit("delete", *words, "--yes").status == 2, words
    assert changes(xnat) == []


def test_a_delete_that_did_not_happen_is_a_failure(xnat: XNAT, edit: Run) -> None:
    session = furnished(xnat)
    xnat.before(pretends("DELETE"))
    for words in (
        ("session", "-P", "P1", "MR1"),
        ("scans", "-P", "P1", "-E", "MR1", "-s", "1"),
        ("resource", "-P", "P1", "-E", "MR1", "NOTES"),
        ("file", "-P", "P1", "-E", "MR1", "-r", "NOTES", "n.txt"),
    ):
        answer = edit("delete", *words, "--yes")
        assert (answer.status, answer.values("outcome")) == (1, ["failed"])
        assert "is still there, although the server reported success" in answer.err
    assert xnat.store.items.experiment(session.id) is not None


def test_a_delete_that_outlives_the_proxy_is_waited_for_and_not_repeated(
    xnat: XNAT, edit: Run
) -> None:
    session = furnished(xnat)
    looks: list[str] = []

    def hook(request: Request) -> Response | None:
        if request.method == "DELETE" and "subjects" in request.path:
            looks.append("sent")
            return Response("", 504)
        if looks and request.path == f"/data/experiments/{session.id}":
            looks.append("look")
            if len(looks) == 4:
                xnat.store.delete_experiment(session, remove_files=True)
        return None

    xnat.before(hook)
    answer = edit("delete", "session", "-P", "P1", "MR1", "--yes")
    assert (answer.status, looks) == (0, ["sent", "look", "look", "look"])


def test_files_may_be_kept(xnat: XNAT, edit: Run) -> None:
    furnished(xnat)
    edit("delete", "session", "-P", "P1", "MR1", "--yes", "--keep-files")
    request = xnat.requests("DELETE", "/data/projects")[0]
    assert request.args["removeFiles"] == "false"


def test_a_resource_that_is_not_there_is_not_deleted_by_a_200(xnat: XNAT, edit: Run) -> None:
    xnat.has_session("P1", "S1", "MR1")
    answer = edit("delete", "resource", "-P", "P1", "-E", "MR1", "NOPE", "--yes")
    assert (answer.status, changes(xnat)) == (5, [])


@pytest.mark.parametrize("owner", [["-P", "P1"], ["-P", "P1", "-S", "S1"]])
def test_the_session_of_a_resource_is_not_taken_for_one_of_its_parent(
    xnat: XNAT, edit: Run, owner: list[str]
) -> None:
    furnished(xnat)
    project = xnat.store.items.project("P1")
    assert project is not None
    for item in (project, xnat.has_subject("P1", "S1")):
        xnat.has_resource(item, "NOTES", {"n.txt": b"n"})
    answer = edit("delete", "resource", "MR1", "NOTES", *owner, "--yes")
    assert (answer.status, answer.records, changes(xnat)) == (2, [], [])
    assert "'MR1' is a session: -E MR1" in answer.err


@pytest.mark.parametrize("dry", [[], ["--dry-run"]])
def test_what_is_printed_is_not_mistaken_for_what_goes(
    xnat: XNAT, edit: Run, dry: list[str]
) -> None:
    furnished(xnat)
    words = ("delete", "scans", "-E", "MR1", "-P", "P1", "-s", "*", "--yes", *dry)
    answer = edit(*words, "--where", "id=1")
    assert (answer.status, answer.out, changes(xnat)) == (2, "", [])
    assert "--where id: it chooses what is printed, not what is changed" in answer.err
    assert len(edit(*words, "--where", "outcome!=failed").records) == 2


def test_a_misspelled_kind_is_named(edit: Run) -> None:
    answer = edit("delete", "sessions", "-P", "P1", "E1", "--yes")
    assert (answer.status, answer.records) == (2, [])
    assert "unknown command 'delete sessions'; did you mean session?: project," in answer.err


def test_why_a_delete_is_refused_is_told(xnat: XNAT, edit: Run) -> None:
    session = xnat.has_session("P1", "S1", "MR1")
    xnat.store.items.update_experiment(session.id, status="locked")
    answer = edit("delete", "session", "-P", "P1", "MR1", "--yes")
    assert answer.status == 6
    assert "no permission to delete session MR1: The item is locked." in answer.err


def test_scans_are_deleted_by_options_of_old_scripts(xnat: XNAT, edit: Run) -> None:
    furnished(xnat)
    words = ("-P", "P1", "--session", "MR1", "-s", "1", "--no-parallel", "--yes")
    answer = edit("delete", "scans", *words)
    assert (answer.status, answer.values("id", "outcome")) == (0, [("1", "done")])
    assert "--session is an old name for --experiment" in answer.err
    assert "--parallel has no effect" in edit("delete", "scans", *words, "--parallel").err
