"""Programs that live long: a login that failed is tried again, or not."""

from __future__ import annotations

import pytest
from werkzeug import Response

from support.sandbox import XNAT
from xnat_core.client import XNATClient
from xnat_core.connect import connect
from xnat_core.errors import AuthenticationError
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
