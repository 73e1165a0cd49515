"""How a login goes, and what is no login although the server says so."""

from __future__ import annotations

import pytest
from werkzeug import Request, Response

from support.logins import LOGIN, projects
from support.sandbox import XNAT
from xnat_core.connect import connect
from xnat_core.errors import AuthenticationError, ServerError, XNATCtlError
from xnat_core.targets import resolve

pytestmark = pytest.mark.usefixtures("credentials")


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


def test_a_session_may_have_a_short_name(xnat: XNAT) -> None:
    answers = {"/data/JSESSION": "tok-1", "/xapi/users/username": "admin"}
    xnat.before(lambda r: Response(answers[r.path]) if r.path in answers else None)
    with connect(resolve()) as client:
        assert client.authenticate() == "tok-1"


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
