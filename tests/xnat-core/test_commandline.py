"""What the command line accepts, and what it says about the rest."""

from __future__ import annotations

import re

import pytest

from support import toy
from xnat_core.commandline import COMMON_OPTIONS, SERVER_OPTIONS, Args, Command
from xnat_core.errors import UsageError
from xnat_core.parsing import VALUED_BEFORE_VERB, parse, split_verb

COMMAND = toy.COMMANDS["say"]


def words(*argv: str) -> Args:
    assert toy.__doc__
    return parse(COMMAND.manual(toy.__doc__), ["say", *argv], COMMAND)[0]


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--lood"], "unknown option --lood; did you mean --loud?"),
        (["--LOUD"], "unknown option --LOUD; did you mean --loud?"),
        (["--lou"], "unknown option --lou; did you mean --loud?"),
        (["-x"], "unknown option -x"),
        (["--ta"], "unknown option --ta; did you mean --tag?"),
        (["--to"], "unknown option --to"),
        (["--loud=1"], "--loud takes no value"),
        (["--number"], "--number needs a value"),
        (["-n", "1", "--number", "2"], "--number is given twice"),
    ],
)
def test_a_wrong_option_is_named(argv: list[str], message: str) -> None:
    with pytest.raises(UsageError) as error:
        words(*argv)
    assert error.value.message == message


def test_a_repeatable_option_keeps_every_value_in_order() -> None:
    assert words("-t", "b", "--tag=a", "-tc").texts("--tag") == ("b", "a", "c")


def test_the_same_value_or_switch_twice_is_no_mistake() -> None:
    args = words("--loud", "--loud", "-n1", "--number=1")
    assert args.flag("--loud")
    assert args.whole("--number") == 1


def test_a_value_may_begin_with_a_dash() -> None:
    assert words("--number", "-5").whole("--number") == -5


@pytest.mark.parametrize(
    "option",
    [
        *("--project", "--scan", "--username", "--url", "--label", "--for", "--check"),
        *("--study", "--modality", "--status", "--user", "--action", "--since", "--pattern"),
    ],
)
def test_a_variable_that_is_not_set_is_no_option_left_out(option: str) -> None:
    command = Command("a module")
    manual = command.manual(
        "\nUsage:\n  x [options] [<path>]...\n\nOptions:\n"
        "  --note=<text>  Note.\n"
        + ("" if option in ("--username", "--url") else f"  {option}=<text>  Name.\n")
    )
    for argv, name in (([option, ""], option), ([option + "="], option), (["a", ""], "<path>")):
        with pytest.raises(UsageError, match=f"^{name} may not be empty$"):
            parse(manual, argv, command)
    assert parse(manual, ["--note", ""], command)[0].text("--note") == ""


@pytest.mark.parametrize("argv", [["-P="], ["-P=", "a"], ["-P=", "--note", "b"]])
def test_a_variable_that_is_not_set_behind_a_letter_takes_no_other_word(argv: list[str]) -> None:
    manual = (
        "\nUsage:\n  x [options] [<path>]...\n\nOptions:\n"
        "  -P --project=<id>  Project.\n  --note=<text>  Note.\n"
    )
    command = Command("a module", server=False)
    with pytest.raises(UsageError, match=r"^--project may not be empty$"):
        parse(command.manual(manual), argv, command)


def test_an_empty_path_is_not_the_working_directory() -> None:
    with pytest.raises(UsageError, match=r"^--file may not be empty$"):
        Args({"--file": ""}).path("--file")


def test_words_after_two_dashes_are_no_options() -> None:
    assert "--loud" in words("--", "--loud").texts("<word>")


def test_an_old_spelling_works_beside_the_new_one_and_warns() -> None:
    assert toy.__doc__
    manual = COMMAND.manual(toy.__doc__)
    args, warnings = parse(manual, ["say", "--noisy", "--loud", "--mode=x", "--parallel"], COMMAND)
    assert args.flag("--loud")
    assert args.text("--style") == "x"
    assert warnings == [
        "--noisy is an old name for --loud",
        "--mode is an old name for --style",
        "--parallel has no effect any more",
    ]


def test_a_missing_argument_shows_the_usage_line() -> None:
    manual = "Do.\n\nUsage:\n  t do [options] <this> [<that>]\n\nOptions:\n  --x  An option.\n"
    command = Command("t", server=False)
    with pytest.raises(UsageError, match=r"an argument is missing: t do \[options\] <this>"):
        parse(command.manual(manual), ["do"], command)


@pytest.mark.parametrize("value", ["many", "1.5", ""])
def test_a_whole_number_is_checked(value: str) -> None:
    with pytest.raises(UsageError, match="--number"):
        words(f"--number={value}").whole("--number")


@pytest.mark.parametrize("option", ["--out", "--dir"])
def test_a_choice_names_the_option_that_it_is_mistaken_for(option: str) -> None:
    args = Args({"--output": "data", option: None})
    with pytest.raises(UsageError) as caught:
        args.choice("--output", ["json", "table"], like="--out")
    meant = "; or was --out meant?" if option == "--out" else ""
    assert caught.value.message == f"--output data: must be one of json, table{meant}"


def test_zero_is_a_number_and_not_nothing() -> None:
    assert words("--number=0").whole("--number", least=0) == 0


def test_an_unknown_name_is_a_defect_and_not_none() -> None:
    with pytest.raises(KeyError):
        words().text("--nmber")


def test_a_verb_of_two_words_wins_over_one() -> None:
    assert split_verb(["user", "add", "bob"], ["user", "user add"], frozenset()) == (
        "user add",
        ["bob"],
    )


def test_shared_options_may_stand_before_the_verb() -> None:
    verbs = ["sessions"]
    found = split_verb(["-p", "sessions", "-q", "sessions", "E1"], verbs, frozenset(["-p"]))
    assert found == ("sessions", ["--profile", "sessions", "-q", "E1"])


def test_every_shared_option_with_a_value_may_stand_there() -> None:
    shared = SERVER_OPTIONS + COMMON_OPTIONS
    lines = re.findall(r"^  (-[^=\n]*)=<", shared, re.MULTILINE)
    assert {name for line in lines for name in line.split()} == VALUED_BEFORE_VERB


def test_a_letter_that_a_verb_needs_is_no_longer_that_of_a_shared_option() -> None:
    doc = "Usage:\n  toy audit [options]\n\nOptions:\n  -u --user=<name>  Whose.\n"
    manual = Command("toy.audit").manual(doc)
    args, _ = parse(manual, ["audit", "-u", "bob", "--username", "alice"], Command("toy.audit"))
    assert (args.text("--user"), args.text("--username")) == ("bob", "alice")
    assert split_verb(["-u", "alice", "audit"], ["audit"], frozenset(["-u"])) == (
        "audit",
        ["--username", "alice"],
    )


def test_prose_that_begins_with_a_dash_is_no_option() -> None:
    manual = (
        "Do.\n\nUsage:\n  t do [options]\n\nUse\n--dry-run first.\n\nOptions:\n  --dry-run  Try.\n"
    )
    command = Command("t", server=False)
    assert parse(command.manual(manual), ["do", "--dry-run"], command)[0].flag("--dry-run")
