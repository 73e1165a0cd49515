"""What holds for every executable, and for every verb of it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.workspace import EXECUTABLES, ROOT, VERBS, Executable
from xnatctl.complete import verbs_in

EACH = pytest.mark.parametrize("tool", EXECUTABLES, ids=lambda tool: tool.name)
EACH_VERB = pytest.mark.parametrize(
    ("tool", "verb"), VERBS, ids=[f"{tool.name} {verb}" for tool, verb in VERBS]
)
LIBRARIES = "docopt filelock pydicom pynetdicom requests rich urllib3 werkzeug yaml"
HEAVY = set(LIBRARIES.split())
Ran = subprocess.CompletedProcess[str]


def ran(tool: Executable, *words: str, stdout: int = subprocess.PIPE) -> Ran:
    """Run the installed executable with nothing on standard input."""
    return subprocess.run(
        [tool.path, *words],
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
    )


def assert_one_line(tool: Executable, err: str) -> None:
    """The tool said one thing, by its name."""
    assert re.fullmatch(rf"{tool.name}: [^\n]+\n", err), err


@EACH
@pytest.mark.parametrize("word", ["--help", "-h"])
def test_help_goes_to_standard_output(tool: Executable, word: str) -> None:
    shown = ran(tool, word)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert re.search(rf"^Usage:\n  {tool.name} ", shown.stdout, re.M)
    assert max(map(len, shown.stdout.splitlines())) <= 100


@EACH
def test_version_is_name_and_version(tool: Executable) -> None:
    shown = ran(tool, "--version")
    assert shown.stderr == ""
    assert re.fullmatch(rf"{tool.name} \d+\.\d+\.\d+\n", shown.stdout)


@EACH
@pytest.mark.parametrize("words", [["--no-such-option"], ["--hel"], ["--versio"], ["-Z"], []])
def test_wrong_usage_is_one_line(tool: Executable, words: list[str]) -> None:
    shown = ran(tool, *words)
    assert (shown.returncode, shown.stdout) == (2, "")
    assert_one_line(tool, shown.stderr)


@EACH
def test_an_unknown_command_is_one_line(tool: Executable) -> None:
    shown = ran(tool, "no-such-command")
    assert shown.returncode == (127 if tool.name == "xnatctl" else 2)
    assert shown.stdout == ""
    assert_one_line(tool, shown.stderr)


@EACH
def test_a_reader_that_has_gone_is_no_crash(tool: Executable) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        shown = ran(tool, "--help", stdout=writing)
    finally:
        os.close(writing)
    assert (shown.returncode, shown.stderr) == (141, "")


@EACH
def test_a_full_disk_is_a_failure(tool: Executable) -> None:
    with Path("/dev/full").open("w") as full:
        shown = ran(tool, "--help", stdout=full.fileno())
    assert shown.returncode == 1
    assert_one_line(tool, shown.stderr)


@EACH
@pytest.mark.parametrize(
    ("closed", "status"), [("<&-", 0), ("2>&-", 0), (">&-", 1), ("<&- >&- 2>&-", 1)]
)
def test_closed_streams_are_no_crash(tool: Executable, closed: str, status: int) -> None:
    shown = subprocess.run(
        ["sh", "-c", f'exec "$0" --help {closed}', tool.path], capture_output=True, text=True
    )
    assert shown.returncode == status
    assert shown.stderr.count("\n") == (closed == ">&-")


@EACH
def test_a_reference_page_exists(tool: Executable) -> None:
    page = (ROOT / f"docs/reference/{tool.name}.md").read_text()
    assert page.startswith(f"# {tool.name}\n")
    for verb in tool.commands:
        assert f"## {tool.name} {verb}\n" in page


@EACH
def test_the_manual_names_every_verb(tool: Executable) -> None:
    assert set(tool.commands) <= set(verbs_in(tool.name, ran(tool, "--help").stdout))


def probed(tool: Executable, *words: str) -> dict[str, Any]:
    """Run the entry point in an interpreter of its own and ask what it imported."""
    program = (
        "import io, json, sys; out, err = sys.stdout, sys.stderr\n"
        "sys.stdout, sys.stderr = io.StringIO(), io.StringIO()\n"
        f"from {tool.module} import main; status = main({list(words)!r})\n"
        "json.dump({'status': status, 'out': sys.stdout.getvalue(), 'err': sys.stderr.getvalue(), "
        "'modules': [*sys.modules]}, out)"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    assert shown.returncode == 0, shown.stderr
    found: dict[str, Any] = json.loads(shown.stdout)
    return found


def heavy(found: dict[str, Any]) -> set[str]:
    """The imports that only work may cost."""
    return HEAVY & set(found["modules"])


@EACH
@pytest.mark.parametrize("word", ["--help", "--version", "--no-such-option"])
def test_the_tool_speaks_for_itself_without_heavy_imports(tool: Executable, word: str) -> None:
    # A tool that works without a verb needs the parser to refuse an option.
    assert heavy(probed(tool, word)) <= ({"docopt"} if word == "--no-such-option" else set())


@EACH_VERB
def test_help_on_a_verb(tool: Executable, verb: str) -> None:
    found = probed(tool, *verb.split(), "--help")
    assert (found["status"], found["err"], heavy(found)) == (0, "", set())
    assert re.search(rf"^Usage:\n  {tool.name} {verb}( |$)", found["out"], re.M)
    assert max(map(len, found["out"].splitlines())) <= 100


@EACH_VERB
@pytest.mark.parametrize("option", ["--no-such-option", "--hel", "--outpu=json"])
def test_a_verb_refuses_what_it_does_not_know(tool: Executable, verb: str, option: str) -> None:
    found = probed(tool, *verb.split(), option)
    assert (found["status"], found["out"]) == (2, "")
    assert_one_line(tool, found["err"])
    # The parser is needed to tell a wrong option from a right one; nothing else is.
    assert heavy(found) <= {"docopt"}


@pytest.mark.parametrize(
    ("words", "choices"),
    [
        ("session upload --mode", "tar zip gradual"),
        ("session upload --overwrite", "none append delete"),
        ("session upload --transport", "rest cstore"),
        ("session create --modality", "MR PET CT EEG"),
        ("subject create --gender", "male female other unknown"),
        ("project create --accessibility", "private protected public"),
        ("admin user remove --role", "owner member collaborator"),
        ("admin prearchive-setting --set", "manual auto-archive auto-archive-overwrite"),
    ],
)
def test_the_values_that_an_option_takes_are_completed(words: str, choices: str) -> None:
    xnatctl = next(tool for tool in EXECUTABLES if tool.name == "xnatctl")
    answer = ran(xnatctl, "__complete", "xnatctl", *words.split(), "")
    assert answer.stdout.split() == choices.split()
