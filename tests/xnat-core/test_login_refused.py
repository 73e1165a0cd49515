"""A wrong password is tried once, by whoever and however many."""

from __future__ import annotations

import pytest
from werkzeug import Response

from support.logins import LOGIN, projects, together
from support.sandbox import XNAT
from xnat_core.auth import AuthManager
from xnat_core.connect import connect
from xnat_core.errors import AuthenticationError
from xnat_core.targets import resolve
from xnat_core.user_paths import session_file

pytestmark = pytest.mark.usefixtures("credentials")


def test_a_wrong_password_is_sent_once(xnat: XNAT, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XNAT_PASS", "wrong")
    with connect(resolve()) as client:
        for _ in range(3):
            with pytest.raises(AuthenticationError, match="wrong user name or password"):
                projects(client)
    assert len(xnat.requests(*LOGIN)) == 1


def test_a_wrong_password_is_sent_once_by_all_threads(
    xnat: XNAT, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XNAT_PASS", "wrong")
    with connect(resolve(), workers=8) as client:
        results = together(*[lambda: projects(client)] * 8)
    assert {type(result) for result in results} == {AuthenticationError}
    assert len(xnat.requests(*LOGIN)) == 1


def test_an_error_of_a_login_does_not_repeat_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XNAT_PASS", "geheim-und-falsch")
    with connect(resolve()) as client, pytest.raises(AuthenticationError) as caught:
        projects(client)
    chain = f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__context__!r}"
    assert "geheim" not in chain


def test_the_password_changed_during_the_run_is_one_failed_login(
    xnat: XNAT, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, _ = xnat.has_user("bob")
    monkeypatch.setenv("XNAT_USER", user)
    monkeypatch.setenv("XNAT_PASS", "bob-password")
    with connect(resolve()) as client:
        projects(client)
        xnat.expires_sessions()
        xnat.before(lambda r: Response("", 401) if r.path == "/data/JSESSION" else None)
        for _ in range(3):
            with pytest.raises(AuthenticationError):
                projects(client)
    assert len(xnat.requests(*LOGIN)) == 2


def test_a_password_that_one_tool_was_refused_with_is_not_tried_by_the_next(
    xnat: XNAT, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XNAT_PASS", "wrong")
    for said in ("wrong user name", "refused a moment ago", "refused a moment ago"):
        with connect(resolve()) as client, pytest.raises(AuthenticationError, match=said):
            projects(client)
    assert len(xnat.requests(*LOGIN)) == 1
    assert "wrong" not in session_file().read_text()


def test_a_corrected_password_is_tried_at_once(xnat: XNAT, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XNAT_PASS", "wrong")
    with connect(resolve()) as client, pytest.raises(AuthenticationError):
        projects(client)
    monkeypatch.setenv("XNAT_PASS", "admin")
    with connect(resolve()) as client:
        assert projects(client) == ["P1"]


def test_a_refused_password_is_tried_again_by_who_insists(
    xnat: XNAT, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, _ = xnat.has_user("bob", "old")
    monkeypatch.setenv("XNAT_USER", user)
    monkeypatch.setenv("XNAT_PASS", "old")
    xnat.fails("POST", "/data/JSESSION", 401)
    with connect(resolve()) as client, pytest.raises(AuthenticationError):
        projects(client)
    with connect(resolve()) as client:
        client.authenticate()
    AuthManager().clear_session()
    with connect(resolve()) as client:
        projects(client)
    assert len(xnat.requests(*LOGIN)) == 3


def test_a_refusal_is_forgotten_after_a_while(xnat: XNAT, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XNAT_PASS", "wrong")
    monkeypatch.setattr("xnat_core.refusals.SECONDS", 0)
    for _ in range(2):
        with connect(resolve()) as client, pytest.raises(AuthenticationError, match="wrong user"):
            projects(client)
