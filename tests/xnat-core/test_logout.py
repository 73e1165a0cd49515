"""How sessions end, and how long they last."""

from __future__ import annotations

import pytest
from werkzeug import Request, Response

from support.logins import projects
from support.sandbox import XNAT
from xnat_core.auth import AuthManager
from xnat_core.client import XNATClient
from xnat_core.connect import connect
from xnat_core.targets import resolve

pytestmark = pytest.mark.usefixtures("credentials")


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
