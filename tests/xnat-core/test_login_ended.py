"""Sessions that end are renewed once, and the request is repeated."""

from __future__ import annotations

import pytest
from werkzeug import Request, Response

from support.logins import LOGIN, projects, together
from support.sandbox import XNAT
from xnat_core.auth import AuthManager
from xnat_core.connect import connect
from xnat_core.errors import AuthenticationError, SessionExpiredError
from xnat_core.targets import resolve

pytestmark = pytest.mark.usefixtures("credentials")


def test_an_ended_session_is_renewed_and_the_request_repeated(xnat: XNAT) -> None:
    with connect(resolve()) as client:
        projects(client)
        xnat.expires_sessions()
        assert projects(client) == ["P1"]
    assert len(xnat.requests(*LOGIN)) == 2


def test_a_write_is_repeated_after_a_renewal_with_its_body(xnat: XNAT) -> None:
    def hook(request: Request) -> Response | None:
        known = xnat.app.sessions.use(request.cookies.get("JSESSIONID", ""))
        return Response("stored") if request.path == "/data/echo" and known else None

    xnat.before(hook)
    with connect(resolve()) as client:
        projects(client)
        xnat.expires_sessions()
        assert client.put("/data/echo", data=b"body").text == "stored"
    assert [xnat.body(put) for put in xnat.requests("PUT")] == [b"body", b"body"]


def test_eight_threads_renew_an_ended_session_once(xnat: XNAT) -> None:
    with connect(resolve(), workers=8) as client:
        projects(client)
        xnat.expires_sessions()
        results = together(*[lambda: projects(client)] * 8)
    assert results == [["P1"]] * 8
    assert len(xnat.requests(*LOGIN)) == 2


@pytest.mark.parametrize(("ends", "arrives"), [(3, True), (99, False)])
def test_sessions_may_end_more_than_once_under_one_request(
    xnat: XNAT, ends: int, arrives: bool
) -> None:
    left = [ends]

    def expire(request: Request) -> Response | None:
        if request.path == "/data/projects" and left[0]:
            left[0] -= 1
            xnat.expires_sessions()
        return None

    xnat.before(expire)
    with connect(resolve()) as client:
        if arrives:
            assert projects(client) == ["P1"]
            assert len(xnat.requests(*LOGIN)) == ends + 1
            return
        with pytest.raises(AuthenticationError, match="refused again and again"):
            projects(client)
    assert len(xnat.requests(*LOGIN)) < 7


def test_a_renewed_session_reaches_the_cache(xnat: XNAT, monkeypatch: pytest.MonkeyPatch) -> None:
    with connect(resolve()) as client:
        projects(client)
        xnat.expires_sessions()
        projects(client)
    monkeypatch.delenv("XNAT_PASS")
    with connect(resolve()) as client:
        assert projects(client) == ["P1"]
    assert len(xnat.requests(*LOGIN)) == 2


def test_a_session_renewed_by_another_process_is_taken_over(xnat: XNAT) -> None:
    with connect(resolve()) as one, connect(resolve()) as other:
        projects(one)
        projects(other)
        xnat.expires_sessions()
        projects(one)
        projects(other)
    assert len(xnat.requests(*LOGIN)) == 2


def test_a_401_in_spite_of_a_valid_session_is_no_reason_to_log_in(xnat: XNAT) -> None:
    xnat.before(lambda r: Response("", 401) if r.path == "/data/odd" else None)
    with connect(resolve()) as client:
        for _ in range(3):
            with pytest.raises(AuthenticationError, match="although the session is valid"):
                client.get("/data/odd")
    assert len(xnat.requests(*LOGIN)) == 1


@pytest.mark.parametrize("answer", [(401, {}), (302, {"Location": "/app/template/Login.vm"})])
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_one_refusal_in_spite_of_a_valid_session_is_not_the_end(
    xnat: XNAT, method: str, answer: tuple[int, dict[str, str]]
) -> None:
    xnat.has_project("P1")
    left = [answer]

    def refuse(request: Request) -> Response | None:
        if request.path != "/data/projects/P1" or not left:
            return None
        status, headers = left.pop()
        return Response("", status, headers)

    xnat.before(refuse)
    with connect(resolve()) as client:
        assert client.request(method, "/data/projects/P1").status_code == 200
    assert len(xnat.requests(*LOGIN)) == 1
    assert left == []


def test_without_a_password_the_profile_and_the_remedy_are_named(
    xnat: XNAT, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connect(resolve()) as client:
        projects(client)
    xnat.expires_sessions()
    monkeypatch.delenv("XNAT_PASS")
    with (
        connect(resolve()) as client,
        pytest.raises(SessionExpiredError, match="run 'xnat-auth login -p default'"),
    ):
        projects(client)


def test_a_login_that_expired_by_the_clock_is_renewed_without_being_tried(xnat: XNAT) -> None:
    AuthManager().save_session("STALE-TOKEN", xnat.url, "admin", -1, profile="default")
    with connect(resolve()) as client:
        assert projects(client) == ["P1"]
    assert "STALE-TOKEN" not in [r.cookies.get("JSESSIONID") for r in xnat.requests()]


def test_an_expired_login_that_the_server_still_knows_is_used_where_nothing_else_is_left(
    xnat: XNAT, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = xnat.app.sessions.open("admin")
    AuthManager().save_session(session.id, xnat.url, "admin", -1, profile="default")
    monkeypatch.delenv("XNAT_PASS")
    with connect(resolve()) as client:
        assert projects(client) == ["P1"]
