"""Logging in, staying in, and being turned away."""

from __future__ import annotations

import re
import time
from dataclasses import replace

import pytest
import requests

from conftest import MakeXNAT
from support.sandbox import FAST, XNAT

BROWSER = {"User-Agent": "Mozilla/5.0"}


def test_a_stranger_gets_a_session_id_that_proves_nothing(xnat: XNAT) -> None:
    answer = xnat.call("GET", "/data/JSESSION", user=None)
    assert (answer.status_code, answer.headers["Content-Type"]) == (
        200,
        "text/plain; charset=utf-8",
    )
    assert re.fullmatch("[0-9A-F]{32}", answer.text)
    cookies = {"JSESSIONID": answer.text}
    assert xnat.call("GET", "/data/auth", user=None, cookies=cookies).status_code == 401


def test_basic_credentials_open_a_session_each_time(xnat: XNAT) -> None:
    ids = {xnat.call("GET", "/data/JSESSION").text for _ in range(3)}
    assert len(ids) == 3
    assert xnat.call("GET", "/data/user/admin/sessions").text == '{"admin":4}'


def test_the_session_cookie_stands_for_the_user_until_it_is_deleted(xnat: XNAT) -> None:
    cookies = {"JSESSIONID": xnat.call("GET", "/data/JSESSION").text}
    assert xnat.call("GET", "/xapi/users/username", user=None, cookies=cookies).text == "admin"
    assert xnat.call("DELETE", "/data/JSESSION", user=None, cookies=cookies).content == b""
    assert xnat.call("GET", "/data/auth", user=None, cookies=cookies).status_code == 401


def test_wrong_credentials_are_refused_even_where_none_are_needed(xnat: XNAT) -> None:
    answer = xnat.call("GET", "/data/JSESSION", user=("admin", "wrong"))
    assert answer.status_code == 401
    assert "Your login attempt failed" in answer.text


def test_a_form_logs_in(xnat: XNAT) -> None:
    form = {"username": "admin", "password": "admin"}
    answer = xnat.call("PUT", "/data/services/auth", user=None, data=form)
    assert (answer.status_code, answer.text) == (200, answer.cookies["JSESSIONID"])
    wrong = {"username": "admin", "password": "wrong"}
    refused = xnat.call("PUT", "/data/services/auth", user=None, data=wrong)
    assert refused.status_code == 401
    assert "<h3>Authentication failed.</h3>" in refused.text


@pytest.mark.parametrize(
    ("headers", "status", "header"),
    [
        ({}, 401, ("WWW-Authenticate", 'Basic realm="XNAT"')),
        (BROWSER, 302, ("Location", "/app/template/Login.vm")),
        ({**BROWSER, "X-Requested-With": "XMLHttpRequest"}, 401, ("Content-Length", "0")),
    ],
)
def test_a_stranger_is_turned_away_by_kind_of_client(
    xnat: XNAT, headers: dict[str, str], status: int, header: tuple[str, str]
) -> None:
    answer = xnat.call("GET", "/data/projects", user=None, headers=headers)
    assert answer.status_code == status
    assert answer.headers[header[0]] == header[1]


def test_sessions_expire_when_they_rest(make_xnat: MakeXNAT) -> None:
    xnat = make_xnat(replace(FAST, session_timeout=0.1))
    cookies = {"JSESSIONID": xnat.call("GET", "/data/JSESSION").text}
    time.sleep(0.15)
    assert xnat.call("GET", "/data/auth", user=None, cookies=cookies).status_code == 401


def test_every_answer_tells_when_the_session_ends(xnat: XNAT) -> None:
    cookie = xnat.call("GET", "/data/projects").headers["Set-Cookie"]
    assert re.search(r'SESSION_EXPIRATION_TIME="\d{13},900000"', cookie)


def test_a_user_has_only_so_many_sessions(make_xnat: MakeXNAT) -> None:
    xnat = make_xnat(replace(FAST, concurrent_sessions=2))
    statuses = [xnat.call("GET", "/data/auth").status_code for _ in range(3)]
    assert statuses == [200, 200, 401]


def test_too_many_failures_lock_an_account(xnat: XNAT) -> None:
    for _ in range(20):
        xnat.call("GET", "/data/auth", user=("admin", "wrong"))
    assert xnat.call("GET", "/data/auth").status_code == 401


def test_an_open_site_makes_strangers_guests(make_xnat: MakeXNAT) -> None:
    xnat = make_xnat(replace(FAST, require_login=False))
    xnat.has_session("OPEN", "S1", "MR1")
    xnat.store.items.update_project("OPEN", accessibility="public")
    xnat.has_project("P1")
    assert [row["ID"] for row in xnat.rows("/data/projects", user=None)] == ["OPEN"]
    assert xnat.call("GET", "/data/auth", user=None).text == "User 'guest' is logged in"
    assert xnat.call("GET", "/data/projects/P1", user=None).status_code == 404
    assert xnat.call("GET", "/xapi/users/username", user=None).status_code == 401


def test_alias_tokens_log_in_until_they_are_ended(xnat: XNAT) -> None:
    token = xnat.call("GET", "/data/services/tokens/issue").json()
    pair = (token["alias"], token["secret"])
    assert xnat.call("GET", "/xapi/users/username", user=pair).text == "admin"
    validated = xnat.call("GET", f"/data/services/tokens/validate/{pair[0]}/{pair[1]}")
    assert validated.json() == {"valid": "admin"}
    ended = xnat.call("GET", f"/data/services/tokens/invalidate/{pair[0]}")
    assert ended.json() == {"result": "OK"}
    assert xnat.call("GET", "/data/auth", user=pair).status_code == 401


def test_other_peoples_tokens_are_for_administrators(xnat: XNAT) -> None:
    bob = xnat.has_user("bob")
    path = "/data/services/tokens/issue/user/admin"
    assert xnat.call("GET", path, user=bob).status_code == 403
    assert xnat.call("GET", "/data/services/tokens/issue/user/bob").json()["xdatUserId"] == "bob"


def test_browsers_need_a_token_against_forgery(xnat: XNAT) -> None:
    answer = xnat.call("GET", "/data/JSESSION?CSRF=true")
    session, token = re.fullmatch(r"(\w+); XNAT_CSRF=(.+)", answer.text).groups()  # type: ignore[union-attr]
    cookies = {"JSESSIONID": session}
    put = {"user": None, "cookies": cookies, "headers": BROWSER}
    assert xnat.call("PUT", "/data/projects/P1", **put).status_code == 500  # type: ignore[arg-type]
    path = f"/data/projects/P1?XNAT_CSRF={token}"
    assert xnat.call("PUT", path, **put).status_code == 200  # type: ignore[arg-type]


def test_an_administrator_ends_the_sessions_of_others(xnat: XNAT) -> None:
    bob = xnat.has_user("bob")
    id = xnat.call("GET", "/data/JSESSION", user=bob).text
    assert xnat.call("DELETE", "/xapi/users/active/bob").json() == [id]
    assert xnat.call("GET", "/data/auth", user=None, cookies={"JSESSIONID": id}).status_code == 401


def test_a_connection_is_kept_alive(xnat: XNAT) -> None:
    with requests.Session() as session:
        for _ in range(3):
            session.get(f"{xnat.url}/data/auth", auth=xnat.admin)
    ports = {request.environ["REMOTE_PORT"] for request in xnat.requests()}
    assert len(ports) == 1
