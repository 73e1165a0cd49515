"""The details of an error of the login: what the server had answered, and to what."""

from __future__ import annotations

import pickle

import pytest
from werkzeug.wrappers import Request, Response

from support.ports import free_port
from support.sandbox import XNAT
from xnat_core.client import XNATClient
from xnat_core.errors import AuthenticationError, ServerUnreachableError, SessionExpiredError

LOGIN = {"status_code": 401, "method": "POST", "path": "/data/JSESSION"}


def test_a_session_that_has_ended(xnat: XNAT) -> None:
    asked = {"status_code": 401, "method": "GET", "path": "/data/projects"}
    with (
        XNATClient(xnat.url, session_token="ended") as client,
        pytest.raises(SessionExpiredError) as caught,
    ):
        client.get("/data/projects", params={"columns": "ID"})
    assert caught.value.details == asked
    assert pickle.loads(pickle.dumps(caught.value)).details == asked


def test_nobody(xnat: XNAT) -> None:
    with XNATClient(xnat.url) as client, pytest.raises(AuthenticationError) as caught:
        client.delete("/data/projects/P1")
    details = {"status_code": 401, "method": "DELETE", "path": "/data/projects/P1"}
    assert caught.value.details == details


def test_a_wrong_password_each_time_that_it_is_told(xnat: XNAT) -> None:
    with XNATClient(xnat.url, "admin", "wrong") as client:
        for _ in range(2):
            with pytest.raises(AuthenticationError) as caught:
                client.get("/data/projects")
            assert caught.value.details == LOGIN
    assert len(xnat.requests("POST", "/data/JSESSION")) == 1


def test_a_password_that_was_changed(xnat: XNAT) -> None:
    with XNATClient(xnat.url, *xnat.admin, auto_reauth=True) as client:
        client.get("/data/projects")
        xnat.has_user("admin", "another")
        xnat.expires_sessions()
        with pytest.raises(AuthenticationError) as caught:
            client.get("/data/projects")
    # It is the login that was refused last.
    assert caught.value.details == LOGIN


def test_a_page_of_maintenance(xnat: XNAT) -> None:
    def page(request: Request) -> Response | None:
        return Response("<html>soon</html>", 200, content_type="text/html")

    xnat.before(page)
    with XNATClient(xnat.url, *xnat.admin) as client, pytest.raises(AuthenticationError) as caught:
        client.get("/data/projects")
    assert caught.value.details == {**LOGIN, "status_code": 200}


def test_where_nobody_answers_there_are_none() -> None:
    with (
        XNATClient(f"http://127.0.0.1:{free_port()}", max_retries=0) as client,
        pytest.raises(ServerUnreachableError) as caught,
    ):
        client.get("/data/projects")
    assert caught.value.details == {}
