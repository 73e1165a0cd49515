"""Two servers, two logins: what is for one never reaches the other."""

from __future__ import annotations

import base64
import os

import pytest
from werkzeug.wrappers import Request, Response

from support.sandbox import XNAT
from support.transfers import Transfer

URL_ENDS = ("-P", "A", "--dest-project", "B")


def logins(xnat: XNAT) -> set[str]:
    """Who tried to log in, with what."""
    found = set()
    for request in xnat.requests():
        header = request.headers.get("Authorization", "")
        if header.startswith("Basic "):
            found.add(base64.b64decode(header[6:]).decode())
        elif request.path.startswith("/data/services/auth"):
            found.add(xnat.body(request).decode())
    return found


def cookies(request: Request) -> str:
    return request.headers.get("Cookie", "")


def test_credentials_of_the_environment_are_the_destination_s_when_they_name_it(
    transfer: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, password = transfer.dest.has_user("envoy", "envoy-password")
    transfer.dest.store.accounts.join(user, "B_owner")
    for name, value in {"URL": transfer.dest.url, "USER": user, "PASS": password}.items():
        monkeypatch.setenv(f"XNAT_{name}", value)
    ran = transfer.say("run", "-p", "source", *URL_ENDS, "--dest-url", transfer.dest.url)
    assert ran.status == 0, ran.err
    assert any("envoy" in login for login in logins(transfer.dest))
    assert not any("envoy" in login for login in logins(transfer.source))


def test_credentials_of_the_environment_are_the_source_s(
    transfer: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XNAT_USER", "admin")
    monkeypatch.setenv("XNAT_PASS", "admin")
    ran = transfer()
    assert ran.status == 0, ran.err
    assert not any("admin" in login for login in logins(transfer.dest))


def test_a_token_of_the_environment_stays_with_the_source(
    transfer: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = transfer.source.call("GET", "/data/JSESSION").text
    monkeypatch.setenv("XNAT_URL", transfer.source.url)
    monkeypatch.setenv("XNAT_TOKEN", token)
    ran = transfer.say("run", *URL_ENDS, "--dest-profile", "dest")
    assert ran.status == 0, ran.err
    assert any(token in cookies(one) for one in transfer.source.requests())
    assert not any(token in cookies(one) for one in transfer.dest.requests())


def test_the_password_for_the_destination_comes_by_standard_input(
    transfer: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"keeper-password\n")
    os.close(writing)
    monkeypatch.setattr("os.read", _from(reading))
    ran = transfer.say(
        *("run", "-p", "source", *URL_ENDS, "--dest-url", transfer.dest.url + "/"),
        *("--dest-user", "keeper", "--dest-pass-stdin"),
    )
    assert ran.status == 0, ran.err


def test_a_password_on_the_command_line_is_warned_of(transfer: Transfer) -> None:
    ran = transfer("--dest-user", "keeper", "--dest-pass", "keeper-password")
    assert ran.status == 0, ran.err
    assert "--dest-pass can be read by everybody" in ran.err


def test_one_and_the_same_project_is_refused(transfer: Transfer) -> None:
    ran = transfer.say(
        *("run", "-p", "source", "-P", "A", "--dest-profile", "source", "--dest-project", "A")
    )
    assert ran.status == 2
    assert "same project" in ran.err


def test_a_destination_must_be_named(transfer: Transfer) -> None:
    assert transfer.say("run", "-p", "source", *URL_ENDS).status == 2


def _from(descriptor: int):  # type: ignore[no-untyped-def]
    read = os.read
    return lambda given, size: read(descriptor if given == 0 else given, size)


def test_a_login_that_cannot_be_renewed_stops_the_run(transfer: Transfer) -> None:
    for number in range(1, 5):
        transfer.has_session(f"S{number}", f"S{number}_MR1", "MR")
    closed: list[str] = []

    def close(request: Request) -> Response | None:
        if request.path == "/data/services/archive" and not closed:
            closed.append(request.path)
            transfer.dest.expires_sessions()
        return Response("no", 401) if closed else None

    transfer.dest.before(close)
    ran = transfer("--workers", 1)
    assert (ran.status, [one["outcome"] for one in ran.of("session")]) == (3, ["failed"])
    assert len(transfer.dest.requests("POST", "/data/services/import")) <= 2
    assert not any(record.get("success") for record in ran.of("transfer"))
