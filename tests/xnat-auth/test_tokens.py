"""Alias tokens: names and secrets for jobs that shall hold no password."""

from __future__ import annotations

import io
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from support.sandbox import XNAT
from xnat_auth.cli import main


@pytest.fixture(autouse=True)
def credentials(xnat: XNAT, monkeypatch: pytest.MonkeyPatch) -> None:
    user, password = xnat.has_user("alice")
    monkeypatch.setenv("XNAT_URL", xnat.url)
    monkeypatch.setenv("XNAT_USER", user)
    monkeypatch.setenv("XNAT_PASS", password)


def ran(capfd: pytest.CaptureFixture[str], *argv: str) -> tuple[int, list[dict[str, Any]], str]:
    status = main(list(argv))
    out, err = capfd.readouterr()
    return status, [json.loads(line) for line in out.splitlines()], err


@pytest.fixture
def file(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Path:
    """A token in a file."""
    path = tmp_path / "token"
    assert main(["token", "issue", "--out", str(path)]) == 0
    capfd.readouterr()
    return path


@pytest.fixture
def by_token(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but the file tells server and login."""
    for name in ("URL", "USER", "PASS"):
        monkeypatch.delenv(f"XNAT_{name}")
    monkeypatch.setenv("XNAT_TOKEN_FILE", str(file))


def test_a_token_goes_to_a_file_that_only_its_owner_can_read(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "token"
    status, (record,), err = ran(capfd, "token", "issue", "--out", str(path))
    assert (status, err) == (0, "")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text())["alias"] == record["id"]
    assert (record["username"], record["path"], "secret" in record) == ("alice", str(path), False)
    assert record["expires_at"] > record["created_at"]


def test_a_secret_is_printed_when_that_is_asked_for(
    xnat: XNAT, capfd: pytest.CaptureFixture[str]
) -> None:
    _, (record,), _ = ran(capfd, "token", "issue", "--show-secret")
    login = (record["id"], record["secret"])
    assert xnat.call("GET", "/xapi/users/username", user=login).text == "alice"


def test_no_token_is_issued_when_nobody_would_see_it(
    xnat: XNAT, capfd: pytest.CaptureFixture[str]
) -> None:
    status, _, err = ran(capfd, "token", "issue")
    assert status == 2
    assert err.startswith("xnat-auth: where shall the secret go: --out FILE or --show-secret")
    assert not xnat.requests("GET", "/data/services/tokens")


@pytest.mark.usefixtures("by_token")
def test_a_token_file_is_all_that_a_job_needs(capfd: pytest.CaptureFixture[str]) -> None:
    status, (record,), err = ran(capfd, "whoami")
    assert (status, record["username"], err) == (0, "alice", "")


def test_user_and_password_may_be_alias_and_secret(
    file: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    token = json.loads(file.read_text())
    monkeypatch.setenv("XNAT_USER", token["alias"])
    monkeypatch.setenv("XNAT_PASS", token["secret"])
    assert ran(capfd, "whoami")[1][0]["username"] == "alice"


@pytest.mark.usefixtures("by_token")
def test_a_token_file_that_others_can_read_is_refused(
    file: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file.chmod(0o640)
    status, _, err = ran(capfd, "whoami")
    assert status != 0
    assert f"xnat-auth: {file}: others can read the token: chmod 600 {file}" in err


@pytest.mark.usefixtures("by_token")
def test_a_token_does_not_go_to_another_server(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], make_xnat: Any
) -> None:
    other = make_xnat()
    monkeypatch.setenv("XNAT_URL", other.url)
    status, _, err = ran(capfd, "whoami")
    assert status != 0
    assert "XNAT_TOKEN_FILE is for" in err
    assert not other.requests()


@pytest.mark.usefixtures("by_token")
def test_a_token_that_has_ended_is_tried_once(
    xnat: XNAT, file: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    xnat.app.tokens.invalidate(json.loads(file.read_text())["alias"])
    before = len(xnat.requests("POST", "/data/JSESSION"))
    status, _, err = ran(capfd, "whoami")
    assert (status, "the alias token may have ended" in err) == (3, True), err
    assert ran(capfd, "whoami")[0] == 3
    assert len(xnat.requests("POST", "/data/JSESSION")) == before + 1


def test_tokens_are_listed_without_their_secrets(
    file: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    _, (record,), _ = ran(capfd, "token", "list")
    token = json.loads(file.read_text())
    assert record["id"] == token["alias"]
    assert token["secret"] not in json.dumps(record)


def test_a_revoked_token_is_gone(
    file: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, records, _ = ran(capfd, "token", "list")
    text = "".join(json.dumps(record) + "\n" for record in records)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    status, (record,), _ = ran(capfd, "token", "revoke")
    assert (status, record["outcome"]) == (0, "done")
    assert ran(capfd, "token", "list")[1] == []


def test_a_token_is_revoked_although_the_answer_is_lost(
    file: Path, xnat: XNAT, capfd: pytest.CaptureFixture[str]
) -> None:
    alias = json.loads(file.read_text())["alias"]
    xnat.cuts("GET", "/data/services/tokens/invalidate", 0)
    assert ran(capfd, "token", "revoke", alias)[0] == 0
    assert len(xnat.requests("GET", "/data/services/tokens/invalidate")) == 2


@pytest.mark.parametrize("page", ["", "<html><form>Sign in</form></html>", "{}"])
def test_a_token_of_which_the_server_does_not_say_that_it_has_ended_is_not_called_revoked(
    file: Path, xnat: XNAT, capfd: pytest.CaptureFixture[str], page: str
) -> None:
    alias = json.loads(file.read_text())["alias"]
    xnat.fails("GET", "/data/services/tokens/invalidate", 200, times=9, body=page)
    status, (record,), err = ran(capfd, "token", "revoke", alias)
    assert (status != 0, record["outcome"]) == (True, "failed")
    assert err.count("\n") == 2


def test_a_device_is_not_replaced_by_a_token_which_then_ends(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(tmp_path / "device")
    for place, why in (("device", "not a regular file"), ("", "Is a directory")):
        status, _, err = ran(capfd, "token", "issue", "--out", str(tmp_path / place))
        assert status == 1
        assert err == f"xnat-auth: {tmp_path / place}: cannot be written: {why}\n"
    assert stat.S_ISFIFO((tmp_path / "device").stat().st_mode)
    assert ran(capfd, "token", "list")[1] == []


@pytest.mark.parametrize("time", ["1e30", "-1e15", "1e308"])
def test_a_time_that_no_calendar_has_is_none(
    xnat: XNAT, capfd: pytest.CaptureFixture[str], time: str
) -> None:
    body = f'{{"alias": "a", "secret": "s", "created": {time}}}'
    xnat.fails("GET", "/data/services/tokens/issue", 200, body=body)
    xnat.fails("GET", "/data/services/tokens/show", 200, body=f"[{body}]")
    for words in (("issue", "--show-secret"), ("list",)):
        status, (record,), err = ran(capfd, "token", *words)
        assert (status, err, record["id"], record.get("created_at")) == (0, "", "a", None)


@pytest.mark.parametrize("body", ['{"alias": 5, "secret": "s"}', '{"alias": "a", "secret": [1]}'])
def test_what_is_no_text_is_no_token(
    xnat: XNAT, tmp_path: Path, capfd: pytest.CaptureFixture[str], body: str
) -> None:
    xnat.fails("GET", "/data/services/tokens/issue", 200, body=body)
    status, _, err = ran(capfd, "token", "issue", "--out", str(tmp_path / "token"))
    assert (status, "answered without a token" in err) == (1, True)
    assert not (tmp_path / "token").exists()


def test_a_token_that_does_not_exist_cannot_be_revoked(capfd: pytest.CaptureFixture[str]) -> None:
    status, _, err = ran(capfd, "token", "revoke", "no-such-alias")
    assert status == 5
    assert "no-such-alias" in err


def test_tokens_of_others_are_for_administrators(capfd: pytest.CaptureFixture[str]) -> None:
    assert ran(capfd, "token", "issue", "--show-secret", "--for", "admin")[0] == 6


@pytest.mark.parametrize("said", ["null", '{"message": "no"}', '["x"]'])
@pytest.mark.parametrize("words", [("list",), ("revoke", "no-such-alias")])
def test_what_is_no_list_of_tokens_is_told_as_that(
    xnat: XNAT, capfd: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    xnat.fails("GET", "/data/services/tokens/show", 200, times=9, body=said)
    status, _, err = ran(capfd, "token", *words)
    assert status == 1
    assert "/data/services/tokens/show: answered without a list of tokens" in err
