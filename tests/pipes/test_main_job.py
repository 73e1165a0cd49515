"""The main job as people type it: real processes, real pipes."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from support.sandbox import XNAT
from xnat_sandbox.samples import write_series

Bash = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(autouse=True)
def connected(xnat: XNAT, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A project, a login, and a folder to work in."""
    xnat.has_project("P1")
    monkeypatch.setenv("XNAT_URL", xnat.url)
    monkeypatch.setenv("XNAT_USER", "admin")
    monkeypatch.setenv("XNAT_PASS", "admin")
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)


@pytest.fixture
def bash() -> Bash:
    """Run a line as a careful person would."""

    def run(line: str, pipefail: bool = True) -> subprocess.CompletedProcess[str]:
        options = ["-o", "pipefail"] if pipefail else []
        return subprocess.run(
            ["bash", *options, "-c", line], capture_output=True, text=True, timeout=120, check=False
        )

    return run


@pytest.fixture
def incoming() -> Path:
    """Three series of one study."""
    for series in (1, 2, 3):
        write_series(Path(f"incoming/{series}"), series=series, instances=5, study_uid="1.2.3")
    return Path("incoming")


def digests(folder: Path, pattern: str = "*.dcm") -> Counter[str]:
    return Counter(hashlib.md5(path.read_bytes()).hexdigest() for path in folder.rglob(pattern))


def test_what_xnat_ls_prints_is_downloaded(xnat: XNAT, bash: Bash) -> None:
    scans = {"1": {"a.dcm": b"a" * 1000, "sub/b.dcm": b"b" * 10}, "2-MR1": {"c.dcm": b""}}
    xnat.has_session("P1", "S1", "MR1", scans)
    xnat.has_session("P1", "S1", "MR2", {"1": {"a.dcm": b"x"}})
    ran = bash("xnat-ls sessions -P P1 | xnat-download --out D")
    assert ran.returncode == 0, ran.stderr
    assert len(ran.stdout.splitlines()) == 2
    arrived = {
        path.relative_to("D").as_posix(): path.read_bytes()
        for path in Path("D").rglob("files/**/*.dcm")
    }
    assert arrived == {
        "MR1/scans/1/resources/DICOM/files/a.dcm": b"a" * 1000,
        "MR1/scans/1/resources/DICOM/files/sub/b.dcm": b"b" * 10,
        "MR1/scans/2-MR1/resources/DICOM/files/c.dcm": b"",
        "MR2/scans/1/resources/DICOM/files/a.dcm": b"x",
    }


def outcomes(text: str) -> list[str]:
    return [json.loads(line)["outcome"] for line in text.splitlines()]


def test_what_goes_up_comes_down_byte_for_byte_and_only_once(bash: Bash, incoming: Path) -> None:
    up = bash("xnat-upload dicom incoming -P P1 -S S1 -E E1")
    assert (up.returncode, up.stderr, outcomes(up.stdout)) == (0, "", ["done"])
    line = "xnat-ls sessions -P P1 | xnat-download --out data"
    first, second = bash(line), bash(line)
    assert (outcomes(first.stdout), outcomes(second.stdout)) == (["done"], ["skipped"])
    assert digests(Path("data")) == digests(incoming)
    assert list(Path("data").rglob("*.part")) == []


def test_a_changed_and_a_cut_file_are_fetched_again_with_verify(bash: Bash, incoming: Path) -> None:
    bash("xnat-upload dicom incoming -P P1 -S S1 -E E1")
    bash("xnat-ls sessions -P P1 | xnat-download --out data")
    changed, cut, *_ = sorted(Path("data").rglob("*.dcm"))
    changed.write_bytes(b"x" * changed.stat().st_size)
    os.truncate(cut, 10)
    again = bash("xnat-ls sessions -P P1 | xnat-download --out data --verify")
    assert outcomes(again.stdout) == ["done"]
    assert digests(Path("data")) == digests(incoming)


def test_upload_wait_archive_and_list_are_one_line(bash: Bash, incoming: Path) -> None:
    answer = bash(
        "xnat-upload dicom incoming -P P1 -S S1 -E E1 --prearchive"
        " | xnat-prearchive wait | xnat-prearchive archive | xnat-ls scans -q"
    )
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.split() == ["1", "2", "3"]


def test_five_tools_that_start_together_make_one_login(bash: Bash, xnat: XNAT) -> None:
    xnat.has_session("P1", "S1", "E1", scans={"1": {"a.dcm": b"a"}})
    answer = bash(
        "xnat-ls projects | xnat-ls subjects - | xnat-ls sessions - | xnat-ls scans | xnat-ls files"
    )
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)["kind"] == "file"
    assert len(xnat.requests("POST", "/data/JSESSION")) == 1


def test_a_session_that_ends_in_the_middle_is_renewed_once(bash: Bash, xnat: XNAT) -> None:
    for number in range(20):
        xnat.has_session("P1", "S1", f"E{number}", scans={"1": {"a.dcm": b"a"}})
    asked: list[str] = []

    def end_it(request: Request) -> Response | None:
        asked.append(request.path)
        if request.path.endswith("/scans") and len([p for p in asked if "scans" in p]) == 8:
            xnat.expires_sessions()
        return None

    xnat.before(end_it)
    answer = bash("xnat-ls sessions -P P1 | xnat-ls scans -w 4 -q | wc -l")
    assert (answer.returncode, answer.stdout.strip()) == (0, "20"), answer.stderr
    assert len(xnat.requests("POST", "/data/JSESSION")) == 2


def test_without_credentials_an_ended_session_names_the_command_that_helps(
    bash: Bash, xnat: XNAT, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bash("xnat-auth login -q").returncode == 0
    monkeypatch.delenv("XNAT_USER")
    monkeypatch.delenv("XNAT_PASS")
    assert bash("xnat-ls projects -q").stdout == "P1\n"
    xnat.expires_sessions()
    answer = bash("xnat-ls projects")
    assert answer.returncode == 3
    assert "xnat-auth login" in answer.stderr
    assert answer.stderr.count("\n") == 1


def test_failures_travel_to_the_end_of_the_line_even_without_pipefail(
    bash: Bash, xnat: XNAT
) -> None:
    xnat.has_session("P1", "S1", "E1", scans={"1": {"a.dcm": b"a"}})
    answer = bash("xnat-ls sessions -P P1 NOPE E1 | xnat-download --out data", pipefail=False)
    assert answer.returncode == 5
    assert sorted(outcomes(answer.stdout)) == ["done", "failed"]


def test_a_tool_that_stops_is_no_empty_success_for_the_next(bash: Bash) -> None:
    answer = bash("xnat-ls sessions -P NOPE | xnat-download --out data", pipefail=False)
    assert answer.returncode == 5
    assert outcomes(answer.stdout) == ["failed"]


def test_a_dry_run_stays_dry_to_the_end_of_the_line(bash: Bash, incoming: Path, xnat: XNAT) -> None:
    answer = bash(
        "xnat-upload dicom incoming -P P1 -S S1 -E E1 --prearchive --dry-run"
        " | xnat-prearchive archive"
    )
    assert (answer.returncode, outcomes(answer.stdout)) == (0, ["planned"])
    assert xnat.requests("POST", "/data/services") == []


def test_a_record_of_another_server_is_refused_and_gets_no_password(
    bash: Bash, make_xnat: Callable[[], XNAT]
) -> None:
    other = make_xnat()
    record = json.dumps({"kind": "session", "server": other.url, "id": "XNAT_E00001"})
    answer = bash(f"echo '{record}' | xnat-download --out data --url $XNAT_URL")
    assert answer.returncode == 1
    assert other.url in answer.stderr
    hostile = bash(f"echo '{record}' | xnat-download --out data")
    assert hostile.returncode != 0
    assert hostile.stderr.count("\n") <= 2
    assert other.requests() == []


def test_a_reader_that_has_seen_enough_ends_everything_quietly(bash: Bash, xnat: XNAT) -> None:
    for number in range(300):
        xnat.has_subject("P1", f"S{number}")
    answer = bash("xnat-ls subjects -P P1 | head -n 1", pipefail=False)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.count("\n") == 1


@pytest.mark.parametrize("shown", ["-q", "-o table", "--where outcome=done"])
def test_a_shard_that_a_bound_has_left_is_not_done_whatever_its_output_shows(
    bash: Bash, xnat: XNAT, shown: str
) -> None:
    xnat.has_session("P1", "S1", "E1", scans={"1": {"a.dcm": b"a"}, "2": {"b.dcm": b"b"}})
    assert bash("xnat-ls scans -P P1 | xnat-shard plan plan -n 1").returncode == 0
    bounded = bash(f"xnat-shard run plan 0 -- xnat-download --out data --max-items 1 {shown}")
    assert bounded.returncode == 75
    assert bash("xnat-shard status plan --where state=done").stdout == ""
    assert bash(f"xnat-shard run plan 0 -- xnat-download --out data {shown}").returncode == 0
    assert len(digests(Path("data"))) == 2


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_within_a_second_while_the_server_hangs(
    xnat: XNAT, number: int, status: int
) -> None:
    xnat.has_session("P1", "S1", "E1", scans={"1": {"a.dcm": b"a"}})
    hanging: list[str] = []

    def hang(request: Request) -> Response | None:
        if "/files" in request.path:
            hanging.append(request.path)
            time.sleep(8)
        return None

    xnat.before(hang)
    process = subprocess.Popen(
        ["xnat-download", "session", "-E", "E1", "-P", "P1", "--out", "data"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    end = time.monotonic() + 20
    while not hanging and time.monotonic() < end:
        time.sleep(0.02)
    process.send_signal(number)
    begin = time.monotonic()
    _, err = process.communicate(timeout=10)
    assert process.returncode == status
    assert time.monotonic() - begin < 3  # a second, and the slowness of a busy machine
    assert "Traceback" not in err
    left = [path for path in Path("data").rglob("*") if path.is_file()]
    assert all(path.name.startswith(".") for path in left)


@pytest.mark.parametrize(
    ("line", "status", "said"),
    [
        ("xnat-ls sessions --no-such-option", 2, "unknown option --no-such-option"),
        ("xnat-ls sessions -p nope", 1, "profile 'nope' not found"),
        ("xnat-ls projects --url http://127.0.0.1:9", 4, "127.0.0.1:9"),
        ("XNAT_PASS=wrong xnat-ls projects", 3, "xnat-ls: http"),
        ("echo nonsense | xnat-download --out d", 1, "line 1 of standard input"),
        ('echo \'{"kind":"user"}\' | xnat-download --out d', 1, "not 'user'"),
        ("mkdir -p empty; xnat-upload dicom empty -P P1 -S S -E E", 1, "empty"),
        ("xnat-ls sessions -P NOPE", 5, "project 'NOPE' not found"),
    ],
)
def test_bad_input_is_one_clear_line_and_the_right_status(
    line: str, status: int, said: str, bash: Bash
) -> None:
    answer = bash(line)
    assert said in answer.stderr
    assert "Traceback" not in answer.stderr
    assert answer.returncode == status
    told = [text for text in answer.stderr.splitlines() if said in text]
    assert len(told) == 1


def test_a_login_page_instead_of_data_is_a_failure_that_says_so(bash: Bash, xnat: XNAT) -> None:
    page = "<html><head><title>XNAT Login</title></head><form><input name=password></form></html>"
    xnat.before(
        lambda request: (
            Response(page, content_type="text/html")
            if request.path.startswith("/data/projects")
            else None
        )
    )
    answer = bash("xnat-ls sessions -P P1")
    assert answer.returncode == 3
    assert answer.stderr.count("\n") == 1


def test_no_secret_is_written_anywhere(
    bash: Bash, incoming: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XNAT_PASS", "admin")
    answer: Any = bash("xnat-upload dicom incoming -P P1 -S S1 -E E1 -v | xnat-ls scans -v")
    written = answer.stdout + answer.stderr
    token = json.loads((tmp_path / "home/config/xnatctl/.session").read_text())["sessions"][0]
    assert token["token"] not in written
    assert "SUB001" not in answer.stderr  # a patient's name never reaches a log
    for path in (tmp_path / "home/state").rglob("*"):
        if path.is_file():
            assert token["token"].encode() not in path.read_bytes()


def test_a_password_comes_before_the_records(
    bash: Bash, xnat: XNAT, monkeypatch: pytest.MonkeyPatch
) -> None:
    xnat.has_subject("P1", "S1")
    bash("xnat-ls projects -o ndjson > projects; xnat-auth logout")
    monkeypatch.delenv("XNAT_PASS")
    done = bash("(echo admin; cat projects) | xnat-ls subjects - --password-stdin -o ndjson")
    assert (done.returncode, done.stderr) == (0, "")
    assert [json.loads(line)["label"] for line in done.stdout.splitlines()] == ["S1"]


@pytest.mark.parametrize(
    "line",
    [
        "xnat-dicom ls ~nobody-here/x",
        "xnat-dicom anonymize ~nobody-here/x ~nobody-here/y",
        "xnat-cstore send --dry-run --host 127.0.0.1 --called-aet XNAT ~nobody-here/x",
        "xnat-download resource R -P P1 --out ~nobody-here/x",
        "xnat-download check ~nobody-here/x",
        "xnat-download extract ~nobody-here/x",
        "xnat-upload dicom ~nobody-here/x -P P1",
        "xnat-shard status ~nobody-here/x",
        "xnat-transfer run -P P1 --dest-project P1 --config ~nobody-here/x",
    ],
)
def test_the_home_of_nobody_is_a_place_that_is_not_there(bash: Bash, line: str) -> None:
    done = bash(line.replace("~nobody-here", "'~nobody-here'") + " < /dev/null")
    assert done.returncode in (1, 2, 5)
    assert "defect" not in done.stderr
    assert not Path("~nobody-here").exists()
