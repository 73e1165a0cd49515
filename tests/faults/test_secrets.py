"""No password and no token in anything that a run writes, whatever goes wrong meanwhile."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.fault_proxy import FaultProxy, faulty
from support.network_faults import FAULTS
from support.sandbox import XNAT
from support.scenarios import LOADING, Case

PASSWORD = "Geheim-4711-zzz"
WEATHER = ("", "reset in the answer", "401", "login page", "502", "another page", "400")


@pytest.fixture
def proxy(xnat: XNAT) -> Iterator[FaultProxy]:
    with faulty(xnat.server.port) as proxy:
        yield proxy


@contextmanager
def watched_processes() -> Iterator[set[str]]:
    """The command lines of all processes that begin meanwhile."""
    seen: set[str] = set()
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.005):
            for entry in Path("/proc").iterdir():
                if entry.name.isdecimal():
                    try:
                        seen.add((entry / "cmdline").read_bytes().decode("utf-8", "replace"))
                    except OSError:
                        continue

    thread = threading.Thread(target=watch)
    thread.start()
    yield seen
    stop.set()
    thread.join()


@pytest.mark.parametrize("fault", WEATHER)
@pytest.mark.parametrize("name", ["upload", "upload resource", "download", "list scans", "get"])
def test_no_secret_is_in_anything_written(
    xnat: XNAT,
    proxy: FaultProxy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    fault: str,
) -> None:
    xnat.has_user("keeper", PASSWORD)
    for variable, value in (("URL", proxy.url), ("USER", "keeper"), ("PASS", PASSWORD)):
        monkeypatch.setenv(f"XNAT_{variable}", value)
    (tmp_path / "case").mkdir()
    case = Case(xnat, proxy.url, tmp_path / "case", 1)
    words, _ = LOADING[name].furnish(case)
    xnat.store.accounts.join("keeper", f"{case.project}_owner")
    tool = LOADING[name].module.replace("_", "-")
    # Every third request but the login meets the fault, so that there is something to write.
    proxy.rule = lambda asked: (
        FAULTS[fault]
        if fault and "JSESSION" not in asked.target and len(proxy.passed) % 3 == 2
        else None
    )
    with watched_processes() as lines:
        answer = subprocess.run(
            [tool, *words, "-v"], capture_output=True, text=True, timeout=120, check=False
        )
    secrets = {PASSWORD, *tokens(proxy)}
    assert len(secrets) > 1, "nobody has logged in"
    assert answer.stderr or not fault
    written = {"standard output": answer.stdout, "standard error": answer.stderr}
    written["command lines"] = "\n".join(lines)
    for path in tmp_path.rglob("*"):
        if path.is_file() and "xnat0" not in path.parts and path.name != ".session":
            written[str(path)] = path.read_bytes().decode("latin-1")
    assert [(where, s) for where, text in written.items() for s in secrets if s in text] == []


def tokens(proxy: FaultProxy) -> set[str]:
    """Every session that a client has shown."""
    cookies = [asked.header("cookie") for asked in proxy.passed]
    pairs = [pair.strip() for cookie in cookies for pair in cookie.split(";")]
    return {pair.partition("=")[2] for pair in pairs if pair.startswith("JSESSIONID=")}


def test_what_the_server_says_cannot_steer_the_terminal(
    xnat: XNAT, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor by a message, nor by a field of a table; ndjson escapes by itself."""
    from support.network_faults import says

    for variable, value in (("URL", proxy.url), ("USER", "admin"), ("PASS", "admin")):
        monkeypatch.setenv(f"XNAT_{variable}", value)
    evil = "\\u001b]0;owned\\u0007\\u001b[2J\\u009b31m\\u202e"
    rows = f'{{"ResultSet":{{"Result":[{{"ID":"X1","label":"E{evil}","project":"P1"}}]}}}}'
    page = f"<h3>no {evil.encode().decode('unicode_escape')} way</h3>".encode()
    answers = {
        "rows": says(rows.encode(), "application/json"),
        "error": says(page, "text/html; charset=utf-8", status=409),
    }
    for what, answer in answers.items():
        proxy.rule = lambda asked, answer=answer: (  # type: ignore[misc]
            answer if "/experiments" in asked.target else None
        )
        for output in ("table", "tsv", "ndjson"):
            ran = subprocess.run(
                ["xnat-ls", "sessions", "-P", "P1", "--output", output],
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            said = ran.stdout + ran.stderr
            assert "E" in said
            found = [c for c in said if (ord(c) < 32 and c not in "\n\t") or c in "\x9b\x7f\u202e"]
            assert found == [], (what, output, said)
