"""What a client is made with."""

from __future__ import annotations

from typing import Any

import pytest

from support.sandbox import XNAT
from xnat_core.client import XNATClient
from xnat_core.errors import ConfigurationError


@pytest.mark.parametrize(
    "setting",
    [
        {"timeout": 0},
        {"timeout": None},
        {"timeout": "30"},
        {"timeout": (3, 30)},
        {"timeout": float("nan")},
        {"max_retries": -1},
        {"max_retries": None},
        {"pool_size": 0},
        {"max_connections": 0},
    ],
)
def test_a_setting_that_cannot_be_is_told_at_once(setting: dict[str, Any]) -> None:
    (name,) = setting
    with pytest.raises(ConfigurationError, match=f"^{name} must be "):
        XNATClient("https://xnat.example.org", **setting)


def test_an_empty_token_is_none(xnat: XNAT) -> None:
    with XNATClient(xnat.url, *xnat.admin, session_token="") as client:
        assert not client.is_authenticated
        assert client.whoami()["username"] == "admin"
        assert client.is_authenticated


def test_a_reason_goes_with_every_change_that_the_history_tells_of(xnat: XNAT) -> None:
    session = xnat.has_session("P1", "S1", "E1", {"1": {"a.dcm": b"x"}})
    where = f"/data/experiments/{session.id}"
    with XNATClient(xnat.url, *xnat.admin, reason="typing error: ä & b") as client:
        client.get(where)
        client.put(f"{where}/resources/NOTES")
        client.put(f"{where}/resources/NOTES/files/a.txt", data=b"x", params={"inbody": True})
        client.delete(f"{where}/scans/1?event_reason=other")
        client.post("/xapi/siteConfig", json={"siteDescriptionText": "x"})
    asked = [
        (r.method, r.args.get("event_reason")) for r in xnat.requests() if "JSES" not in r.path
    ]
    assert [each for each in asked if each[0] != "GET"] == [
        *[("PUT", "typing error: ä & b")] * 2,
        ("DELETE", "other"),
        ("POST", None),
    ]
    assert {reason for method, reason in asked if method == "GET"} == {None}


def test_a_client_shows_its_server_and_no_secret() -> None:
    with XNATClient("https://xnat.example.org/", "alice", "geheim", "token") as client:
        assert repr(client) == "XNATClient('https://xnat.example.org')"
