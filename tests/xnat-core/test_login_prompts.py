"""Who is asked for a password, and when."""

from __future__ import annotations

import re
import time

import pytest

from support.logins import projects, together
from support.sandbox import XNAT
from xnat_core.auth import AuthManager
from xnat_core.connect import connect
from xnat_core.errors import AuthenticationError
from xnat_core.targets import resolve

pytestmark = pytest.mark.usefixtures("credentials")


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


@pytest.mark.parametrize(
    ("asked", "words"), [(None, ""), ("admin", ""), ("o'bob", """ -u 'o'"'"'bob'""")]
)
def test_the_remedy_logs_in_the_user_that_was_asked_for(
    asked: str | None, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XNAT_PASS")
    with (
        connect(resolve(username=asked)) as client,
        pytest.raises(AuthenticationError, match=re.escape(f"login -p default{words}'") + "$"),
    ):
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
