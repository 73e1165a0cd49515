"""Logging in from Python: by itself, when asked, or not at all."""

from __future__ import annotations

import pytest

from support.logins import LOGIN, projects
from support.sandbox import XNAT
from xnat_core.client import XNATClient
from xnat_core.errors import AuthenticationError, SessionExpiredError
from xnat_core.user_paths import session_file

pytestmark = pytest.mark.usefixtures("credentials")


def test_the_library_logs_in_by_itself_and_out_at_the_end(xnat: XNAT) -> None:
    with XNATClient(xnat.url, "admin", "admin") as client:
        assert projects(client) == ["P1"]
    assert xnat.app.sessions.of("admin") == []
    assert not session_file().exists()


def test_authenticate_returns_the_token(xnat: XNAT) -> None:
    with XNATClient(xnat.url, "admin", "admin") as client:
        token = client.authenticate()
        assert xnat.app.sessions.use(token)
        assert client.is_authenticated


def test_authenticate_without_credentials_is_an_error(xnat: XNAT) -> None:
    with XNATClient(xnat.url) as client, pytest.raises(AuthenticationError):
        client.authenticate()


def test_the_library_does_not_renew_unless_asked(xnat: XNAT) -> None:
    with XNATClient(xnat.url, "admin", "admin") as client:
        projects(client)
        xnat.expires_sessions()
        with pytest.raises(SessionExpiredError):
            projects(client)
    with XNATClient(xnat.url, "admin", "admin", auto_reauth=True) as client:
        projects(client)
        xnat.expires_sessions()
        assert projects(client) == ["P1"]


def test_a_given_session_is_used_and_left(xnat: XNAT) -> None:
    token = xnat.app.sessions.open("admin").id
    with XNATClient(xnat.url, session_token=token) as client:
        assert client.is_authenticated
        assert projects(client) == ["P1"]
    assert xnat.app.sessions.use(token)


def test_without_credentials_requests_go_out_as_nobodys(xnat: XNAT) -> None:
    xnat.store.preferences.set("requireLogin", False)
    with XNATClient(xnat.url) as client:
        assert projects(client) == []
    assert xnat.requests(*LOGIN) == []


def test_a_closed_site_asks_nobody_to_log_in(xnat: XNAT) -> None:
    with XNATClient(xnat.url) as client, pytest.raises(AuthenticationError, match="login"):
        projects(client)
