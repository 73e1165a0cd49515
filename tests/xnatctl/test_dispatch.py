"""Which tool a command means."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

from xnat_core.parsing import SWITCHES_BEFORE_VERB, VALUED_BEFORE_VERB
from xnatctl.aliases import ALIASES, ELSEWHERE, NOUNS, SWITCHES, TOOLS, VALUED
from xnatctl.dispatch import main

XNATCTL = str(Path(sysconfig.get_path("scripts")) / "xnatctl")
Capture = pytest.CaptureFixture[str]
Executed = Callable[..., str]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("config init --url http://x", "xnat-auth profile init --url http://x"),
        ("config add-profile new --url http://x", "xnat-auth profile add new --url http://x"),
        ("config current-context", "xnat-auth profile current --quiet"),
        ("auth login -u me", "xnat-auth login -u me"),
        ("whoami -o json", "xnat-auth whoami -o json"),
        ("health ping", "xnat-rest ping"),
        ("api get /data/projects --params a=b", "xnat-rest get /data/projects --params a=b"),
        ("project list", "xnat-ls projects"),
        ("project show P1", "xnat-ls projects --long P1"),
        ("project create P1 --name One", "xnat-edit create project P1 --name One"),
        ("project transfer -P A --dest-project B", "xnat-transfer run -P A --dest-project B"),
        ("project transfer-init -P A", "xnat-transfer init -P A"),
        ("subject rename -P A --mapping f", "xnat-edit rename subject -P A --mapping f"),
        ("session list -P A", "xnat-ls sessions -P A"),
        ("session show -E S", "xnat-ls sessions --long -E S"),
        ("session upload d -P A -S B -E C", "xnat-upload dicom d -P A -S B -E C"),
        ("session upload-exam d", "xnat-upload exam d"),
        ("session upload-dicom d --host h", "xnat-cstore send d --host h"),
        ("session download -E S --out o", "xnat-download session -E S --out o"),
        ("scan delete -E S -s 1,2", "xnat-edit delete scans -E S -s 1,2"),
        ("scan download -E S -s *", "xnat-download scans -E S -s *"),
        ("resource upload S NIFTI f", "xnat-upload resource S NIFTI f"),
        ("session set -P A note=x", "xnat-edit set --only session -P A note=x"),
        ("subject share -S S OPEN", "xnat-edit share --only subject -S S OPEN"),
        ("local extract d", "xnat-download extract d"),
        ("prearchive archive P T N", "xnat-prearchive archive P T N"),
        ("prearchive settings P --set manual", "xnat-admin prearchive-setting P --set manual"),
        ("-p prod prearchive settings P", "xnat-admin prearchive-setting -p prod P"),
        ("pipeline run x -e E", "xnat-pipeline run x -e E"),
        ("admin user add u", "xnat-admin user add u"),
        ("dicom inspect f", "xnat-dicom inspect f"),
        ("ls sessions", "xnat-ls sessions"),
        ("auth profile list", "xnat-auth profile list"),
        ("sandbox run -- sh -c true", "xnat-sandbox run -- sh -c true"),
    ],
)
def test_a_documented_command_runs_its_tool(typed: str, meant: str, executed: Executed) -> None:
    assert executed(*typed.split()) == meant


def test_every_row_of_the_table_names_a_known_tool_and_a_described_noun() -> None:
    for name, words in ALIASES.items():
        assert words.split()[0] in TOOLS
        assert " " not in name or name.split()[0] in NOUNS
    for name, words in ELSEWHERE.items():
        assert words.split()[0] in TOOLS
        assert f"xnat-{name.split()[0]}" in TOOLS


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("-p prod project list", "xnat-ls projects -p prod"),
        ("-pprod -qv project list -P A", "xnat-ls projects -pprod -qv -P A"),
        ("--profile=prod --quiet whoami", "xnat-auth whoami --profile=prod --quiet"),
        ("-o json session -q show -E S", "xnat-ls sessions --long -o json -q -E S"),
        ("-p prod ls scans", "xnat-ls -p prod scans"),
        ("-p -x project list", "xnat-ls projects -p -x"),
        ("project list --help", "xnat-ls projects --help"),
        ("ls --version", "xnat-ls --version"),
    ],
)
def test_options_before_the_command_are_handed_on(
    typed: str, meant: str, executed: Executed
) -> None:
    assert executed(*typed.split()) == meant


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("session upload d --transport cstore --host h", "xnat-cstore send d --host h"),
        ("session upload --transport=cstore d", "xnat-cstore send d"),
        ("session upload --transport rest d", "xnat-upload dicom d"),
        ("-p x session upload d --transport cstore", "xnat-cstore send -p x d"),
        ("session upload -- --transport", "xnat-upload dicom -- --transport"),
    ],
)
def test_the_transport_decides_between_two_tools(
    typed: str, meant: str, executed: Executed
) -> None:
    assert executed(*typed.split()) == meant


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("help project list", "xnat-ls projects --help"),
        ("help ls", "xnat-ls --help"),
        ("help ls sessions", "xnat-ls sessions --help"),
        ("help whoami", "xnat-auth whoami --help"),
        ("help prearchive", "xnat-prearchive --help"),
        ("help prearchive settings", "xnat-admin prearchive-setting --help"),
    ],
)
def test_help_on_a_command_is_the_help_of_its_tool(
    typed: str, meant: str, executed: Executed
) -> None:
    assert executed(*typed.split()) == meant


@pytest.mark.usefixtures("toolbox")
@pytest.mark.parametrize(
    ("typed", "status", "message"),
    [
        ("", 2, "no command given: 'xnatctl --help' lists them"),
        ("-p", 2, "-p needs a value"),
        ("-x", 2, "unknown option -x before the command; options of one command stand behind it"),
        (
            "--profil x whoami",
            2,
            "unknown option --profil before the command; did you mean --profile?"
            "; options of one command stand behind it",
        ),
        ("local", 2, "local needs a command: extract"),
        ("project lst", 2, "project has no command 'lst'; did you mean list?"),
        (
            "scan frobnicate",
            2,
            "scan has no command 'frobnicate'; there are list, show, delete, set, download",
        ),
        ("projct list", 127, "no command 'projct'; did you mean project?"),
        ("dowload", 127, "no command 'dowload'; did you mean download?"),
        ("login", 127, "no command 'login'; did you mean auth login?"),
        (
            "create",
            127,
            "no command 'create'; did you mean one of project create, subject create, "
            "session create, resource create?",
        ),
        ("upload-exam x", 127, "no command 'upload-exam'; did you mean session upload-exam?"),
        ("zzzz", 127, "no command 'zzzz'; 'xnatctl --help' lists what there is"),
        ("../ls", 127, "no command '../ls'; 'xnatctl --help' lists what there is"),
        ("tools now", 2, "tools: unexpected argument now"),
        ("completion", 2, "completion needs the name of a shell: bash, zsh, fish"),
        ("completion tcsh", 2, "completion needs the name of a shell: bash, zsh, fish"),
        ("session upload --transport ftp", 2, "--transport ftp: must be one of rest, cstore"),
        ("session upload --transport", 2, "--transport needs a value"),
    ],
)
def test_what_cannot_be_understood_is_one_line(
    typed: str, status: int, message: str, capsys: Capture
) -> None:
    assert main(typed.split()) == status
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"xnatctl: {message}\n")


def test_a_known_tool_that_is_missing_is_named_with_its_cure(
    toolbox: Path, capsys: Capture
) -> None:
    (toolbox / "xnat-edit").unlink()
    assert main(["subject", "delete", "S1"]) == 127
    assert capsys.readouterr().err == "xnatctl: xnat-edit is not installed: pip install xnat-edit\n"


def test_a_tool_that_cannot_be_executed_is_said_so(toolbox: Path, capsys: Capture) -> None:
    (toolbox / "xnat-ls").write_text("#!/no/such/interpreter\n")
    assert main(["project", "list"]) == 126
    path = toolbox / "xnat-ls"
    assert capsys.readouterr().err == f"xnatctl: {path}: No such file or directory\n"


def test_help_lists_nouns_tools_and_what_a_missing_tool_needs(
    toolbox: Path, capsys: Capture
) -> None:
    (toolbox / "xnat-shard").unlink()
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert "  subject   list, show, delete, rename, create, merge, share, unshare, set\n" in text
    assert "  ls          list anything in the hierarchy\n" in text
    assert "(pip install xnat-shard)" in text
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize("words", [["help", "health"], ["health", "--help"], ["health", "-h"]])
def test_help_on_a_noun_says_what_its_commands_stand_for(words: list[str], capsys: Capture) -> None:
    assert main(words) == 0
    assert capsys.readouterr().out == (
        "xnatctl health: is the server there\n\nEach command stands for a tool:\n"
        "  xnatctl health ping  xnat-rest ping\n\n"
        "'xnatctl health ping --help' shows what a command takes.\n"
    )


def as_process(*words: str, path: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PATH": f"{path}:/usr/bin:/bin"}
    return subprocess.run([XNATCTL, *words], capture_output=True, text=True, env=environment)


def test_a_tool_of_the_site_is_found_on_the_path(tmp_path: Path) -> None:
    tool = tmp_path / "xnat-nightly"
    tool.write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\nexit 9\n")
    tool.chmod(0o755)
    ran = as_process("nightly", "a b", "--where", "x", path=tmp_path)
    assert (ran.returncode, ran.stdout, ran.stderr) == (9, "a b\n--where\nx\n", "")
    listed = as_process("tools", path=tmp_path).stdout.splitlines()
    assert any(line.split() == ["xnat-nightly", "-", str(tool)] for line in listed)


def test_a_signal_that_ends_the_tool_is_seen_by_the_caller(tmp_path: Path) -> None:
    tool = tmp_path / "xnat-dying"
    tool.write_text("#!/bin/sh\nkill -TERM $$\n")
    tool.chmod(0o755)
    assert as_process("dying", path=tmp_path).returncode == -signal.SIGTERM


def test_the_tool_beside_xnatctl_wins_over_the_path(tmp_path: Path) -> None:
    beside = tmp_path / "beside"
    beside.mkdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for folder in (beside, elsewhere):
        (folder / "xnat-which").write_text(f"#!/bin/sh\necho {folder.name}\n")
        (folder / "xnat-which").chmod(0o755)
    (beside / "xnatctl").write_text(
        f"#!{sys.executable}\nfrom xnatctl.dispatch import main\nraise SystemExit(main())\n"
    )
    (beside / "xnatctl").chmod(0o755)
    (elsewhere / "xnatctl").symlink_to(beside / "xnatctl")
    ran = subprocess.run(
        [beside / "xnatctl", "which"], capture_output=True, text=True, env={"PATH": str(elsewhere)}
    )
    assert ran.stdout == "beside\n"
    (elsewhere / "xnat-which").unlink()
    linked = subprocess.run([elsewhere / "xnatctl", "which"], capture_output=True, text=True)
    assert linked.stdout == "beside\n"


def test_the_way_to_a_tool_imports_next_to_nothing() -> None:
    program = (
        "import sys; before = set(sys.modules); from xnatctl import dispatch\n"
        "dispatch.command([], ['project', 'list']); dispatch.find('xnat-ls')\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert shown.stdout.split() == [
        "__future__",
        "xnatctl",
        "xnatctl.aliases",
        "xnatctl.dispatch",
        "xnatctl.find",
    ]


def test_the_options_before_a_command_are_those_that_tools_take_there() -> None:
    assert VALUED == VALUED_BEFORE_VERB
    assert SWITCHES == SWITCHES_BEFORE_VERB
