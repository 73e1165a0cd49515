"""Accounts, roles, groups and members of projects."""

from __future__ import annotations

import pytest

from support.sandbox import XNAT


@pytest.fixture
def bob(xnat: XNAT) -> tuple[str, str]:
    """A user without rights."""
    xnat.has_project("P1")
    return xnat.has_user("bob")


def test_users_are_listed_and_shown(xnat: XNAT, bob: tuple[str, str]) -> None:
    assert xnat.call("GET", "/xapi/users").json() == ["admin", "guest", "bob"]
    shown = xnat.call("GET", "/xapi/users/bob", user=bob).json()
    assert (shown["username"], shown["email"]) == ("bob", "bob@example.org")
    assert shown["password"] is None
    assert xnat.call("GET", "/xapi/users/nope").status_code == 404
    assert [row["login"] for row in xnat.rows("/data/users")] == ["admin", "bob"]


def test_an_administrator_makes_and_changes_users(xnat: XNAT) -> None:
    sent = {"username": "eve", "password": "secret", "email": "eve@x.org"}
    assert xnat.call("POST", "/xapi/users", json=sent).status_code == 201
    assert xnat.call("GET", "/data/auth", user=("eve", "secret")).status_code == 200
    assert xnat.call("PUT", "/xapi/users/eve", json={"lastName": "Doe"}).json()["lastName"] == "Doe"
    assert xnat.call("PUT", "/xapi/users/eve/enabled/false").status_code == 200
    assert xnat.call("GET", "/data/auth", user=("eve", "secret")).status_code == 302
    assert xnat.call("POST", "/xapi/users", data=b"{}").status_code == 415


def test_roles(xnat: XNAT, bob: tuple[str, str]) -> None:
    assert xnat.call("PUT", "/xapi/users/bob/roles/Administrator").status_code == 200
    assert xnat.call("GET", "/xapi/users/bob/roles").json() == ["Administrator"]
    assert xnat.call("DELETE", "/data/projects/P1", user=bob).status_code == 200


def test_groups_that_do_not_exist_come_back_with_202(xnat: XNAT, bob: tuple[str, str]) -> None:
    path = "/xapi/users/bob/groups"
    some = xnat.call("PUT", path, json=["P1_owner", "NOPE_owner"])
    assert (some.status_code, some.json()) == (202, ["NOPE_owner"])
    every = xnat.call("PUT", path, json=["P1_member"])
    assert (every.status_code, every.json()) == (200, [])
    assert xnat.call("GET", path).json() == ["P1_member"]


@pytest.mark.parametrize("group", ["member", "P1_member", "Members"])
def test_members_join_by_any_name_of_the_group(
    xnat: XNAT, bob: tuple[str, str], group: str
) -> None:
    answer = xnat.call("PUT", f"/data/projects/P1/users/{group}/bob").json()["ResultSet"]
    assert answer["title"] == "Projects"
    assert [(row["GROUP_ID"], row["displayname"], row["login"]) for row in answer["Result"]] == [
        ("P1_member", "Members", "bob")
    ]
    assert xnat.call("DELETE", f"/data/projects/P1/users/{group}/bob").status_code == 200
    assert xnat.rows("/data/projects/P1/users") == []


def test_an_unknown_user_is_invited_which_looks_like_success(
    xnat: XNAT, bob: tuple[str, str]
) -> None:
    answer = xnat.call("PUT", "/data/projects/P1/users/member/nobody")
    assert (answer.status_code, answer.json()["ResultSet"]["Result"]) == (200, [])


def test_disabled_members_are_hidden_unless_asked_for(xnat: XNAT, bob: tuple[str, str]) -> None:
    xnat.store.accounts.join("bob", "P1_member")
    xnat.store.accounts.update_user("bob", enabled=False)
    assert xnat.rows("/data/projects/P1/users") == []
    assert [row["login"] for row in xnat.rows("/data/projects/P1/users/true")] == ["bob"]
