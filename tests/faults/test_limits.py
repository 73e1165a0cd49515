"""Little room, few descriptors, no home, a clock that jumps, and company at the same work."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from support.sandbox import XNAT
from support.scenarios import LOADING, Case
from support.workspace import SCRIPTS

TWO_TOOLS = ("upload", "upload gradual", "download", "list scans")
_RUN_AND_TELL = """
import os, sys
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(child, 0)
sys.stderr.write(f"{usage.ru_maxrss}")
sys.exit(os.waitstatus_to_exitcode(status))
"""


@pytest.fixture
def case(xnat: XNAT, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Case:
    """A case of its own, and a login."""
    for name, value in (("URL", xnat.url), ("USER", "admin"), ("PASS", "admin")):
        monkeypatch.setenv(f"XNAT_{name}", value)
    (tmp_path / "case").mkdir()
    return Case(xnat, xnat.url, tmp_path / "case", 1)


def process(words: Sequence[str], **options: object) -> subprocess.CompletedProcess[str]:
    """Run a command line to its end."""
    return subprocess.run(  # type: ignore[call-overload,no-any-return]
        [str(word) for word in words], capture_output=True, text=True, timeout=120, **options
    )


def command(name: str, case: Case) -> list[str]:
    """The command of a scenario as a process of its own."""
    words, _ = LOADING[name].furnish(case)
    return [LOADING[name].module.replace("_", "-"), *words]


def succeeds(name: str, case: Case, answer: subprocess.CompletedProcess[str]) -> None:
    """It ended well, and what was asked for is there."""
    case.printed = answer.stdout
    assert answer.returncode == 0, answer.stderr
    assert LOADING[name].right(case)


@pytest.mark.parametrize("name", TWO_TOOLS)
def test_64_descriptors_are_enough(case: Case, name: str) -> None:
    words = [word if word != "1" else "8" for word in command(name, case)]
    succeeds(name, case, process(["bash", "-c", 'ulimit -n 64; exec "$@"', "-", *words]))


@pytest.mark.parametrize("name", TWO_TOOLS)
@pytest.mark.parametrize("home", ["/proc/nowhere", None])
def test_without_a_home_that_can_be_written_work_goes_on(
    case: Case, name: str, home: str | None
) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("XDG_")}
    environment["HOME"] = home or ""
    if home is None:
        del environment["HOME"]
    succeeds(name, case, process(command(name, case), env=environment))


@pytest.mark.parametrize("years", [-3, 3])
@pytest.mark.parametrize("name", TWO_TOOLS)
def test_a_clock_that_jumps_harms_nothing(
    case: Case, name: str, years: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The login of before is in the cache, and what was sent or fetched is noted with its time."""
    words = command(name, case)
    succeeds(name, case, process(words))
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + years * 365 * 86400)
    assert LOADING[name].main(words[1:]) == 0
    assert LOADING[name].right(case) or name == "list scans"


def test_a_full_disk_is_told_and_the_same_command_goes_on_when_there_is_room(case: Case) -> None:
    words = command("download", case)
    script = """
        mount -t tmpfs -o size=64k tmpfs "$0" || exit 99
        "$@"; first=$?
        mount -o remount,size=16m "$0"
        "$@" || exit 98
        cp -a "$0" "$0.kept"
        exit $first
    """
    case.out.mkdir()
    answer = process(["unshare", "-rm", "bash", "-c", script, str(case.out), *words])
    if answer.returncode == 99 or "unshare" in answer.stderr:
        pytest.skip("mounting is not allowed here")
    assert answer.returncode == 1, answer.stderr
    assert "No space left on device" in answer.stderr
    assert "Traceback" not in answer.stderr
    shutil.rmtree(case.out)
    Path(f"{case.out}.kept").rename(case.out)
    assert LOADING["download"].right(case)


@pytest.mark.parametrize("name", ["upload", "upload gradual", "download", "upload resource"])
def test_two_at_once_and_one_after_them_come_to_the_same_as_one(case: Case, name: str) -> None:
    words = command(name, case)
    both = [
        subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for one in both:
        _, err = one.communicate(timeout=120)
        assert one.returncode == 0 or err.strip()
        assert "Traceback" not in err
    assert 0 in [one.returncode for one in both]
    succeeds(name, case, process(words))


def test_a_million_records_pass_in_the_memory_of_a_few(case: Case, tmp_path: Path) -> None:
    """Failed ones, that every tool hands on."""
    error = {"type": "NetworkError", "message": "gone", "exit_status": 4}

    def passed(count: int) -> int:
        lines, out = tmp_path / "lines", tmp_path / "passed"
        with lines.open("w") as file:
            for number in range(count):
                record = {"kind": "session", "server": case.url, "id": f"XNAT_E{number:07}"}
                file.write(json.dumps({**record, "outcome": "failed", "error": error}) + "\n")
        with lines.open() as source, out.open("w") as target:
            answer = subprocess.run(
                [
                    sys.executable,
                    "-I",
                    "-S",
                    "-c",
                    _RUN_AND_TELL,
                    str(SCRIPTS / "xnat-ls"),
                    "scans",
                ],
                stdin=source,
                stdout=target,
                stderr=subprocess.PIPE,
                text=True,
                timeout=280,
            )
        assert answer.returncode == 4, answer.stderr
        with out.open() as file:
            assert sum(1 for _ in file) == count
        return int(answer.stderr.rpartition("\n")[2].strip().split()[-1])

    few = passed(1000)
    assert passed(1_000_000) < few + 4096  # KiB
