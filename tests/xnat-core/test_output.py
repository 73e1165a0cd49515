"""The documented printing helpers."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from xnat_core.errors import ValidationError
from xnat_core.output import (
    OutputFormat,
    OutputFormatter,
    create_progress,
    create_spinner,
    print_error,
    print_json,
    print_key_value,
    print_output,
    print_table,
    print_warning,
)

ROWS: list[dict[str, Any]] = [
    {"id": "P1", "pi_name": None, "shared": True, "tags": ["a"]},
    {"id": "[bold]P2"},
]


def test_a_table_has_headings_and_plain_cells(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(ROWS, ["id", "pi_name", "shared", "tags"], column_labels={"tags": "Labels"})
    assert capsys.readouterr().out.splitlines() == [
        "ID        PI Name  Shared  Labels",
        'P1                 Yes     ["a"]',
        "[bold]P2",
    ]


def test_no_rows_are_a_notice_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([], ["id"])
    assert capsys.readouterr() == ("", "nothing to show\n")


def test_facts_show_a_dash_for_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    print_key_value({"id": "P1", "note": None}, title="Project", key_labels={"id": "Name"})
    assert capsys.readouterr().out == "Project\nName  P1\nNote  -\n"


def test_json_writes_what_it_does_not_know_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"day": date(2024, 4, 30)})
    out = capsys.readouterr().out
    assert out.startswith('{\n  "day"')
    assert json.loads(out) == {"day": "2024-04-30"}


@pytest.mark.parametrize(
    ("row", "shown"),
    [({"id": "1", "label": "x"}, "1\n"), ({"ID": "2"}, "2\n"), ({"name": "n"}, "n\n"), ({}, "")],
)
def test_quiet_prints_the_first_identifier_there_is(
    row: dict[str, str], shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    print_output([row], quiet=True)
    assert capsys.readouterr().out == shown


def test_an_object_and_a_list_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    print_output({"id": 1}, format=OutputFormat.JSON)
    print_output([{"id": 1}], format=OutputFormat.JSON)
    first, second = capsys.readouterr().out.split("}\n", 1)
    assert json.loads(first + "}") == {"id": 1}
    assert json.loads(second) == [{"id": 1}]


def test_messages_keep_secrets_and_the_terminal_safe(capsys: pytest.CaptureFixture[str]) -> None:
    print_error("https://x/?password=hunter2 \x1b[31m")
    print_warning("careful")
    out, err = capsys.readouterr()
    assert out == ""
    assert "hunter2" not in err
    assert "\x1b" not in err
    assert err.splitlines()[1] == "Warning: careful"


def test_the_formatter_knows_three_formats(capsys: pytest.CaptureFixture[str]) -> None:
    OutputFormatter(format="quiet").print_table(data=ROWS, columns=["id"])
    OutputFormatter(format="json").print_table(data=[{"id": "P1"}], columns=["id"])
    OutputFormatter().print_table(data=[{"id": "P1"}], columns=["id"])
    out = capsys.readouterr().out
    assert out.startswith("P1\n[bold]P2\n[")
    assert out.endswith("ID\nP1\n")


def test_an_unknown_format_is_named() -> None:
    assert OutputFormat.from_string(" JSON ") is OutputFormat.JSON
    with pytest.raises(ValidationError, match="'xml'"):
        OutputFormatter(format="xml")


def test_progress_is_silent_off_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    for create in (create_progress, create_spinner):
        with create() as progress:
            task = progress.add_task("work", total=2)
            progress.update(task, advance=1)
    assert capsys.readouterr() == ("", "")


def test_json_for_a_terminal_has_nothing_that_it_obeys(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"label": "\x9b31m\u202eab\ud800 \xe4"})
    out = capsys.readouterr().out
    assert out == '{\n  "label": "\\u009b31m\\u202eab\\ud800 \xe4"\n}\n'
    assert json.loads(out)["label"] == "\x9b31m\u202eab\ud800 \xe4"
