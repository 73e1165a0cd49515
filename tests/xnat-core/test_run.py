"""How a tool speaks and ends, tried with a toy."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from support import toy_without_verb
from support.feeding import feed
from support.toy import COMMANDS, main
from xnat_core.run import Command, run

TESTS = Path(__file__).parents[1]


def test_records_are_lines_of_json_in_a_pipe(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["say", "a", "b"]) == 0
    out, err = capfdbinary.readouterr()
    assert out == b'{"kind":"word","id":"a","tags":[]}\n{"kind":"word","id":"b","tags":[]}\n'
    assert err == b""


def test_a_failure_does_not_stop_the_rest(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["say", "missing", "b"]) == 5
    out, err = capfdbinary.readouterr()
    assert [json.loads(line).get("outcome") for line in out.splitlines()] == ["failed", None]
    assert err.splitlines()[0] == b"toy: word 'missing' not found"


def test_failures_for_different_reasons_end_with_one() -> None:
    assert main(["say", "missing", "broken"]) == 1


def test_an_error_that_stops_ends_the_stream_with_a_failure(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    assert main(["say", "a", "stop", "b"]) == 5
    out, err = capfdbinary.readouterr()
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["kind"] for line in lines] == ["word", "failure"]
    assert lines[1]["error"]["exit_status"] == 5
    assert err == b"toy: word 'stop' not found\n"


@pytest.mark.parametrize("last", ["stop", "defect"])
def test_an_error_that_stops_a_sorted_listing_is_told_to_the_next_tool(
    last: str, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert main(["say", "--sort-by", "id", "b", "a", last]) != 0
    lines = [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]
    assert [line.get("id") for line in lines] == ["a", "b", None]
    assert lines[-1]["kind"] == "failure"


def test_a_defect_is_one_line_and_no_traceback(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["say", "a", "defect", "b"]) == 1
    out, err = capfdbinary.readouterr()
    assert err.startswith(b"toy: a defect in this tool: ZeroDivisionError: oh")
    assert err.count(b"\n") == 1
    assert [json.loads(line)["kind"] for line in out.splitlines()] == ["word", "failure"]


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], b"toy: a command is missing: say ('toy --help' explains)\n"),
        (["sai"], b"toy: unknown command 'sai'; did you mean say?: say\n"),
        (["--x"], b"toy: unknown option --x ('toy --help' explains)\n"),
        (["-q", "sai"], b"toy: unknown command 'sai'; did you mean say?: say\n"),
        (["-vo", "json", "--where=x", "sai"], b"toy: unknown command 'sai'; did you mean say?"),
        (["-qptest"], b"toy: a command is missing: say ('toy --help' explains)\n"),
        (["--reason", "say"], b"toy: a command is missing: say ('toy --help' explains)\n"),
        (["-q", "--x"], b"toy: unknown option --x ('toy --help' explains)\n"),
        (["-qx"], b"toy: unknown option -qx ('toy --help' explains)\n"),
        (["-n", "1", "say"], b"toy: unknown option -n before the command; options of one command "),
        (["say", "--x"], b"toy: unknown option --x ('toy say --help' explains)\n"),
        (["say", "-o", "xml", "a"], b"toy: --output xml: must be one of ndjson, json, table, tsv"),
    ],
)
def test_wrong_usage_is_one_line_and_status_two(
    argv: list[str], message: bytes, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert main(argv) == 2
    out, err = capfdbinary.readouterr()
    assert out == b""
    assert err.startswith(message)
    assert err.count(b"\n") == 1


def test_failed_and_planned_records_pass_unchanged_and_count(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    broken = {"kind": "other", "outcome": "failed", "error": {"exit_status": 8}, "x": [1]}
    plan = {"kind": "word", "id": "p", "outcome": "planned"}
    there = {"kind": "word", "id": "t", "dry_run": True, "outcome": "skipped"}
    feed(monkeypatch, broken, plan, there, {"kind": "word", "id": "w", "mine": 1})
    assert main(["say", "-"]) == 8
    out, err = capfdbinary.readouterr()
    records = [json.loads(line) for line in out.splitlines()]
    assert records[:3] == [broken, plan, there]
    assert records[3] == {"kind": "word", "id": "w", "mine": 1, "seen": True, "outcome": "done"}
    assert err.count(b"\n") == 1  # only the summary: the tool before has told of the failure


@pytest.mark.parametrize("status", [0, -1, 126, 500, "8", None, True])
def test_a_failed_record_is_a_failure_whatever_status_it_tells(
    monkeypatch: pytest.MonkeyPatch, status: object
) -> None:
    feed(monkeypatch, {"kind": "word", "outcome": "failed", "error": {"exit_status": status}})
    assert main(["say", "-"]) == 1


def test_bad_lines_and_other_kinds_are_failed_records_with_their_line(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    feed(monkeypatch, "nonsense", "", {"kind": "scan"}, {"kind": "word", "id": "w"})
    assert main(["say", "-"]) == 1
    records = [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]
    assert [(r.get("line"), r["outcome"]) for r in records] == [
        (1, "failed"),
        (3, "failed"),
        (None, "done"),
    ]


def test_help_and_version(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["say", "--help"]) == 0
    help_text = capfdbinary.readouterr().out
    assert b"--loud" in help_text
    assert b"--where=<test>" in help_text
    assert main(["--version"]) == main(["say", "--version"]) == 0
    assert capfdbinary.readouterr().out == b"toy 1.2.3\ntoy 1.2.3\n"


@pytest.mark.parametrize(
    ("words", "said"), [([], "hm"), (["--loud"], "HM"), (["--quiet", "say", "oh"], "oh")]
)
def test_a_tool_can_work_without_a_verb(
    words: list[str], said: str, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert toy_without_verb.main([*words, "--quiet"]) == 0
    assert capfdbinary.readouterr().out.decode() == f"{said}\n"


def test_without_a_verb_help_is_the_manual_and_wrong_words_are_named(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    assert toy_without_verb.main(["--help"]) == 0
    assert b"--loud    Loudly" in capfdbinary.readouterr().out
    assert toy_without_verb.main(["sya"]) == 2
    assert b"unknown command 'sya'; did you mean say?: say" in capfdbinary.readouterr().err
    assert toy_without_verb.main(["--lout"]) == 2
    assert b"did you mean --loud? ('toy --help' explains)" in capfdbinary.readouterr().err


def test_destroying_needs_yes_where_no_terminal_is(
    capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xnat_core.terminal.ask", lambda question, secret: None)
    assert main(["say", "confirm"]) == 2
    assert b"needs --yes" in capfdbinary.readouterr().err
    assert main(["say", "--yes", "confirm"]) == 0


@pytest.mark.parametrize(("answer", "status"), [("y", 0), ("YES", 0), ("", 7), ("no", 7)])
def test_only_yes_confirms(answer: str, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xnat_core.terminal.ask", lambda question, secret: answer)
    assert main(["say", "confirm"]) == status


def toy(*argv: str, **options: object) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    process: subprocess.Popen[bytes] = subprocess.Popen(
        [sys.executable, "-m", "support.toy", *argv],
        env=environment,
        stderr=subprocess.PIPE,
        **options,  # type: ignore[call-overload]
    )
    return process


def test_a_reader_that_goes_ends_quietly_with_141() -> None:
    process = toy("say", *["word"] * 20_000, stdout=subprocess.PIPE)
    assert process.stdout
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr
    assert (process.stderr.read(), process.wait()) == (b"", 141)


def test_a_full_disk_behind_standard_output_is_a_failure() -> None:
    with Path("/dev/full").open("wb") as full:
        process = toy("say", "a", stdout=full)
        _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (1, b"toy: standard output: No space left on device\n")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_while_waiting_for_input_ends_at_once(number: int, status: int) -> None:
    process = toy("say", "a", "-", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout
    process.stdout.readline()
    process.send_signal(number)
    _, err = process.communicate(timeout=5)
    assert process.returncode == status
    assert b"Traceback" not in err
    assert err.count(b"\n") == 1


@pytest.mark.parametrize(("words", "status"), [(["say", "hear"], 2), (["say", "-"], 0)])
def test_what_is_always_empty_is_no_input_unless_it_is_asked_for(
    words: list[str], status: int
) -> None:
    """Under cron a variable that is empty would be a success."""
    process = toy(*words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (status, b"")
    told = b"standard input is /dev/null, and no object is named" if status else b""
    assert told in err
    assert err.count(b"\n") == bool(status)


def test_wrong_words_that_the_work_finds_are_explained_by_the_help_of_the_command(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    assert main(["say", "confirm"]) == 2
    assert capfdbinary.readouterr().err.endswith(b"('toy say --help' explains)\n")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["tell"], "tell needs a command: loud, low"),
        (["tell", "lod"], "unknown command 'tell lod'; did you mean loud?: loud, low"),
    ],
)
def test_a_command_of_two_words_may_lack_the_second(
    argv: list[str], message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    commands = {"tell loud": Command("support.toy"), "tell low": Command("support.toy")}
    assert run("toy", "1", "Manual.", commands, argv) == 2
    assert capfd.readouterr().err == f"toy: {message}\n"
    assert run("toy", "1", "Manual.", commands, [argv[0], "--help"]) == 0
    assert capfd.readouterr().out == "Manual.\n"


def test_one_fact_needs_no_summary(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("xnat_core.console.Console.is_terminal", lambda self: True)
    feed(monkeypatch, {"kind": "word", "id": "w"})
    command = {"say": replace(COMMANDS["say"], layout="facts")}
    assert run("toy", "1", "", command, ["say", "-o", "table", "-"]) == 0
    assert capfd.readouterr().err == ""
