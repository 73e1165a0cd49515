"""Logging in and out, and who one is then."""

from __future__ import annotations

import io
import json
import stat
from pathlib import Path

import pytest

from support.sandbox import XNAT
from xnat_auth.cli import main
from xnat_core.user_paths import session_file


@pytest.fixture(autouse=True)
def credentials(xnat: XNAT, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XNAT_URL", xnat.url)
    monkeypatch.setenv("XNAT_USER", "admin")
    monkeypatch.setenv("XNAT_PASS", "admin")


def answer(capfd: pytest.CaptureFixture[str], *argv: str) -> dict[str, object]:
    status = main([*argv, "-o", "json"])
    out, err = capfd.readouterr()
    assert (status, err) == (0, "")
    document = json.loads(out)
    assert isinstance(document, dict)
    return document


def test_a_login_is_kept_where_only_the_user_can_read_it(
    xnat: XNAT, capfd: pytest.CaptureFixture[str]
) -> None:
    record = answer(capfd, "login")
    assert record["status"] == "logged in"
    assert record["username"] == "admin"
    assert record["url"] == xnat.url
    assert record["expires_at"]
    assert stat.S_IMODE(session_file().stat().st_mode) == 0o600
    assert stat.S_IMODE(session_file().parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("variable", ["XNAT_USER", "XNAT_PASS"])
def test_a_password_in_another_encoding_is_told_and_not_sent(
    xnat: XNAT,
    variable: str,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(variable, "p\udce4ss")
    assert main(["login"]) == 3
    assert "the user name or the password is no text in UTF-8" in capfd.readouterr().err
    assert xnat.requests("POST") == []


def test_the_kept_login_serves_without_a_password(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(capfd, "login")
    monkeypatch.delenv("XNAT_PASS")
    assert answer(capfd, "test")["username"] == "admin"


def test_whoami_tells_user_profile_and_projects(
    xnat: XNAT, capfd: pytest.CaptureFixture[str]
) -> None:
    xnat.has_project("P2")
    xnat.has_project("P10")
    record = answer(capfd, "whoami")
    assert record["username"] == "admin"
    assert record["projects"] == ["P2", "P10"]
    assert record["auth_mode"] == "session"


def test_a_wrong_password_is_one_line_one_attempt_and_status_three(
    xnat: XNAT, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XNAT_PASS", "wrong-secret")
    assert main(["login"]) == 3
    err = capfd.readouterr().err
    assert err.count("\n") == 1
    assert "wrong-secret" not in err
    assert len(xnat.requests("POST", "/data/JSESSION")) == 1


def test_logging_out_ends_the_session_on_the_server_and_here(
    xnat: XNAT, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(capfd, "login")
    assert answer(capfd, "logout")["status"] == "logged out"
    assert len(xnat.requests("DELETE", "/data/JSESSION")) == 1
    monkeypatch.delenv("XNAT_PASS")
    assert main(["test"]) == 3
    assert "xnat-auth login" in capfd.readouterr().err


def test_status_asks_nobody_and_shows_no_secret(
    xnat: XNAT, capfd: pytest.CaptureFixture[str]
) -> None:
    record = answer(capfd, "status")
    assert record["env_password"] == "set"
    assert record["session_cached"] is False
    assert xnat.requests() == []


def test_the_password_may_come_on_standard_input(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("XNAT_PASS")
    monkeypatch.setattr("xnat_core.job_server.first_line", lambda: "admin")
    assert answer(capfd, "login", "--password-stdin")["username"] == "admin"


def test_a_closed_standard_input_has_no_password(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], xnat: XNAT
) -> None:
    monkeypatch.setattr("sys.stdin", None)
    assert main(["login", "--password-stdin"]) == 2
    assert "standard input is closed" in capfd.readouterr().err
    assert xnat.requests() == []


@pytest.mark.parametrize("text", [b"", b"\r\n"])
def test_an_empty_standard_input_has_no_password(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], xnat: XNAT, text: bytes
) -> None:
    stdin = io.BytesIO(text)
    monkeypatch.setattr("os.read", lambda _, size: stdin.read(size))
    assert main(["login", "--password-stdin"]) == 2
    assert "no password can be read from it" in capfd.readouterr().err
    assert xnat.requests() == []


def test_a_password_in_another_encoding_is_not_tried_as_another_one(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], xnat: XNAT
) -> None:
    stdin = io.BytesIO("straße\n".encode("latin-1"))
    monkeypatch.setattr("os.read", lambda _, size: stdin.read(size))
    assert main(["login", "--password-stdin"]) == 3
    assert "the password is no text in UTF-8" in capfd.readouterr().err
    assert xnat.requests("POST") == []


def test_a_password_on_the_command_line_works_and_warns(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("XNAT_PASS")
    assert main(["login", "--password", "admin", "-q"]) == 0
    out, err = capfd.readouterr()
    assert out == "admin\n"
    assert err == (
        "xnat-auth: warning: --password can be read by everybody on this machine; "
        "use --password-stdin\n"
    )


def test_without_a_user_or_a_terminal_the_remedy_is_named(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("XNAT_USER")
    monkeypatch.setattr("xnat_core.terminal.ask", lambda question, secret: None)
    assert main(["login"]) == 2
    assert "--username is needed" in capfd.readouterr().err


def test_without_a_terminal_a_login_is_not_advised_to_log_in(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("XNAT_PASS")
    monkeypatch.setattr("xnat_core.terminal.ask", lambda question, secret: None)
    assert main(["login"]) == 3
    err = capfd.readouterr().err
    assert "no password for user 'admin': --password-stdin reads one" in err
    assert "run 'xnat-auth login" not in err


def test_asked_at_the_terminal_for_user_and_password(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("XNAT_USER")
    monkeypatch.delenv("XNAT_PASS")
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    asked: list[tuple[str, bool]] = []

    def ask(question: str, *, secret: bool) -> str:
        asked.append((question.split()[0], secret))
        return "admin"

    monkeypatch.setattr("xnat_core.terminal.ask", ask)
    assert answer(capfd, "login")["username"] == "admin"
    assert asked == [("User", False), ("Password", True)]


def test_a_server_that_is_not_there_is_one_line_and_status_four(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XNAT_URL", "http://127.0.0.1:9")
    assert main(["login"]) == 4
    err = capfd.readouterr().err
    assert err.count("\n") == 1
    assert "127.0.0.1:9" in err


def test_a_home_that_cannot_be_written_still_lets_work(
    xnat: XNAT, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(blocked))
    assert main(["test", "-q"]) == 0
    assert capfd.readouterr().out == "admin\n"
    assert len(xnat.requests("DELETE", "/data/JSESSION")) == 1  # nobody else could use it


@pytest.mark.parametrize("command", ["login", "whoami"])
def test_a_server_that_fails_in_telling_the_user_is_asked_otherwise(
    xnat: XNAT, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setattr("xnat_core.http.retries.FIRST_PAUSE", 0)
    xnat.fails("GET", "/xapi/users/username", 500, times=99)
    assert answer(capfd, command)["username"] == "admin"
