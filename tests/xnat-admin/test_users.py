"""Users and the groups they are in."""

from __future__ import annotations

import pytest
from werkzeug.wrappers import Request, Response

from support.answers import Run
from support.pretending import pretends
from support.sandbox import XNAT


def changes(xnat: XNAT) -> list[str]:
    return [
        f"{request.method} {request.path}"
        for request in xnat.requests()
        if request.method != "GET" and "JSESSION" not in request.path
    ]


@pytest.fixture
def alice(xnat: XNAT) -> str:
    for project in ("P1", "P2", "A_B"):
        xnat.has_project(project)
    return xnat.has_user("alice")[0]


def groups(xnat: XNAT, login: str = "alice") -> list[str]:
    return xnat.store.accounts.groups(login)


def test_the_users_of_the_server(xnat: XNAT, admin: Run, alice: str) -> None:
    answer = admin("user", "list", "--where", "username=alice")
    assert answer.records == [
        {
            "kind": "user",
            "server": xnat.url,
            "username": "alice",
            "firstname": "alice",
            "lastname": "alice",
            "email": "alice@example.org",
            "enabled": True,
            "verified": True,
        }
    ]


@pytest.mark.parametrize("body", ["17", "true", '{"message": "later"}'])
def test_what_is_no_list_is_not_taken_for_users(xnat: XNAT, admin: Run, body: str) -> None:
    xnat.before(
        lambda r: Response(body, mimetype="application/json") if "profiles" in r.path else None
    )
    answer = admin("user", "list")
    assert answer.status == 1
    assert "GET /xapi/users/profiles: the server does not answer with a list" in answer.err


def test_who_may_not_read_profiles_may_know_who_there_is(
    xnat: XNAT, admin: Run, alice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    xnat.before(lambda r: Response(status=403) if "profiles" in r.path else None)
    login, password = xnat.has_user("bob", P1="owner")
    monkeypatch.setenv("XNAT_USER", login)
    monkeypatch.setenv("XNAT_PASS", password)
    added = admin("user", "add", "alice", "--projects", "P1")
    assert added.values("outcome", "group") == [("done", "P1_member")]
    assert groups(xnat) == ["P1_member"]


def test_the_members_of_a_project_with_their_groups(xnat: XNAT, admin: Run, alice: str) -> None:
    xnat.store.accounts.join("alice", "P1_owner")
    assert admin("user", "list", "-P", "P1").values("username", "groups") == [
        ("alice", ["P1_owner"])
    ]
    assert admin("user", "list", "alice", "--long").values("groups") == [["P1_owner"]]
    assert admin("user", "list", "nobody").status == 5
    assert admin("user", "list", "-P", "NOPE").status == 5


def test_a_list_that_is_for_administrators_is_refused(
    xnat: XNAT, admin: Run, alice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    xnat.store.preferences.set("restrictUserListAccessToAdmins", True)
    monkeypatch.setenv("XNAT_USER", "alice")
    monkeypatch.setenv("XNAT_PASS", "alice-password")
    assert admin("user", "list").status == 6


def test_projects_alone_are_enough(xnat: XNAT, admin: Run, alice: str) -> None:
    words = ("user", "add", "alice", "--projects", "P1,A_B")
    dry = admin(*words, "--dry-run")
    assert dry.values("group", "outcome") == [("P1_member", "planned"), ("A_B_member", "planned")]
    assert changes(xnat) == []
    answer = admin(*words)
    assert answer.records == [
        {
            "kind": "user",
            "username": "alice",
            "server": xnat.url,
            "group": f"{project}_member",
            "project": project,
            "role": "member",
            "outcome": "done",
        }
        for project in ("P1", "A_B")
    ]
    assert groups(xnat) == ["A_B_member", "P1_member"]
    assert admin(*words).values("outcome") == ["skipped", "skipped"]


def test_a_role_and_groups_by_name(xnat: XNAT, admin: Run, alice: str) -> None:
    admin("user", "add", "alice", "P2_owner", "--projects", "P1", "--role", "collaborator")
    assert groups(xnat) == ["P1_collaborator", "P2_owner"]


def test_an_unknown_user_is_not_invited(xnat: XNAT, admin: Run, alice: str) -> None:
    for more in ([], ["--dry-run"]):
        answer = admin("user", "add", "alcie", "--projects", "P1", *more)
        assert (answer.status, changes(xnat)) == (5, [])
        assert "user 'alcie' not found" in answer.err


def test_groups_that_failed_are_told_and_the_others_done(
    xnat: XNAT, admin: Run, alice: str
) -> None:
    answer = admin("user", "add", "alice", "P1_member", "NOPE_member", "strange")
    assert sorted(answer.values("group", "outcome")) == [
        ("NOPE_member", "failed"),
        ("P1_member", "done"),
        ("strange", "failed"),
    ]
    assert "xnat-admin: user alice: project 'NOPE' not found\n" in answer.err
    assert "alice is not in group 'strange', the server refused" in answer.err
    assert answer.status == 1


@pytest.mark.parametrize(
    "words",
    [
        ("alice",),
        ("alice", "--projects", ""),
        ("alice", "--projects", ","),
        ("alice", "--projects", "P1", "--role", "boss"),
        ("alice", "a/b"),
        ("", "P1_member"),
        ("../alice", "P1_member"),
    ],
)
def test_what_names_no_user_or_group_is_refused(
    xnat: XNAT, admin: Run, alice: str, words: tuple[str, ...]
) -> None:
    assert admin("user", "add", *words).status == 2
    assert changes(xnat) == []


def test_a_yes_that_changed_nothing_is_a_failure(xnat: XNAT, admin: Run, alice: str) -> None:
    xnat.before(pretends("PUT", "/xapi"))
    answer = admin("user", "add", "alice", "--projects", "P1")
    assert answer.status == 1
    assert "alice is not in group 'P1_member' although the server said yes" in answer.err


def test_an_owner_who_is_no_administrator_adds_members_to_the_project(
    xnat: XNAT, admin: Run, alice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    login, password = xnat.has_user("bob", P1="owner")
    monkeypatch.setenv("XNAT_USER", login)
    monkeypatch.setenv("XNAT_PASS", password)

    def hook(request: Request) -> Response | None:
        # XNAT keeps this route for administrators; the sandbox is kinder.
        denied = request.method == "PUT" and request.path == "/xapi/users/alice/groups"
        return Response("", 403) if denied else None

    xnat.before(hook)
    answer = admin("user", "add", "alice", "--projects", "P1,P2")
    assert answer.values("group", "outcome") == [("P2_member", "failed"), ("P1_member", "done")]
    assert admin("user", "add", "alcie", "--projects", "P1").status == 5
    assert groups(xnat) == ["P1_member"]


def test_users_are_taken_out_of_projects(xnat: XNAT, admin: Run, alice: str) -> None:
    for group in ("P1_owner", "P2_member", "A_B_member"):
        xnat.store.accounts.join("alice", group)
    words = ("user", "remove", "alice", "P2_member", "--projects", "P1")
    assert admin(*words, "--dry-run").values("group", "outcome") == [
        ("P2_member", "planned"),
        ("P1_owner", "planned"),
    ]
    answer = admin(*words)
    assert (answer.status, changes(xnat)) == (2, [])
    assert admin(*words, "--yes").values("outcome") == ["done", "done"]
    assert groups(xnat) == ["A_B_member"]
    assert admin(*words, "--yes").status == 0
    assert admin("user", "remove", "alice", "--projects", "NOPE", "--yes").status == 5
    assert admin("user", "remove", "alice", "--yes").status == 2


def test_user_records_are_added(xnat: XNAT, admin: Run, alice: str) -> None:
    xnat.has_user("bob")
    records = [{"kind": "user", "username": name} for name in ("alice", "bob")]
    answer = admin("user", "add", "-", "P1_member", records=records)
    assert sorted(answer.values("username", "outcome")) == [("alice", "done"), ("bob", "done")]
