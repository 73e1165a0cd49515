"""How records are printed: as lines, as an array, as a table, sorted and limited."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest

from support.feeding import feed
from support.toy import COMMANDS, main
from xnat_core.run import run
from xnat_core.writers import Table


def test_where_never_hides_a_failure(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["say", "--where", "id=b", "a", "b", "missing"]) == 5
    out = capfdbinary.readouterr().out
    assert [json.loads(line)["id"] for line in out.splitlines()] == ["b", "missing"]


def test_quiet_prints_identifiers_and_no_failure(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["say", "-q", "a", "missing", "b"]) == 5
    assert capfdbinary.readouterr().out == b"a\nb\n"


def test_json_is_one_array_even_of_nothing(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    main(["say", "-o", "json", "a", "b"])
    assert [r["id"] for r in json.loads(capfdbinary.readouterr().out)] == ["a", "b"]
    main(["say", "-o", "json"])
    assert json.loads(capfdbinary.readouterr().out) == []


def test_a_table_has_headings_and_cannot_drive_the_terminal(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    main(["say", "-o", "table", "a\x1b[31m\tb\nc", "\u202egnp.exe", "[bold]é"])
    lines = capfdbinary.readouterr().out.decode().splitlines()
    assert [line.split("  ")[0] for line in lines] == [
        "ID",
        "a\\x1b[31m\\tb\\nc",
        "\\u202egnp.exe",
        "[bold]é",
    ]


@pytest.mark.parametrize("output", ["table", "tsv", "json", "ndjson"])
def test_a_list_with_what_is_no_unicode_is_printed(
    output: str, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert main(["say", "-o", output, "--columns=tags", "--tag=ü\udcff", "--tag=b", "a"]) == 0
    out, err = capfdbinary.readouterr()
    assert err == b""
    assert "ü".encode() in out


def test_tsv_keeps_its_shape_whatever_the_text(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    main(["say", "-o", "tsv", "--columns=id", "a\tb\nc"])
    assert capfdbinary.readouterr().out == b"id\na\\tb\\nc\n"


def test_sorting_is_natural_and_the_limit_comes_after_it(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    main(["say", "-q", "--sort-by=id", "s10", "s2", "s1"])
    assert capfdbinary.readouterr().out == b"s1\ns2\ns10\n"
    main(["say", "-q", "--sort-by=id:desc", "--limit=1", "s2", "s10"])
    assert capfdbinary.readouterr().out == b"s10\n"


def test_a_limit_of_zero_is_zero_and_stops_the_work(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    assert main(["say", "-q", "--limit=0", "a", "stop"]) == 0
    assert capfdbinary.readouterr().out == b""


def test_the_limit_of_a_sorted_listing_cuts_no_failure(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    assert main(["say", "--sort-by=id", "--limit=1", "z", "a", "missing"]) == 5
    out = capfdbinary.readouterr().out
    assert [json.loads(line)["id"] for line in out.splitlines()] == ["a", "missing"]


def test_a_failure_of_which_nothing_is_known_is_no_row_of_a_table(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    feed(monkeypatch, "nonsense", {"kind": "word", "id": "w"})
    assert main(["say", "-o", "table", "--no-headers", "-"]) == 1
    assert [line.split() for line in capfdbinary.readouterr().out.splitlines()] == [[b"w", b"done"]]


@pytest.mark.parametrize("listing", [True, False])
def test_a_table_without_a_row_is_told_of(
    listing: bool, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    commands = {"say": replace(COMMANDS["say"], listing=listing)}
    assert run("toy", "1", None, commands, ["say", "-o", "table"]) == 0
    assert capfdbinary.readouterr() == (b"", b"toy: nothing found\n")
    assert run("toy", "1", None, commands, ["say"]) == 0
    assert capfdbinary.readouterr() == (b"", b"")


def test_a_misspelled_column_or_sort_key_is_named(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    told = b"toy: no record has 'tag'; did you mean tags?\n"
    assert main(["say", "-o", "tsv", "--columns", "id, tag", "a"]) == 0
    assert capfdbinary.readouterr() == (b"id\ttag\na\t\n", told)
    assert main(["say", "--sort-by", "tag:desc", "a"]) == 0
    assert capfdbinary.readouterr().err == told
    assert main(["say", "--sort-by", "tags:desc", "--columns", "id,tags", "a"]) == 0
    assert capfdbinary.readouterr().err == b""
    assert main(["say", "--columns", "tag", "missing"]) == 5
    assert b"no record has" not in capfdbinary.readouterr().err


def test_a_misspelled_key_is_named_when_nothing_passes(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    assert main(["say", "--where", "tag=x", "a"]) == 0
    assert capfdbinary.readouterr().err == b"toy: no record has 'tag'; did you mean tags?\n"
    assert main(["say", "--filter", "colour:x", "a"]) == 0
    assert capfdbinary.readouterr().err == b"toy: no record has 'colour': kind, id, tags\n"
    assert main(["say", "--where", "id=x", "--where", "tag!=x", "a", "x"]) == 0
    assert main(["say", "--where", "id=x", "a"]) == 0
    assert capfdbinary.readouterr().err == b""


def test_a_table_that_grows_has_room_for_names_that_come_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def drawn(columns: int) -> list[str]:
        monkeypatch.setattr("xnat_core.writers.terminal_width", lambda: columns)
        stream = io.BytesIO()
        table = Table(stream, ("label", "files"), headings=False, whole=False, bold=False)
        for label in ("1CT1", "SUB01_MR1"):
            table.write({"label": label, "files": 1})
        return stream.getvalue().decode().splitlines()

    assert [line.rindex("1") for line in drawn(80)] == [18, 18]
    assert drawn(20)[0] == "1CT1   1"


def test_a_record_that_has_only_a_kind_is_no_row() -> None:
    stream = io.BytesIO()
    table = Table(stream, ("kind", "label"), headings=False, whole=True, bold=False)
    table.write({"kind": "failure", "outcome": "failed"})
    table.write({"kind": "session", "label": "MR1"})
    table.close()
    assert stream.getvalue() == b"session  MR1\n"
