"""What TAB offers, asked of xnatctl and of the real shells."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

from xnatctl.aliases import TOOLS
from xnatctl.complete import complete, options
from xnatctl.completion import SHELLS, script
from xnatctl.dispatch import main

SCRIPTS = sysconfig.get_path("scripts")
MANUAL = """\
List things.

Usage:
  xnat-ls sessions [options] [<session>]...
  xnat-ls profile add [options] <name>

Commands:
  sessions     the sessions of projects
  profile add  a new profile
"""
SESSIONS = """\
List sessions.

Usage:
  xnat-ls sessions [options] [<session>]...

Options:
  -P --project=<id>      Project to list.
  --mode=<tar|zip>       How.
  --overwrite=<how>      none, append or delete: what happens
                         to what is there.
  -l --long              More facts.
  -o --output=<format>   ndjson, json, table or tsv (default: ndjson).
"""


@pytest.fixture
def speaking(toolbox: Path) -> Path:
    """A toolbox whose xnat-ls has usage texts."""
    (toolbox / "xnat-ls").write_text(
        f"#!/bin/sh\ncase \"$1\" in\nsessions) cat <<'EOF'\n{SESSIONS}EOF\n;;\n"
        f"*) cat <<'EOF'\n{MANUAL}EOF\n;;\nesac\n"
    )
    return toolbox


def offered(line: str) -> list[str]:
    """The candidates without their descriptions; the words are split at single spaces."""
    return [candidate.split("\t")[0] for candidate in complete(line.split(" ")).splitlines()]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_start_up_file_may_ask_by_the_variable(
    shell: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("_XNATCTL_COMPLETE", f"{shell}_source")
    assert main([]) == 0
    assert capfd.readouterr().out == script(shell)
    monkeypatch.setenv("_XNATCTL_COMPLETE", "tcsh_source")
    assert main([]) == 2
    monkeypatch.setenv("_XNATCTL_COMPLETE", f"{shell}_complete")
    assert main([]) == 2


@pytest.mark.usefixtures("speaking")
@pytest.mark.parametrize(
    ("line", "candidates"),
    [
        ("xnatctl pro", ["project"]),
        ("xnatctl project li", ["list"]),
        ("xnatctl local ", ["extract"]),
        ("xnatctl completion ", ["bash", "zsh", "fish"]),
        ("xnatctl help proj", ["project"]),
        ("xnatctl --prof", ["--profile"]),
        ("xnatctl -o ", ["ndjson", "json", "table", "tsv"]),
        ("xnatctl -q -o j", ["json"]),
        ("xnatctl ls ", ["sessions", "profile"]),
        ("xnatctl ls profile ", ["add"]),
        ("xnat-ls s", ["sessions"]),
        ("xnat-ls -p prod s", ["sessions"]),
        ("xnat-ls sessions --o", ["--overwrite", "--output"]),
        ("xnatctl session list --lo", ["--long"]),
        ("xnatctl -p prod session list --lo", ["--long"]),
        ("xnatctl -p session session list --lo", ["--long"]),
        ("xnat-ls sessions --mode ", ["tar", "zip"]),
        ("xnat-ls sessions --mode=z", ["--mode=zip"]),
        ("xnat-ls sessions --mode = z", ["zip"]),
        ("xnat-ls sessions --mode =", ["tar", "zip"]),
        ("xnat-ls sessions --overwrite ", ["none", "append", "delete"]),
        ("xnat-ls sessions -P ", []),
        ("xnat-ls sessions ", []),
        ("xnatctl nonsense ", []),
        ("/opt/bin/xnat-ls sess", ["sessions"]),
    ],
)
def test_what_can_follow(line: str, candidates: list[str]) -> None:
    assert offered(line) == candidates


@pytest.mark.usefixtures("speaking")
def test_a_candidate_comes_with_its_description() -> None:
    assert complete(["xnat-ls", "sessions", "--pro"]) == "--project\tProject to list.\n"
    assert complete(["xnat-ls", "sess"]) == "sessions\tthe sessions of projects\n"


def test_options_are_read_from_a_usage_text() -> None:
    known = {option.names: option for option in options(SESSIONS)}
    assert known["-P", "--project"].valued
    assert not known["-l", "--long"].valued
    assert known["--overwrite",].choices == ("none", "append", "delete")


def test_profile_names_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "xnatctl").mkdir()
    (tmp_path / "xnatctl/config.yaml").write_text(
        "profiles:\n  prod: {url: https://a.example}\n  test: {url: https://b.example}\n"
    )
    assert complete(["xnatctl", "-p", "pr"]) == "prod\thttps://a.example\n"
    assert offered("xnatctl --profile=") == ["--profile=prod", "--profile=test"]


def test_a_tool_of_the_site_is_not_started_to_complete_it(toolbox: Path, tmp_path: Path) -> None:
    started = tmp_path / "started"
    (toolbox / "xnat-nightly").write_text(f"#!/bin/sh\ntouch {started}\n")
    (toolbox / "xnat-nightly").chmod(0o755)
    assert offered("xnatctl ni") == ["nightly"]
    assert offered("xnatctl nightly --") == []
    assert not started.exists()


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_covers_every_tool(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    assert set(TOOLS) < set(capsys.readouterr().out.split())


def installed_shell(shell: str, home: Path) -> tuple[Path, dict[str, str]]:
    """The completion script in a file, and an environment; skips where there is no such shell."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    program = home / "completion"
    program.write_text(script(shell))
    path = f"{SCRIPTS}:/usr/bin:/bin"
    return program, {"PATH": path, "HOME": str(home), "LANG": "C.UTF-8", "TERM": "dumb"}


def asked(shell: str, line: str, home: Path) -> list[str]:
    """What the function that a shell calls offers behind `line`."""
    program, environment = installed_shell(shell, home)
    words = line.split(" ")
    ask = {
        "bash": f"source {program}; COMP_WORDS=({' '.join(map(repr, words))}); "
        f"COMP_CWORD={len(words) - 1}; _xnatctl; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        "fish": f"source {program}; complete -C {line!r}",
        "zsh": f"compdef() {{ }}; _describe() {{ print -rl -- ${{found%%:*}} }}; "
        f"_files() {{ print FILES }}; source {program}; "
        f"words=({' '.join(map(repr, words))}); CURRENT={len(words)}; _xnatctl",
    }[shell]
    ran = subprocess.run(
        [shell, *(["-f"] if shell == "zsh" else []), "-c", ask],
        capture_output=True,
        text=True,
        env=environment,
        cwd=home,
    )
    assert ran.stderr == ""
    return [candidate.split("\t")[0] for candidate in ran.stdout.splitlines()]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("line", "candidates"),
    [
        ("xnatctl subj", ["subject"]),
        ("xnatctl subject re", ["rename"]),
        ("xnatctl completion ", ["bash", "zsh", "fish"]),
        ("xnatctl --no-h", ["--no-headers"]),
        ("xnatctl -o t", ["table", "tsv"]),
    ],
)
def test_every_shell_is_told_the_same(
    shell: str, line: str, candidates: list[str], tmp_path: Path
) -> None:
    assert sorted(asked(shell, line, tmp_path)) == sorted(candidates)


INTERACTIVE = {
    "bash": (["--norc", "--noprofile", "-i"], "source {}\n"),
    "zsh": (["-f", "-i"], "autoload -Uz compinit; compinit -u -D; source {}\n"),
    "fish": (["--no-config", "-i"], "source {}\n"),
}


@pytest.mark.parametrize("shell", SHELLS)
def test_tab_completes_in_an_interactive_shell(shell: str, tmp_path: Path) -> None:
    program, environment = installed_shell(shell, tmp_path)
    arguments, preparation = INTERACTIVE[shell]
    terminal, theirs = pty.openpty()
    process = subprocess.Popen(
        ["setsid", "--ctty", shell, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
        cwd=tmp_path,
    )
    os.close(theirs)
    try:
        # The quotes are in what is typed and not in what is printed.
        typed(terminal, preparation.format(program) + "echo re''ady\n", until="ready")
        typed(terminal, "xnatctl health pi\t", until="health ping")
    finally:
        process.kill()
        process.wait()
        os.close(terminal)


def typed(terminal: int, keys: str, until: str) -> None:
    """Type `keys`, and read the screen until a text appears."""
    os.write(terminal, keys.encode())
    screen = ""
    while until not in screen:
        assert select.select([terminal], [], [], 20)[0], screen
        screen += os.read(terminal, 4096).decode(errors="replace")


@pytest.mark.parametrize("words", [[], ["xnatctl"], ["x"]])
def test_too_few_words_have_no_candidates(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["__complete", *words]) == 0
    assert capsys.readouterr().out == ""
