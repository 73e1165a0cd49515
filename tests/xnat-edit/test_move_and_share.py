"""xnat-edit move, share, unshare: looked at afterwards, and nothing lost on the way."""

from __future__ import annotations

import json

import pytest
from werkzeug.wrappers import Request, Response

from support.answers import Run
from support.pretending import pretends
from support.sandbox import XNAT
from xnat_core.client import XNATClient
from xnat_core.errors import OperationError
from xnat_core.services.lookup import find_session
from xnat_core.services.sharing import Shared


def changes(xnat: XNAT) -> list[str]:
    return [
        f"{request.method} {request.path}"
        for request in xnat.requests()
        if request.method != "GET" and "JSESSION" not in request.path
    ]


def shown_in(xnat: XNAT, id: str) -> list[tuple[str, str | None]]:
    return [(share.project, share.label) for share in xnat.store.items.shares(id)]


def test_a_session_moves_to_another_subject(xnat: XNAT, edit: Run) -> None:
    session = xnat.has_session("P1", "S1", "MR1")
    target = xnat.has_subject("P1", "S2")
    words = ("move", "-P", "P1", "-E", "MR1", "S2")
    assert edit(*words, "--dry-run").values("subject", "outcome") == [("S2", "planned")]
    assert changes(xnat) == []
    assert edit(*words).values("subject", "subject_id", "outcome") == [("S2", target.id, "done")]
    moved = xnat.store.items.experiment(session.id)
    assert moved is not None
    assert moved.subject_id == target.id
    assert edit(*words).values("outcome") == ["skipped"]


def test_a_mistyped_subject_is_not_made_by_a_move(xnat: XNAT, edit: Run) -> None:
    xnat.has_session("P1", "S1", "MR1")
    answer = edit("move", "-P", "P1", "-E", "MR1", "S9")
    assert (answer.status, changes(xnat)) == (5, [])


def test_session_records_move(xnat: XNAT, edit: Run) -> None:
    for label in ("MR1", "MR2"):
        xnat.has_session("P1", "S1", label)
    xnat.has_subject("P1", "S2")
    records = [{"kind": "session", "project": "P1", "label": label} for label in ("MR1", "MR2")]
    assert edit("move", "S2", records=records).values("subject") == ["S2", "S2"]


def test_a_project_cannot_move(xnat: XNAT, edit: Run) -> None:
    xnat.has_session("P1", "S1", "MR1")
    answer = edit("move", "-P", "P1", "S1")
    assert (answer.status, answer.out) == (2, "")
    assert "this needs -E for a session" in answer.err


def test_a_move_that_did_not_happen_is_a_failure(xnat: XNAT, edit: Run) -> None:
    xnat.has_session("P1", "S1", "MR1")
    xnat.has_subject("P1", "S2")
    xnat.before(pretends("PUT"))
    answer = edit("move", "-P", "P1", "-E", "MR1", "S2")
    assert answer.status == 1
    assert "session 'MR1' was to be of" in answer.err


def test_a_session_is_shared_with_its_subject(xnat: XNAT, edit: Run) -> None:
    session = xnat.has_session("P1", "S1", "MR1")
    xnat.has_project("P2")
    words = ("share", "-P", "P1", "-E", "MR1", "P2", "--label", "ALT", "--with-subject")
    dry = edit(*words, "--dry-run")
    assert dry.values("outcome", "shared_into", "with_subject") == [("planned", "P2", True)]
    assert changes(xnat) == []
    assert edit(*words).values("outcome", "with_subject") == [("done", True)]
    assert shown_in(xnat, session.id) == [("P2", "ALT")]
    assert shown_in(xnat, str(session.subject_id)) == [("P2", None)]
    assert edit(*words).values("outcome") == ["skipped"]


def test_the_subject_of_a_session_that_is_shared_already_is_shared(xnat: XNAT, edit: Run) -> None:
    session = xnat.has_session("P1", "S1", "MR1")
    xnat.has_project("P2")
    words = ("share", "-P", "P1", "-E", "MR1", "P2")
    assert edit(*words).values("outcome") == ["done"]
    for more, outcome in ((["--dry-run"], "planned"), ([], "done"), ([], "skipped")):
        assert edit(*words, "--with-subject", *more).values("outcome") == [outcome]
    assert shown_in(xnat, str(session.subject_id)) == [("P2", None)]
    assert shown_in(xnat, session.id) == [("P2", None)]


def test_a_subject_is_shared(xnat: XNAT, edit: Run) -> None:
    made = xnat.has_subject("P1", "S1")
    xnat.has_project("P2")
    assert edit("share", "-P", "P1", "-S", "S1", "P2").values("outcome") == ["done"]
    assert shown_in(xnat, made.id) == [("P2", None)]


def test_what_is_shared_under_another_label_is_told_so(xnat: XNAT, edit: Run) -> None:
    session = xnat.has_session("P1", "S1", "MR1")
    xnat.has_project("P2")
    xnat.store.items.share(session.id, "P2", None)
    for target, first in (("P2", "take it out with 'unshare'"), ("P1", "rename it")):
        for more in ([], ["--dry-run"]):
            answer = edit("share", "-P", "P1", "-E", "MR1", target, "--label", "ALT", *more)
            assert (answer.status, changes(xnat)) == (1, [])
            assert f"session 'MR1' is in {target} already, as 'MR1': {first} first" in answer.err


def test_a_share_of_a_subject_is_told_by_its_document(xnat: XNAT, edit: Run) -> None:
    made = xnat.has_subject("P1", "S1")
    xnat.has_session("P1", "S1", "MR1")
    xnat.has_project("P2")
    # A server is known to list the projects of experiments; others may answer their document.
    xnat.fails("GET", f"/data/subjects/{made.id}/projects", 404, times=99)
    words = ("share", "-P", "P1", "-E", "MR1", "P2", "--with-subject")
    assert edit(*words).values("outcome", "with_subject") == [("done", True)]
    assert edit("unshare", "-P", "P1", "-S", "S1", "P2").values("outcome") == ["done"]
    assert shown_in(xnat, made.id) == []


@pytest.mark.parametrize("label", ["MR1", "MR 1"])
def test_a_label_that_is_taken_in_the_target_is_refused_before_anything_is_done(
    xnat: XNAT, edit: Run, label: str
) -> None:
    xnat.has_session("P1", "S1", label)
    xnat.has_session("P2", "S1", label)
    for more in ([], ["--primary"], ["--dry-run"]):
        answer = edit("share", "-P", "P1", "-E", label, "P2", *more)
        assert (answer.status, changes(xnat)) == (1, [])
        assert f"session 'P2/{label}' already exists" in answer.err


def test_a_session_is_moved_to_another_project(xnat: XNAT, edit: Run) -> None:
    session = xnat.has_session("P1", "S1", "MR1")
    xnat.has_project("P2")
    words = ("share", "-P", "P1", "-E", "MR1", "P2", "--primary")
    assert edit(*words).values("project", "outcome") == [("P2", "done")]
    moved = xnat.store.items.experiment(session.id)
    assert moved is not None
    assert moved.project == "P2"


def test_sharing_with_an_unknown_project_is_told(xnat: XNAT, edit: Run) -> None:
    xnat.has_session("P1", "S1", "MR1")
    assert edit("share", "-P", "P1", "-E", "MR1", "P9").status == 5


def test_a_share_that_did_not_happen_is_a_failure(xnat: XNAT, edit: Run) -> None:
    xnat.has_session("P1", "S1", "MR1")
    xnat.has_project("P2")
    xnat.before(pretends("PUT"))
    answer = edit("share", "-P", "P1", "-E", "MR1", "P2")
    assert answer.status == 1
    assert "session 'MR1' did not come to project 'P2'" in answer.err


def test_a_move_of_files_that_outlives_the_proxy_is_waited_for(xnat: XNAT, edit: Run) -> None:
    session = xnat.has_session("P1", "S1", "MR1")
    xnat.has_project("P2")
    seen: list[str] = []

    def hook(request: Request) -> Response | None:
        if request.method == "PUT" and request.path.endswith("/projects/P2"):
            seen.append("PUT")
            return Response("", 504)
        if seen and request.path == f"/data/experiments/{session.id}":
            seen.append("look")
            if len(seen) == 4:
                xnat.store.move_experiment(session, "P2", "MR1", "admin")
        return None

    xnat.before(hook)
    answer = edit("share", "-P", "P1", "-E", "MR1", "P2", "--primary")
    assert (answer.status, seen) == (0, ["PUT", "look", "look", "look"])


def test_the_target_is_looked_up_once_for_all_records(xnat: XNAT, edit: Run) -> None:
    sessions = [xnat.has_session("P1", "S1", label) for label in ("MR1", "MR2", "MR3")]
    xnat.has_project("P2")
    records = [{"kind": "session", "id": session.id} for session in sessions]
    for command in ("share", "unshare"):
        before = len(xnat.requests("GET"))
        answer = edit(command, "P2", "-w", "1", records=records)
        assert answer.values("outcome") == ["done"] * 3
        asked = [request.path for request in xnat.requests("GET")[before:]]
        assert asked.count("/data/projects/P2") == 1


def test_what_is_shared_is_taken_out(xnat: XNAT, edit: Run) -> None:
    session = xnat.has_session("P1", "S1", "MR1")
    xnat.has_project("P2")
    xnat.store.items.share(session.id, "P2", "ALT")
    for words in (("-P", "P2", "-E", "ALT", "P2"), ("-P", "P1", "-E", "MR1", "P2")):
        answer = edit("unshare", *words, "--dry-run")
        assert answer.values("label", "unshared_from", "outcome") == [("MR1", "P2", "planned")]
    assert edit("unshare", "-P", "P2", "-E", "ALT", "P2").values("outcome") == ["done"]
    assert shown_in(xnat, session.id) == []
    assert edit("unshare", "-P", "P1", "-E", "MR1", "P2").values("outcome") == ["skipped"]


@pytest.mark.parametrize("target", ["P1", "ONE"])
def test_nothing_is_taken_out_of_its_own_project(xnat: XNAT, edit: Run, target: str) -> None:
    session = xnat.has_session("P1", "S1", "MR1")
    xnat.has_project("P2")
    xnat.store.database.execute("UPDATE project SET aliases='[\"ONE\"]' WHERE id='P1'")
    for words in (("-P", "P1", "-E", "MR1"), ("-P", "P1", "-S", "S1")):
        for more in ([], ["--dry-run"]):
            answer = edit("unshare", *words, target, *more)
            assert (answer.status, answer.values("outcome")) == (2, ["failed"])
            assert "the server would delete it" in answer.err
    assert changes(xnat) == []
    assert xnat.store.items.experiment(session.id) is not None


def test_an_item_whose_project_cannot_be_told_is_left_alone(xnat: XNAT, edit: Run) -> None:
    session = xnat.has_session("P1", "S1", "MR1")
    xnat.has_project("P2")
    xnat.store.items.share(session.id, "P2", None)
    without = {"items": [{"data_fields": {"ID": session.id, "label": "MR1"}, "meta": {}}]}

    def hook(request: Request) -> Response | None:
        asked = request.path == f"/data/experiments/{session.id}"
        return Response(json.dumps(without), 200) if asked else None

    xnat.before(hook)
    answer = edit("unshare", "-P", "P1", "-E", "MR1", "P2")
    assert answer.status == 1
    assert changes(xnat) == []


def test_records_are_taken_out(xnat: XNAT, edit: Run) -> None:
    sessions = [xnat.has_session("P1", "S1", f"MR{number}") for number in (1, 2)]
    xnat.has_project("P2")
    for session in sessions:
        xnat.store.items.share(session.id, "P2", None)
    records = [{"kind": "session", "id": session.id, "project": "P2"} for session in sessions]
    assert edit("unshare", "P2", records=records).values("outcome") == ["done", "done"]
    assert [shown_in(xnat, session.id) for session in sessions] == [[], []]


def test_what_is_shared_already_can_still_be_moved(xnat: XNAT, edit: Run) -> None:
    session = xnat.has_session("P1", "S1", "MR1")
    xnat.has_project("P2")
    xnat.store.items.share(session.id, "P2", None)
    words = ("share", "-P", "P1", "-E", "MR1", "P2", "--primary")
    assert edit(*words).values("project", "outcome") == [("P2", "done")]
    moved = xnat.store.items.experiment(session.id)
    assert moved is not None
    assert moved.project == "P2"


@pytest.mark.parametrize("more", [[], ["--primary"], ["--dry-run"]])
def test_the_label_that_is_asked_for_is_the_one_that_must_be_free(
    xnat: XNAT, edit: Run, more: list[str]
) -> None:
    xnat.has_session("P1", "S1", "MR1")
    xnat.has_session("P2", "S1", "TAKEN")
    answer = edit("share", "-P", "P1", "-E", "MR1", "P2", "--label", "TAKEN", *more)
    assert (answer.status, changes(xnat)) == (1, [])
    assert "session 'P2/TAKEN' already exists" in answer.err


def test_a_label_is_not_given_to_all_that_comes_in(xnat: XNAT, edit: Run) -> None:
    session = xnat.has_session("P1", "S1", "MR1")
    xnat.has_project("P2")
    records = [{"kind": "session", "id": session.id}]
    assert edit("share", "P2", "--label", "ALT", records=records).status == 2
    assert changes(xnat) == []


def test_the_library_takes_nothing_out_of_its_own_project(xnat: XNAT) -> None:
    client = XNATClient(xnat.url, *xnat.admin)
    session = xnat.has_session("P1", "S1", "MR1")
    shared = Shared.look(client, find_session(client, session.id))
    for project in ("P1", "p1"):
        with pytest.raises(OperationError, match="'MR1' belongs to"):
            shared.unshare(project)
    assert xnat.requests("DELETE", "/data/projects") == []


def test_a_session_does_not_move_to_a_subject_of_another_project(xnat: XNAT, edit: Run) -> None:
    xnat.has_session("P1", "S1", "MR1")
    guest = xnat.has_subject("P2", "S2")
    xnat.store.items.share(guest.id, "P1", None)
    answer = edit("move", "-P", "P1", "-E", "MR1", "S2")
    assert (answer.status, changes(xnat)) == (2, [])
    assert "subject 'S2' belongs to P2, not to P1" in answer.err


def test_a_share_is_no_move(xnat: XNAT, edit: Run) -> None:
    session = xnat.has_session("P1", "S1", "MR1")
    xnat.has_project("P2")

    def shares_only(request: Request) -> Response | None:
        if request.method != "PUT" or "primary" not in request.args:
            return None
        xnat.store.items.share(session.id, "P2", None)
        return Response("")

    xnat.before(shares_only)
    answer = edit("share", "-P", "P1", "-E", "MR1", "P2", "--primary")
    assert (answer.status, answer.values("outcome")) == (1, ["failed"])
    assert "session 'MR1' did not come to project 'P2'" in answer.err
