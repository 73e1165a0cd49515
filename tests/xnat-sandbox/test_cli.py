"""The command line: serve, run, seed."""

from __future__ import annotations

import os
import pty
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

PROGRAM = [sys.executable, "-c", "from xnat_sandbox.cli import main; raise SystemExit(main())"]


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the program to its end."""
    return subprocess.run([*PROGRAM, *words], capture_output=True, text=True, timeout=60)


@contextmanager
def serving(*words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A running server, and its URL."""
    command = [*PROGRAM, "serve", "--port=0", *words]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as server:
        try:
            assert server.stdout
            yield server, server.stdout.readline().strip()
        finally:
            server.kill()


def test_run_lends_its_server_to_the_command() -> None:
    program = (
        "import os, urllib.request as u; print(os.environ['XNAT_USER'], os.environ['XNAT_PASS']);"
        "print(u.urlopen(os.environ['XNAT_URL'] + '/xapi/siteConfig/siteId').read().decode());"
        "print(os.environ['XNAT_DICOM_PORT'].isdigit(), os.environ['XNAT_DICOM_CALLED_AET']);"
        "raise SystemExit(3)"
    )
    ran = run("run", "--", sys.executable, "-c", program)
    assert (ran.returncode, ran.stdout) == (3, "admin admin\nXNAT\nTrue XNAT\n")


def test_run_keeps_the_command_away_from_the_servers_of_its_user(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("XNAT_PROFILE", "XNAT_TOKEN", "XNAT_TOKEN_FILE", "XNAT_DICOM_TLS"):
        monkeypatch.setenv(name, "production")
    program = "import os; print(*sorted(v for v in os.environ.values() if v == 'production'))"
    ran = run("run", "--", sys.executable, "-c", program)
    assert (ran.returncode, ran.stdout) == (0, "\n")


def test_an_unknown_command_is_127() -> None:
    ran = run("run", "--", "no-such-command")
    assert (ran.returncode, ran.stderr) == (127, "xnat-sandbox: no-such-command: no such command\n")


@pytest.mark.parametrize(
    "words",
    [("serve", "extra"), ("serve", "--port=x"), ("run",), ("serve", "--por=1"), ("samples",)],
)
def test_wrong_usage_is_one_line(words: tuple[str, ...]) -> None:
    ran = run(*words)
    assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (2, "", 1)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_serve_stops_at_a_signal(number: signal.Signals, status: int) -> None:
    with serving() as (server, url):
        assert requests.get(f"{url}/data/JSESSION").status_code == 200
        server.send_signal(number)
        assert server.wait(10) == status
        assert server.stderr and server.stderr.read() == ""


def test_who_looks_on_is_told_how_to_log_in(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    command = [*PROGRAM, "serve", "--port=0", f"--data={tmp_path}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs) as server:
        told = os.read(ours, 1000).decode()
        server.kill()
    os.close(ours)
    os.close(theirs)
    assert "log in as admin, password admin; only this machine reaches it; Ctrl-C ends it" in told
    assert f"the data stay in {tmp_path}" in told


def test_a_port_that_is_taken_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = run("serve", f"--port={port}")
    message = f"xnat-sandbox: port {port} of 127.0.0.1: Address already in use\n"
    assert (ran.returncode, ran.stdout, ran.stderr) == (1, "", message)


def test_a_seeded_directory_is_found_again(tmp_path: Path) -> None:
    for _ in range(2):
        with serving(f"--data={tmp_path}", "--seed") as (server, url):
            answer = requests.get(f"{url}/data/experiments?format=json", auth=("admin", "admin"))
            rows = answer.json()["ResultSet"]["Result"]
            server.terminate()
            assert server.wait(10) == 143
    assert [row["label"] for row in rows] == ["SUB001_MR1", "SUB001_CT1", "SUB002_MR1"]


def test_a_file_where_the_data_are_to_be_is_told(tmp_path: Path) -> None:
    file = tmp_path / "data"
    file.touch()
    ran = run("serve", f"--data={file}", "--port=0")
    assert (ran.returncode, ran.stderr) == (1, f"xnat-sandbox: {file}: File exists\n")


def test_data_that_another_sandbox_serves_are_left_to_it(tmp_path: Path) -> None:
    with serving(f"--data={tmp_path}") as (server, url):
        ran = run("run", f"--data={tmp_path}", "--", "true")
        told = f"xnat-sandbox: {tmp_path}: another sandbox is using it\n"
        assert (ran.returncode, ran.stderr) == (1, told)
        assert requests.get(f"{url}/data/projects", auth=("admin", "admin")).ok
        server.terminate()
        server.wait(10)
    assert run("run", f"--data={tmp_path}", "--", "true").returncode == 0


def test_a_folder_that_holds_no_sandbox_is_told(tmp_path: Path) -> None:
    (tmp_path / "xnat.sqlite").write_text("no database, but a text that is as long as one begins")
    ran = run("run", f"--data={tmp_path}", "--", "true")
    told = f"xnat-sandbox: {tmp_path}/xnat.sqlite: file is not a database\n"
    assert (ran.returncode, ran.stderr) == (1, told)


def test_listening_to_the_world_is_warned_about() -> None:
    with serving("--host=0.0.0.0") as (server, _):
        server.terminate()
        assert server.stderr
        assert server.stderr.read().startswith("xnat-sandbox: warning: listening on 0.0.0.0")
