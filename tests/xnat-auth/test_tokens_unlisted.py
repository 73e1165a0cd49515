"""A token can be revoked where one's tokens cannot be listed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.sandbox import XNAT
from xnat_auth.cli import main


@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_token_is_revoked(
    xnat: XNAT, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    user, password = xnat.has_user("alice")
    for name, value in (("URL", xnat.url), ("USER", user), ("PASS", password)):
        monkeypatch.setenv(f"XNAT_{name}", value)
    monkeypatch.setattr("xnat_core.http.retries.FIRST_PAUSE", 0)
    file = tmp_path / "token"
    assert main(["token", "issue", "--out", str(file)]) == 0
    xnat.fails("GET", "/data/services/tokens/show", status, times=9)
    token = json.loads(file.read_text())
    assert main(["token", "revoke", token["alias"]]) == 0
    by_it = (token["alias"], token["secret"])
    assert xnat.call("GET", "/data/projects", user=by_it).status_code == 401
