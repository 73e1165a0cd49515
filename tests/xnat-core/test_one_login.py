"""Many processes of one user make one login, whatever the file system thinks of locks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.sandbox import XNAT
from xnat_core.auth import AuthManager
from xnat_core.connect import connect
from xnat_core.leases import Lease
from xnat_core.targets import resolve

ASK = """\
import sys, time
from pathlib import Path
if sys.argv[2] == "without locks":
    import errno, fcntl
    def refuse(*words):
        raise OSError(errno.ENOLCK, "No locks available")
    fcntl.flock = refuse
from xnat_core.connect import connect
from xnat_core.targets import resolve
client = connect(resolve())
while not Path(sys.argv[1]).exists():
    time.sleep(0.01)
assert client.whoami()["username"] == "admin"
client.close()
"""


@pytest.fixture
def environment(xnat: XNAT, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"URL": xnat.url, "USER": "admin", "PASS": "admin"}.items():
        monkeypatch.setenv(f"XNAT_{name}", value)


def log_ins(xnat: XNAT) -> int:
    return len(xnat.requests("POST", "/data/JSESSION"))


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize(
    ("count", "how"), [(64, "with locks"), (8, "without locks")], ids=["locks", "no locks"]
)
def test_processes_that_start_together_make_one_login(
    xnat: XNAT, tmp_path: Path, count: int, how: str
) -> None:
    start = tmp_path / "start"
    words = [sys.executable, "-c", ASK, str(start), how]
    processes = [subprocess.Popen(words, stderr=subprocess.PIPE) for _ in range(count)]
    start.touch()
    failures = [said for process in processes if (said := process.communicate()[1])]
    assert failures == []
    assert log_ins(xnat) == 1


@pytest.mark.usefixtures("environment")
def test_logging_out_ends_the_session_that_all_have_used(xnat: XNAT) -> None:
    connect(resolve()).authenticate()
    assert len(xnat.app.sessions.of("admin")) == 1
    assert connect(resolve()).invalidate_session()
    assert len(xnat.app.sessions.of("admin")) == 0


def test_a_process_of_another_host_keeps_the_cache_from_us_until_it_is_not_heard_of(
    tmp_path: Path,
) -> None:
    cache = AuthManager(tmp_path / "session")
    lease = Lease(tmp_path / "session.lease", seconds=1)
    assert lease.take()
    with cache.lock(timeout=0.1) as locked:
        assert not locked
    (held,) = (path for path in (tmp_path / "session.lease").iterdir())
    os.utime(held, (1, 1))
    with cache.lock(timeout=5) as locked:
        assert locked


def test_the_cache_is_held_once_by_a_thread_that_asks_twice(tmp_path: Path) -> None:
    cache = AuthManager(tmp_path / "session")
    with cache.lock() as first, cache.lock() as second:
        assert first and second
    with AuthManager(tmp_path / "session").lock(timeout=1) as other:
        assert other
