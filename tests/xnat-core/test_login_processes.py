"""Tools that start together share one login."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.logins import LOGIN
from support.sandbox import XNAT

pytestmark = pytest.mark.usefixtures("credentials")


WORK = """
import sys
from xnat_core.connect import connect
from xnat_core.targets import resolve
sys.stdin.readline()
with connect(resolve()) as client:
    print([row["ID"] for row in client.rows("/data/projects")])
"""


def processes(count: int) -> list[str]:
    """Start tools, let them go at the same moment, and return what they print."""
    running = [
        subprocess.Popen(
            [sys.executable, "-c", WORK],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ,
        )
        for _ in range(count)
    ]
    for process in running:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    return [process.communicate(timeout=60)[0].strip() for process in running]


def test_five_tools_that_start_together_make_one_login(xnat: XNAT) -> None:
    assert processes(5) == ["['P1']"] * 5
    assert len(xnat.requests(*LOGIN)) == 1


def test_five_tools_renew_an_ended_session_once(xnat: XNAT) -> None:
    processes(1)
    xnat.expires_sessions()
    assert processes(5) == ["['P1']"] * 5
    assert len(xnat.requests(*LOGIN)) == 2


def test_the_session_stays_for_the_next_tool(xnat: XNAT) -> None:
    processes(1)
    processes(1)
    assert len(xnat.requests(*LOGIN)) == 1
    assert xnat.requests("DELETE", "/data/JSESSION") == []


def test_where_nothing_can_be_kept_each_tool_logs_in_and_out(
    xnat: XNAT, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(blocker / "below"))
    assert processes(2) == ["['P1']"] * 2
    assert len(xnat.requests(*LOGIN)) == 2
    assert len(xnat.requests("DELETE", "/data/JSESSION")) == 2
    assert xnat.app.sessions.of("admin") == []


def test_five_tools_with_a_wrong_password_are_one_failure(
    xnat: XNAT, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XNAT_PASS", "wrong")
    assert processes(5) == [""] * 5
    assert len(xnat.requests(*LOGIN)) == 1
