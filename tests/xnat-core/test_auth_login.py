"""Logging in once, whoever asks."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from werkzeug import Request, Response

from support.sandbox import XNAT
from xnat_core.auth import AuthManager
from xnat_core.client import XNATClient
from xnat_core.connect import connect
from xnat_core.errors import (
    AuthenticationError,
    ResourceNotFoundError,
    ServerError,
    SessionExpiredError,
    XNATCtlError,
)
from xnat_core.targets import resolve
from xnat_core.user_paths import session_file

LOGIN = ("POST", "/data/JSESSION")


@pytest.fixture(autouse=True)
def credentials(xnat: XNAT, monkeypatch: pytest.MonkeyPatch) -> None:
    xnat.has_project("P1")
    monkeypatch.setenv("XNAT_URL", xnat.url)
    monkeypatch.setenv("XNAT_USER", "admin")
    monkeypatch.setenv("XNAT_PASS", "admin")


def projects(client: XNATClient) -> list[str]:
    return [row["ID"] for row in client.rows("/data/projects")]


def together(*works: Callable[[], object]) -> list[object]:
    """Run all at the same moment and return what each returned or raised."""
    results: list[object] = [None] * len(works)
    gate = threading.Barrier(len(works))

    def run(index: int) -> None:
        gate.wait()
        try:
            results[index] = works[index]()
        except Exception as error:
            results[index] = error

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


# --- how a login goes ---------------------------------------------------------------------------


def test_nothing_is_sent_before_the_first_request(xnat: XNAT) -> None:
    with connect(resolve()) as client:
        assert not client.is_authenticated
    assert xnat.requests() == []


def test_credentials_are_used_to_log_in_and_for_nothing_else(xnat: XNAT) -> None:
    with connect(resolve()) as client:
        projects(client)
        assert client.is_authenticated
    basic = [request.path for request in xnat.requests() if request.authorization]
    assert basic == ["/data/JSESSION"]
    assert xnat.requests("GET", "/data/projects")[0].cookies["JSESSIONID"]


def test_the_identity_is_checked_once_after_the_login(xnat: XNAT) -> None:
    with connect(resolve()) as client:
        projects(client)
        projects(client)
    assert len(xnat.requests("GET", "/xapi/users/username")) == 1


def test_a_session_of_a_guest_is_a_failed_login(xnat: XNAT) -> None:
    xnat.before(lambda r: Response("guest") if r.path == "/xapi/users/username" else None)
    with connect(resolve()) as client, pytest.raises(AuthenticationError, match="guest"):
        projects(client)


@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_server_that_does_not_tell_the_identity_is_believed(xnat: XNAT, status: int) -> None:
    xnat.before(lambda r: Response("", status) if r.path == "/xapi/users/username" else None)
    with connect(resolve()) as client:
        assert projects(client) == ["P1"]


@pytest.mark.parametrize(
    "answer",
    [
        Response("<html><body>Welcome</body></html>", mimetype="text/html"),
        Response("", 200),
        Response("two words", 200),
        Response("<HTML>", 200, mimetype="text/plain"),
    ],
)
def test_an_answer_that_is_no_session_is_a_failed_login(xnat: XNAT, answer: Response) -> None:
    xnat.before(lambda r: answer if r.path == "/data/JSESSION" else None)
    with connect(resolve()) as client, pytest.raises(AuthenticationError, match="an XNAT"):
        projects(client)


@pytest.mark.parametrize("form", ["{}", "{}\r\n", '"{}"'])
@pytest.mark.parametrize("mimetype", ["text/plain", "text/html", "application/json"])
def test_text_is_read_by_whatever_type_it_is_called(form: str, mimetype: str, xnat: XNAT) -> None:
    def dress(request: Request, response: Response) -> None:
        if request.path in ("/data/JSESSION", "/xapi/users/username"):
            response.data = form.format(response.get_data(as_text=True))
            response.mimetype = mimetype

    xnat.app.after(dress)
    with connect(resolve()) as client:
        assert projects(client) == ["P1"]
        assert client.whoami()["username"] == "admin"


def test_a_session_may_be_offered_to_get_alone(xnat: XNAT) -> None:
    def only_get(request: Request) -> Response | None:
        refused = request.path == "/data/JSESSION" and request.method == "POST"
        return Response("", 405) if refused else None

    xnat.before(only_get)
    with connect(resolve()) as client:
        assert projects(client) == ["P1"]


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_site_without_a_login_service_is_doubted(xnat: XNAT, status: int) -> None:
    xnat.before(lambda r: Response("", status) if r.path == "/data/JSESSION" else None)
    doubt = f"^{xnat.url}: the log-in was answered by {status}: is this the URL of an XNAT"
    with connect(resolve()) as client, pytest.raises(XNATCtlError, match=doubt):
        projects(client)


def test_a_site_without_a_login_service_is_doubted_once(xnat: XNAT) -> None:
    xnat.before(lambda r: Response("", 404))
    with connect(resolve()) as client, pytest.raises(XNATCtlError) as caught:
        client.whoami()
    assert caught.value.message.count("is this the URL of an XNAT?") == 1


def test_a_csrf_token_behind_the_session_is_left_out(xnat: XNAT) -> None:
    def hook(request: Request) -> Response | None:
        if request.path != "/data/JSESSION" or request.method != "POST":
            return None
        session = xnat.app.sessions.open("admin")
        return Response(f"{session.id}; XNAT_CSRF=1-2-3")

    xnat.before(hook)
    with connect(resolve()) as client:
        assert projects(client) == ["P1"]


def test_a_redirected_login_tells_where_it_pointed(xnat: XNAT) -> None:
    there = {"Location": "https://sso.example.org/login?ticket=geheim"}
    xnat.before(lambda r: Response("", 302, there) if r.path == "/data/JSESSION" else None)
    with connect(resolve()) as client, pytest.raises(AuthenticationError) as caught:
        projects(client)
    assert "https://sso.example.org/login" in str(caught.value)
    assert "geheim" not in str(caught.value)


def test_a_disabled_account_is_told_as_that_and_tried_once(
    xnat: XNAT, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, password = xnat.has_user("zoe")
    xnat.store.accounts.update_user("zoe", enabled=False)
    monkeypatch.setenv("XNAT_USER", user)
    monkeypatch.setenv("XNAT_PASS", password)
    with connect(resolve()) as client:
        for _ in range(2):
            with pytest.raises(AuthenticationError, match="is the account of 'zoe' disabled"):
                projects(client)
    assert len(xnat.requests(*LOGIN)) == 1


def test_letters_of_any_alphabet_may_be_in_a_password(
    xnat: XNAT, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, password = xnat.has_user("zoe", "pässwörd→")
    monkeypatch.setenv("XNAT_USER", user)
    monkeypatch.setenv("XNAT_PASS", password)
    with connect(resolve()) as client:
        assert client.whoami()["username"] == "zoe"


# --- wrong passwords ----------------------------------------------------------------------------


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


def test_five_tools_with_a_wrong_password_are_one_failure(
    xnat: XNAT, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XNAT_PASS", "wrong")
    assert processes(5) == [""] * 5
    assert len(xnat.requests(*LOGIN)) == 1


# --- sessions that end --------------------------------------------------------------------------


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


# --- XNAT_TOKEN ---------------------------------------------------------------------------------


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


# --- prompts ------------------------------------------------------------------------------------


def test_the_password_is_asked_for_where_somebody_is_there(
    xnat: XNAT, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XNAT_PASS")
    asked: list[str] = []

    def prompt(question: str) -> str:
        asked.append(question)
        return "admin"

    with connect(resolve(), prompt=prompt) as client:
        projects(client)
        xnat.expires_sessions()
        projects(client)
    assert asked == [f"Password of admin at {xnat.url}: "]


def test_nobody_there_is_an_error_that_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XNAT_PASS")
    with connect(resolve(), prompt=lambda question: None) as client:
        for _ in range(2):
            with pytest.raises(AuthenticationError, match="xnat-auth login"):
                projects(client)


def test_the_user_of_an_ended_login_is_asked_for_the_password(
    xnat: XNAT, monkeypatch: pytest.MonkeyPatch
) -> None:
    AuthManager().save_session("GONE-GONE", xnat.url, "admin", -1, profile="default")
    monkeypatch.delenv("XNAT_USER")
    monkeypatch.delenv("XNAT_PASS")
    with connect(resolve(), prompt=lambda question: "admin") as client:
        assert projects(client) == ["P1"]


def test_threads_ask_once(xnat: XNAT, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XNAT_PASS")
    asked: list[str] = []

    def prompt(question: str) -> str:
        asked.append(question)
        time.sleep(0.05)
        return "admin"

    with connect(resolve(), workers=4, prompt=prompt) as client:
        assert together(*[lambda: projects(client)] * 4) == [["P1"]] * 4
    assert len(asked) == 1


# --- processes ----------------------------------------------------------------------------------

WORK = """
import sys
from xnat_core.connect import connect
from xnat_core.targets import resolve
sys.stdin.readline()
with connect(resolve()) as client:
    print([row["ID"] for row in client.rows("/data/projects")])
"""


def processes(count: int) -> list[str]:
    """Start tools, let them go at the same moment, and return what they print."""
    running = [
        subprocess.Popen(
            [sys.executable, "-c", WORK],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ,
        )
        for _ in range(count)
    ]
    for process in running:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    return [process.communicate(timeout=60)[0].strip() for process in running]


def test_five_tools_that_start_together_make_one_login(xnat: XNAT) -> None:
    assert processes(5) == ["['P1']"] * 5
    assert len(xnat.requests(*LOGIN)) == 1


def test_five_tools_renew_an_ended_session_once(xnat: XNAT) -> None:
    processes(1)
    xnat.expires_sessions()
    assert processes(5) == ["['P1']"] * 5
    assert len(xnat.requests(*LOGIN)) == 2


def test_the_session_stays_for_the_next_tool(xnat: XNAT) -> None:
    processes(1)
    processes(1)
    assert len(xnat.requests(*LOGIN)) == 1
    assert xnat.requests("DELETE", "/data/JSESSION") == []


def test_where_nothing_can_be_kept_each_tool_logs_in_and_out(
    xnat: XNAT, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(blocker / "below"))
    assert processes(2) == ["['P1']"] * 2
    assert len(xnat.requests(*LOGIN)) == 2
    assert len(xnat.requests("DELETE", "/data/JSESSION")) == 2
    assert xnat.app.sessions.of("admin") == []


# --- ending sessions ----------------------------------------------------------------------------


def test_logging_out_ends_the_session_here_and_there(xnat: XNAT) -> None:
    with connect(resolve()) as client:
        projects(client)
        assert client.invalidate_session() is True
        assert not client.is_authenticated
    assert xnat.app.sessions.of("admin") == []
    assert AuthManager().load_session(xnat.url) is None


def test_logging_out_ends_a_session_that_an_earlier_tool_left(xnat: XNAT) -> None:
    with connect(resolve()) as client:
        projects(client)
    with connect(resolve()) as client:
        assert client.invalidate_session() is True
    assert xnat.app.sessions.of("admin") == []


def test_logging_out_without_a_session_says_so() -> None:
    with connect(resolve()) as client:
        assert client.invalidate_session() is False


def test_closing_is_quiet_when_the_server_has_gone(xnat: XNAT) -> None:
    client = XNATClient(xnat.url, "admin", "admin")
    projects(client)
    xnat.before(lambda r: Response("", 500))
    client.close()


@pytest.mark.parametrize("digits", [400, 5000])
def test_an_absurd_lifetime_is_none(xnat: XNAT, digits: int) -> None:
    cookie = f'SESSION_EXPIRATION_TIME="1,{"9" * digits}"; Path=/'
    rows = '{"ResultSet":{"Result":[]}}'
    xnat.before(
        lambda r: Response(rows, headers={"Set-Cookie": cookie}) if "projects" in r.path else None
    )
    with connect(resolve()) as client:
        projects(client)


def test_the_lifetime_that_the_server_tells_is_kept(xnat: XNAT) -> None:
    def hook(request: Request) -> Response | None:
        if request.path != "/data/projects":
            return None
        cookie = 'SESSION_EXPIRATION_TIME="1718900000000,7200000"; Path=/'
        return Response('{"ResultSet":{"Result":[]}}', headers={"Set-Cookie": cookie})

    xnat.before(hook)
    with connect(resolve()) as client:
        projects(client)
    with connect(resolve()) as client:
        projects(client)
    found = AuthManager().find(xnat.url, "admin")
    assert found is not None
    assert found.lifetime == 7200


# --- the library --------------------------------------------------------------------------------


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


def test_a_login_is_repeated_when_the_server_was_busy(
    xnat: XNAT, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xnat_core.http.retries.FIRST_PAUSE", 0)
    xnat.fails("POST", "/data/JSESSION", 503, times=2)
    with connect(resolve()) as client:
        assert projects(client) == ["P1"]


def test_a_login_that_got_no_answer_is_not_repeated(xnat: XNAT) -> None:
    xnat.fails("POST", "/data/JSESSION", 502, times=1)
    with connect(resolve()) as client:
        with pytest.raises(ServerError):
            projects(client)
        assert projects(client) == ["P1"]
    assert len(xnat.requests(*LOGIN)) == 2
