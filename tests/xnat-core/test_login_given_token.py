"""A token that is given (XNAT_TOKEN) is used, replaced by a login, and left as it is."""

from __future__ import annotations

import pytest

from support.logins import LOGIN, projects
from support.sandbox import XNAT
from xnat_core.auth import AuthManager
from xnat_core.connect import connect
from xnat_core.errors import AuthenticationError
from xnat_core.targets import resolve

pytestmark = pytest.mark.usefixtures("credentials")


def test_a_given_token_is_above_cache_and_credentials(
    xnat: XNAT, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connect(resolve()) as client:
        projects(client)
    session = xnat.app.sessions.open("admin")
    monkeypatch.setenv("XNAT_TOKEN", session.id)
    with connect(resolve()) as client:
        projects(client)
    assert xnat.requests("GET", "/data/projects")[-1].cookies["JSESSIONID"] == session.id
    assert len(xnat.requests(*LOGIN)) == 1


def test_a_rejected_token_is_replaced_by_one_login(
    xnat: XNAT, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XNAT_TOKEN", "GONE-GONE")
    with connect(resolve()) as client:
        assert projects(client) == ["P1"]
    assert len(xnat.requests(*LOGIN)) == 1


def test_a_rejected_token_without_credentials_is_told(
    xnat: XNAT, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XNAT_TOKEN", "GONE-GONE")
    monkeypatch.delenv("XNAT_USER")
    monkeypatch.delenv("XNAT_PASS")
    with connect(resolve()) as client, pytest.raises(AuthenticationError, match="XNAT_TOKEN"):
        projects(client)
    assert xnat.requests(*LOGIN) == []


def test_a_rejected_token_is_not_replaced_by_a_login_that_may_be_of_another_user(
    xnat: XNAT, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connect(resolve()) as client:
        projects(client)
    monkeypatch.setenv("XNAT_TOKEN", "GONE-GONE")
    monkeypatch.delenv("XNAT_USER")
    monkeypatch.delenv("XNAT_PASS")
    with connect(resolve()) as client, pytest.raises(AuthenticationError, match="XNAT_TOKEN"):
        projects(client)
    monkeypatch.setenv("XNAT_USER", "admin")
    with connect(resolve()) as client:
        assert projects(client) == ["P1"]


def test_a_given_token_is_not_ended_and_not_cached(
    xnat: XNAT, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = xnat.app.sessions.open("admin")
    monkeypatch.setenv("XNAT_TOKEN", session.id)
    with connect(resolve()) as client:
        projects(client)
    assert xnat.app.sessions.use(session.id)
    assert AuthManager().load_session() is None
