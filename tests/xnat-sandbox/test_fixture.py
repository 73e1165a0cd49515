"""The fixture that other tests are built on."""

from __future__ import annotations

import pytest
import requests
from werkzeug.wrappers import Response

from conftest import MakeXNAT
from support.sandbox import XNAT

FILE = "/data/experiments/XNAT_E00001/resources/R/files/x.txt"


@pytest.fixture(autouse=True)
def one_file(xnat: XNAT) -> None:
    """A session with one file."""
    xnat.has_session("P1", "S1", "MR1", resources={"R": {"x.txt": b"0123456789"}})


def test_requests_fail_as_often_as_told(xnat: XNAT) -> None:
    xnat.fails("GET", "/data/projects", 503, times=2)
    assert [xnat.call("GET", "/data/projects").status_code for _ in range(3)] == [503, 503, 200]


def test_answers_are_cut_with_and_without_noise(xnat: XNAT) -> None:
    xnat.cuts("GET", FILE, 4)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        xnat.call("GET", FILE)
    xnat.cuts("GET", FILE, 4, quietly=True)
    assert xnat.call("GET", FILE).content == b"0123"
    assert xnat.call("GET", FILE).content == b"0123456789"


def test_a_hook_may_answer_first(xnat: XNAT) -> None:
    xnat.before(lambda request: Response("no", 502) if request.path == FILE else None)
    assert xnat.call("GET", FILE).status_code == 502


def test_expectations_of_httpserver_come_first(xnat: XNAT) -> None:
    xnat.server.expect_oneshot_request("/data/projects").respond_with_data("", 504)
    assert [xnat.call("GET", "/data/projects").status_code for _ in range(2)] == [504, 200]


def test_requests_are_logged_with_small_bodies(xnat: XNAT) -> None:
    xnat.call("PUT", f"{FILE}?inbody=true&overwrite=true", data=b"new")
    (request,) = xnat.requests("PUT", "/data/experiments")
    assert (request.args["overwrite"], xnat.body(request)) == ("true", b"new")


def test_sessions_end_on_command(xnat: XNAT) -> None:
    cookies = {"JSESSIONID": xnat.call("GET", "/data/JSESSION").text}
    xnat.expires_sessions()
    assert xnat.call("GET", "/data/auth", user=None, cookies=cookies).status_code == 401


def test_servers_are_strangers_to_each_other(make_xnat: MakeXNAT) -> None:
    other = make_xnat()
    assert other.rows("/data/projects") == []
