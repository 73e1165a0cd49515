"""Servers that answer settings in other ways than most."""

from __future__ import annotations

import pytest
from werkzeug.wrappers import Request, Response

from support.answers import Run
from support.sandbox import XNAT
from xnat_core.client import XNATClient
from xnat_core.errors import AuthenticationError

PAGE = "<!DOCTYPE html><html><head><title>P1</title></head><body>Details</body></html>"
CODE = "/data/projects/P1/prearchive_code"


@pytest.fixture
def old(xnat: XNAT) -> XNAT:
    """A server that tells no settings by name, and one alone without quotes."""

    def values(request: Request) -> Response | None:
        _, _, key = request.path.partition("/xapi/siteConfig/")
        if request.method != "GET" or not key or key.startswith("buildInfo"):
            return None
        if key.startswith("values/"):
            return Response("", 404)
        found = xnat.store.preferences.all().get(key)
        return Response(found) if isinstance(found, str) else None

    xnat.before(values)
    return xnat


@pytest.mark.parametrize("value", ["123", "true", "1.5", "null", "[1]"])
def test_a_text_like_a_number_is_stored_where_it_is_told_bare(
    value: str, admin: Run, old: XNAT
) -> None:
    answer = admin("site-config", "set", "siteId", value)
    assert (answer.status, answer.values("value", "outcome")) == (0, [(value, "done")])
    assert old.store.preferences.get("siteId") == value
    assert admin("site-config", "get", "siteId").values("value") == [value]
    assert admin("site-config", "set", "siteId", "XNAT").values("value", "was") == [("XNAT", value)]


def test_a_setting_that_is_told_only_alone_is_read(
    admin: Run, old: XNAT, monkeypatch: pytest.MonkeyPatch
) -> None:
    login, password = old.has_user("bob")
    monkeypatch.setenv("XNAT_USER", login)
    monkeypatch.setenv("XNAT_PASS", password)
    old.before(lambda r: Response("", 403) if r.path == "/xapi/siteConfig" else None)
    assert admin("site-config", "get", "siteId").values("value") == ["XNAT"]
    assert admin("site-config", "get", "noSuchKey").status == 5


def test_a_page_is_no_setting(admin: Run, xnat: XNAT) -> None:
    xnat.fails("GET", "/xapi/siteConfig/values", 404)
    xnat.before(lambda r: Response("{}") if r.path == "/xapi/siteConfig" else None)
    xnat.fails("GET", "/xapi/siteConfig/siteId", 200, body=PAGE)
    answer = admin("site-config", "get", "siteId")
    assert (answer.status, answer.values("outcome")) == (3, ["failed"])
    assert "a web page instead of data" in answer.err


@pytest.mark.parametrize("words", [[], ["--set", "manual"]])
def test_a_page_is_no_prearchive_setting(words: list[str], admin: Run, xnat: XNAT) -> None:
    xnat.has_project("P1")
    xnat.fails("GET", CODE, 200, body=PAGE, times=9)
    answer = admin("prearchive-setting", "P1", *words)
    assert (answer.status, answer.values("outcome")) == (3, ["failed"])
    assert f"GET {CODE} was answered by a web page instead of data" in answer.err
    assert xnat.requests("PUT") == []


def test_something_else_than_a_number_is_no_prearchive_setting(admin: Run, xnat: XNAT) -> None:
    xnat.has_project("P1")
    xnat.fails("GET", CODE, 200, body="a few words", times=9)
    answer = admin("prearchive-setting", "P1")
    assert answer.status == 1
    assert "project 'P1' has 'a few words', which is no number" in answer.err


def test_a_page_is_no_user(xnat: XNAT) -> None:
    with XNATClient(xnat.url, *xnat.admin) as client:
        client.get("/data/projects")
        xnat.fails("GET", "/xapi/users/username", 200, body=PAGE, times=9)
        with pytest.raises(AuthenticationError, match="a web page instead of data"):
            client.whoami()


def test_catalogs_are_refreshed_by_options_of_old_scripts(admin: Run, xnat: XNAT) -> None:
    xnat.has_session("P1", "S1", "MR1")
    answer = admin("refresh-catalogs", "P1", "-O", "checksum", "--no-parallel")
    assert (answer.status, answer.values("label", "outcome")) == (0, [("MR1", "done")])
    assert "--no-parallel is an old name for --workers=1" in answer.err
    assert admin("refresh-catalogs", "P1", "-O", "checksum", "--parallel").status == 0
