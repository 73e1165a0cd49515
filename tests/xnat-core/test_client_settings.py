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
