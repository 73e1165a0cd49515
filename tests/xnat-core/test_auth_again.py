"""Programs that live long: a login that failed is tried again, or not."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from werkzeug import Request, Response

from support.ports import free_port
from support.sandbox import XNAT
from xnat_core.auth import AuthManager
from xnat_core.bodies import BytesBody
from xnat_core.client import XNATClient
from xnat_core.connect import connect
from xnat_core.errors import (
    AuthenticationError,
    NetworkError,
    PermissionDeniedError,
    ServerError,
    ServerUnreachableError,
)
from xnat_core.targets import resolve


def test_a_refusal_that_is_told_again_does_not_grow(
    xnat: XNAT,
) -> None:
    lengths = []
    with XNATClient(xnat.url, "admin", "wrong") as client:
        for _ in range(4):
            with pytest.raises(AuthenticationError, match="wrong user name") as told:
                client.whoami()
            lengths.append(len(told.traceback))
    assert len(set(lengths[1:])) == 1


@pytest.mark.parametrize(
    "answer",
    [
        Response("<html>We are back soon</html>", content_type="text/html"),
        Response("", 302, {"Location": "https://gateway.example.org/"}),
    ],
)
def test_a_page_of_maintenance_is_no_refusal(xnat: XNAT, answer: Response) -> None:
    away = True
    xnat.before(lambda r: answer if away and r.path == "/data/JSESSION" else None)
    with XNATClient(xnat.url, *xnat.admin) as client:
        with pytest.raises(AuthenticationError):
            client.whoami()
        away = False
        assert client.whoami()["username"] == "admin"


def test_a_page_of_maintenance_has_the_password_asked_for_once(
    xnat: XNAT, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not for each of the objects that are worked on."""
    monkeypatch.setenv("XNAT_URL", xnat.url)
    monkeypatch.setenv("XNAT_USER", "admin")
    page = Response("<html>We are back soon</html>", content_type="text/html")
    xnat.before(lambda request: page if request.path == "/data/JSESSION" else None)
    asked: list[str] = []

    def prompt(question: str) -> str:
        asked.append(question)
        return "admin"

    with connect(resolve(), prompt=prompt) as client:
        for _ in range(3):
            with pytest.raises(AuthenticationError):
                client.whoami()
    assert len(asked) == 1


@pytest.mark.parametrize("status", [502, 503])
def test_a_server_that_is_away_has_not_forgotten_the_login(
    xnat: XNAT, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setenv("XNAT_URL", xnat.url)
    monkeypatch.setattr("xnat_core.http.retries._sleep", lambda seconds: None)
    AuthManager().save_session("0123456789", xnat.url, "admin", -1, profile="default")
    xnat.before(lambda request: Response("back soon", status))
    with (
        connect(resolve(), prompt=lambda question: pytest.fail(question)) as client,
        pytest.raises(NetworkError, match=f"{status} back soon"),
    ):
        client.rows("/data/projects")


def test_a_server_that_cannot_be_reached_has_not_forgotten_the_login(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    monkeypatch.setenv("XNAT_URL", url)
    monkeypatch.setattr("xnat_core.http.retries._sleep", lambda seconds: None)
    AuthManager().save_session("0123456789", url, "admin", -1, profile="default")
    with connect(resolve()) as client, pytest.raises(ServerUnreachableError, match="refused"):
        client.rows("/data/projects")


def test_a_login_is_not_given_up_because_the_server_went_away(
    xnat: XNAT, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xnat_core.http.retries._sleep", lambda seconds: None)
    session = xnat.app.sessions.open("admin")
    left = [Response("", 401), *[Response("", 503)] * 4]
    xnat.before(lambda request: left.pop(0) if left else None)
    with XNATClient(xnat.url, session_token=session.id) as client:
        with pytest.raises(NetworkError):
            client.whoami()
        assert client.whoami()["username"] == "admin"


def test_what_is_refused_in_spite_of_a_valid_session_is_a_matter_of_rights(xnat: XNAT) -> None:
    """So the Container Service refuses who may not remove a container."""
    xnat.before(lambda r: Response("", 401) if r.path == "/xapi/containers/1" else None)
    with XNATClient(xnat.url, *xnat.admin, max_connections=1) as client:
        with pytest.raises(PermissionDeniedError) as told:
            client.delete("/xapi/containers/1", about=("container", "1"))
        assert told.value.message == (
            "no permission to delete container 1 "
            "(401, although the session is valid for other requests)"
        )
        assert told.value.details["status_code"] == 401
        assert told.value.not_done
        assert client.whoami()["username"] == "admin"
    assert len(xnat.requests("DELETE", "/xapi/containers/1")) == 2
    assert len(xnat.requests("POST", "/data/JSESSION")) == 1


@pytest.mark.parametrize("pause", [0, 3600])
def test_a_change_is_not_asked_for_as_a_guest(
    xnat: XNAT, monkeypatch: pytest.MonkeyPatch, pause: float
) -> None:
    """On a site that is open to all it would be answered by success, and not be done."""
    monkeypatch.setenv("XNAT_URL", xnat.url)
    monkeypatch.setenv("XNAT_USER", "admin")
    monkeypatch.setenv("XNAT_PASS", "admin")
    xnat.store.preferences.set("requireLogin", False)
    made = xnat.has_session("P1", "S1", "MR1")
    xnat.call("PUT", "/data/projects/P1/accessibility/public")
    with connect(resolve()) as before:
        before.whoami()
        client = before if pause else connect(resolve())
        xnat.expires_sessions()
        began = time.monotonic
        monkeypatch.setattr("time.monotonic", lambda: began() + pause)
        with client:
            where = f"/data/experiments/{made.id}/resources/NOTES/files/a.txt"
            client.ping()  # Keeps no session alive.
            client.put(where, params={"inbody": True}, body=BytesBody(b"a"))
            client.put(where, params={"inbody": True, "overwrite": True}, body=BytesBody(b"b"))
    assert [row["label"] for row in xnat.rows(f"/data/experiments/{made.id}/resources")] == [
        "NOTES"
    ]
    assert len(xnat.requests("PUT", where)) == 2


def test_a_login_of_long_ago_does_not_become_a_guest(
    xnat: XNAT, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cache keeps no session that long, but it knows that there was one."""
    monkeypatch.setenv("XNAT_URL", xnat.url)
    xnat.store.preferences.set("requireLogin", False)
    xnat.has_project("P1", accessibility="public")
    month = 31 * 24 * 60
    AuthManager().save_session("0123456789", xnat.url, "admin", -month, profile="default")
    assert AuthManager().load_session() is None
    with connect(resolve()) as client, pytest.raises(AuthenticationError, match="xnat-auth login"):
        client.rows("/data/projects")
    with connect(resolve(), prompt=lambda question: "admin") as client:
        assert client.whoami()["username"] == "admin"
        client.invalidate_session()
    with connect(resolve()) as client:
        assert [row["ID"] for row in client.rows("/data/projects")] == ["P1"]


def test_what_was_stored_as_a_guest_is_sent_again(
    xnat: XNAT, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session that somebody has ended in the middle; the server opens another one beside it."""
    xnat.store.preferences.set("requireLogin", False)
    made = xnat.has_session("P1", "S1", "MR1")
    xnat.call("PUT", "/data/projects/P1/accessibility/public")
    where = f"/data/experiments/{made.id}/resources/NOTES/files/a.txt"

    def opens_another(request: Request, response: Response) -> None:
        if not xnat.app.sessions.use(request.cookies.get("JSESSIONID", "")):
            response.headers.add("Set-Cookie", "JSESSIONID=ANOTHER; Path=/")

    xnat.app.after(opens_another)
    with XNATClient(xnat.url, *xnat.admin, auto_reauth=True) as client:
        client.whoami()
        xnat.expires_sessions()
        client.put(where, params={"inbody": True}, body=BytesBody(b"a"), repeatable=True)
    found = xnat.rows(f"/data/experiments/{made.id}/resources")
    assert [row["label"] for row in found] == ["NOTES"]


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_no_thread_goes_on_with_a_session_that_another_found_ended(
    xnat: XNAT, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    monkeypatch.setenv("XNAT_URL", xnat.url)
    monkeypatch.setenv("XNAT_USER", "admin")
    monkeypatch.setenv("XNAT_PASS", "admin")
    xnat.store.preferences.set("requireLogin", False)
    made = xnat.has_session("P1", "S1", "MR1")
    if method == "PUT":
        xnat.call("PUT", "/data/projects/P1/accessibility/public")
    with connect(resolve()) as before:
        before.whoami()
    xnat.expires_sessions()

    def late(request: Request) -> Response | None:
        if request.path == "/xapi/users/username":
            time.sleep(0.3)  # The others ask for the session meanwhile.
        return None

    xnat.before(late)
    together = threading.Barrier(4)
    where = f"/data/experiments/{made.id}"

    def ask(label: str) -> None:
        together.wait()
        if method == "GET":
            client.item(where)
            return
        file = f"{where}/resources/{label}/files/a.txt"
        client.put(file, params={"inbody": True}, body=BytesBody(b"a"))

    labels = ["A", "B", "C", "D"]
    with connect(resolve()) as client, ThreadPoolExecutor(4) as pool:
        list(pool.map(ask, labels))
    rows = xnat.rows(f"{where}/resources")
    assert sorted(row["label"] for row in rows) == (labels if method == "PUT" else [])


@pytest.mark.parametrize("status", [502, 504])
def test_a_change_that_may_be_made_is_not_made_again_for_the_session_that_ended(
    xnat: XNAT, status: int
) -> None:
    """A server that began anew: its proxy gave up, and another thread sees that we are a guest."""
    xnat.store.preferences.set("requireLogin", False)
    made: list[Request] = []

    def begins_anew(request: Request) -> Response | None:
        if request.path != "/data/services/archive":
            return None
        made.append(request)
        xnat.expires_sessions()
        with ThreadPoolExecutor(1) as another:
            another.submit(client.rows, "/data/projects").result()
        return Response("gave up", status)

    xnat.before(begins_anew)
    with XNATClient(xnat.url, *xnat.admin, auto_reauth=True) as client:
        client.whoami()
        with pytest.raises(ServerError, match="gave up"):
            client.post("/data/services/archive")
    assert len(made) == 1


def test_a_session_that_the_server_knows_after_all_serves_on(
    xnat: XNAT, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of several machines did not know it for a moment."""
    with XNATClient(xnat.url, *xnat.admin) as known:
        token = known.login_in_use()
        guests = [Response("guest", mimetype="text/plain")]

        def once(request: Request) -> Response | None:
            return guests.pop() if guests and request.path == "/xapi/users/username" else None

        xnat.before(once)
        xnat.has_project("P1")
        with XNATClient(xnat.url, session_token=token) as client:
            for _ in range(3):
                client.put("/data/projects/P1", params={"description": "x"})
                client.item("/data/projects/P1")
