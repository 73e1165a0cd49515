"""On a site that is open to all: whose session has ended is not taken for a guest."""

from __future__ import annotations

import pytest
from werkzeug import Request, Response

from support.logins import LOGIN, projects
from support.sandbox import XNAT
from xnat_core.auth import AuthManager
from xnat_core.connect import connect
from xnat_core.errors import ResourceNotFoundError, SessionExpiredError
from xnat_core.targets import resolve

pytestmark = pytest.mark.usefixtures("credentials")


def test_an_open_site_does_not_turn_us_into_a_guest(
    xnat: XNAT, monkeypatch: pytest.MonkeyPatch
) -> None:
    xnat.store.preferences.set("requireLogin", False)
    AuthManager().save_session("STALE-TOKEN", xnat.url, "admin", -1, profile="default")
    monkeypatch.delenv("XNAT_PASS")
    with connect(resolve()) as client, pytest.raises(SessionExpiredError):
        projects(client)


def test_a_new_session_beside_ours_means_that_ours_is_gone(xnat: XNAT) -> None:
    xnat.store.preferences.set("requireLogin", False)

    def hook(request: Request) -> Response | None:
        known = xnat.app.sessions.use(request.cookies.get("JSESSIONID", ""))
        if known or request.path != "/data/projects":
            return None
        return Response(
            '{"ResultSet":{"Result":[]}}', headers={"Set-Cookie": "JSESSIONID=ANOTHER; Path=/"}
        )

    xnat.before(hook)
    with connect(resolve()) as client:
        projects(client)
        xnat.expires_sessions()
        assert projects(client) == ["P1"]


def test_a_check_a_moment_ago_says_nothing_of_a_session_that_ends_after_it(xnat: XNAT) -> None:
    xnat.store.preferences.set("requireLogin", False)
    path = "/data/projects/P1/subjects"
    xnat.has_subject("P1", "S1")

    def hook(request: Request) -> Response | None:
        if xnat.app.sessions.use(request.cookies.get("JSESSIONID", "")) or request.path != path:
            return None
        return Response(
            '{"ResultSet":{"Result":[]}}', headers={"Set-Cookie": "JSESSIONID=ANOTHER; Path=/"}
        )

    xnat.before(hook)
    with connect(resolve()) as client:
        client.rows(path)
    with connect(resolve()) as client:
        client.rows(path)
        xnat.expires_sessions()
        assert [row["label"] for row in client.rows(path)] == ["S1"]


def test_a_server_that_hands_out_sessions_without_a_reason_is_not_asked_each_time(
    xnat: XNAT,
) -> None:
    xnat.app.after(lambda _, answer: answer.headers.add("Set-Cookie", "JSESSIONID=X1; Path=/"))
    with connect(resolve()) as client:
        for _ in range(3):
            client.rows("/data/projects/P1/subjects")
    assert len(xnat.requests("GET", "/xapi/users/username")) == 2


def serves_guests(xnat: XNAT) -> None:
    """A site that is open to all and hands out no cookie to those whose session has ended."""
    xnat.store.preferences.set("requireLogin", False)
    xnat.app.after(
        lambda request, response: (
            response.headers.remove("Set-Cookie") if request.path != "/data/JSESSION" else None
        )
    )


def test_what_is_hidden_from_a_guest_is_asked_for_again_after_a_login(xnat: XNAT) -> None:
    serves_guests(xnat)
    with connect(resolve()) as client:
        client.get("/data/projects/P1", params={"format": "json"})
        xnat.expires_sessions()
        client.get("/data/projects/P1", params={"format": "json"})
        xnat.expires_sessions()
        accepted = client.get("/data/projects/P1", params={"format": "json"}, accept={404})
    assert accepted.status_code == 200
    assert len(xnat.requests(*LOGIN)) == 3


def test_a_list_that_is_shorter_for_a_guest_is_asked_for_again_after_a_login(xnat: XNAT) -> None:
    serves_guests(xnat)
    with connect(resolve()) as client:
        for _ in range(2):
            assert projects(client) == ["P1"]
            xnat.expires_sessions()
        assert [row["ID"] for row in client.iter_rows("/data/projects")] == ["P1"]
    assert len(xnat.requests(*LOGIN)) == 3


def test_what_is_not_there_is_asked_for_once(xnat: XNAT) -> None:
    with connect(resolve()) as client:
        for _ in range(3):
            with pytest.raises(ResourceNotFoundError):
                client.get("/data/projects/NOPE", params={"format": "json"})
    assert len(xnat.requests("GET", "/data/projects/NOPE")) == 3
    assert len(xnat.requests("GET", "/data/auth")) == 1


def test_a_session_of_an_earlier_tool_that_has_ended_is_no_session_of_a_guest(xnat: XNAT) -> None:
    serves_guests(xnat)
    with connect(resolve()) as client:
        projects(client)
    xnat.expires_sessions()
    with connect(resolve()) as client:
        assert projects(client) == ["P1"]
