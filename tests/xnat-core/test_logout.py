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


@pytest.mark.parametrize("path", ["/data/JSESSION", "/data/projects"])
@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("7200000", 7200),
        ("1000", 1),
        ("2592000000", 2592000),
        # No session lives so short or so long.
        *[(absurd, 900) for absurd in ("999", "2592001000", "9" * 400, "9" * 5000)],
    ],
)
def test_the_lifetime_that_the_server_tells_is_kept(
    xnat: XNAT, path: str, told: str, kept: float
) -> None:
    def tell(request: Request, response: Response) -> None:
        response.headers.pop("Set-Cookie", None)
        if request.path == path:
            response.headers["Set-Cookie"] = f'SESSION_EXPIRATION_TIME="1718900000000,{told}"'

    xnat.app.after(tell)
    for _ in range(2):
        with connect(resolve()) as client:
            projects(client)
    found = AuthManager().find(xnat.url, "admin")
    assert found is not None
    assert found.lifetime == kept
