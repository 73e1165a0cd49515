"""The record protocol, line by line."""

from __future__ import annotations

import io
import os
import threading
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xnat_core.errors import ResourceNotFoundError, UsageError
from xnat_core.records import (
    LONGEST_LINE,
    RecordError,
    done,
    failed,
    failure_text,
    glob,
    parse_line,
    planned,
    read_lines,
    require_names,
    where,
)

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(st.lists(st.dictionaries(st.text(), values), max_size=5), st.integers(1, 40))
def test_records_survive_the_pipe(records: list[dict[str, Any]], block: int) -> None:
    stream = io.BytesIO(b"".join(orjson.dumps(record) + b"\n" for record in records))
    assert [parse_line(number, line) for number, line in read_lines(stream)] == records


def test_an_outcome_keeps_unknown_keys_and_replaces_the_old_outcome() -> None:
    record = {"kind": "scan", "mine": 1, "outcome": "skipped", "error": {}}
    assert done(record, files=2, bytes=None) == {
        "kind": "scan",
        "mine": 1,
        "files": 2,
        "outcome": "done",
    }
    assert planned(record)["outcome"] == "planned"


def test_a_failed_record_says_type_message_and_status() -> None:
    record = failed({"kind": "session", "id": "E1"}, ResourceNotFoundError("session", "E1"))
    assert record["error"] == {
        "type": "ResourceNotFoundError",
        "message": "session 'E1' not found",
        "exit_status": 5,
    }


@pytest.mark.parametrize("line", [b"nonsense", b"[1]", b"1", b"\xff\xfe", b'{"a":1'])
def test_a_line_that_is_no_object_is_named(line: bytes) -> None:
    with pytest.raises(RecordError, match="line 7 of standard input is not a JSON object"):
        parse_line(7, line)


def test_what_could_not_be_handed_on_is_refused_before_anything_is_done() -> None:
    line = b'{"kind":"session","id":"E1","x":' + b"[" * 300 + b"]" * 300 + b"}"
    with pytest.raises(RecordError, match="line 7 of standard input is nested too deeply"):
        parse_line(7, line)
    assert parse_line(7, b'{"x":"' + b"[" * 300 + b'"}') == {"x": "[" * 300}


def test_names_of_objects_are_texts() -> None:
    record = {"kind": "scan", "id": 4, "session_id": "E1", "label": None, "frames": 7, "mine": [1]}
    require_names(record)
    assert record == {**record, "id": "4", "frames": 7, "mine": [1]}
    project = {"kind": "project", "label": 7}
    require_names(project)
    assert project == {"kind": "project", "label": "7", "id": "7"}
    require_names({"kind": "word", "id": ["of", "no", "concern"]})


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"kind": "project"}, "a project without id or label"),
        ({"kind": "session", "id": None, "label": ""}, "a session without id or label"),
        ({"kind": "scan", "session_id": "E1"}, "a scan without id"),
        ({"kind": "resource", "session": "MR1"}, "a resource without label or uri"),
        ({"kind": "subject", "id": "S1", "project": {"a": 1}}, 'project is {"a":1}: must be a'),
        ({"kind": "session", "id": True}, "id is true: must be a text"),
    ],
)
def test_a_record_that_names_nothing_is_refused(record: dict[str, Any], message: str) -> None:
    with pytest.raises(RecordError, match=message):
        require_names(record)


def test_blank_lines_carriage_returns_and_a_byte_order_mark_are_no_matter() -> None:
    assert parse_line(1, b'\xef\xbb\xbf{"a":1}\r') == {"a": 1}
    assert parse_line(2, b"  \r") is None


def test_a_last_line_without_end_is_read() -> None:
    assert list(read_lines(io.BytesIO(b"a\nb"))) == [(1, b"a"), (2, b"b")]


def test_an_endless_line_is_refused_without_being_kept() -> None:
    stream = io.BytesIO(b"x" * (LONGEST_LINE + 2_000_000) + b'\n{"a":1}\n')
    lines = list(read_lines(stream))
    with pytest.raises(RecordError, match="longer than"):
        parse_line(*lines[0])
    assert lines[1] == (2, b'{"a":1}')


def test_a_line_is_given_before_the_next_has_come() -> None:
    reading, writing = os.pipe()
    got = threading.Event()

    def read() -> None:
        with os.fdopen(reading, "rb") as stream:
            for _ in read_lines(stream):
                got.set()

    thread = threading.Thread(target=read)
    thread.start()
    os.write(writing, b"{}\n")
    assert got.wait(5)
    os.close(writing)
    thread.join()


@pytest.mark.parametrize(
    ("condition", "passes"),
    [
        ("label=007", False),
        ("label=7", True),
        ("label!=7", False),
        ("frames=176", True),
        ("frames=176.0", True),
        ("frames<1000", True),
        ("size>1000", True),
        ("size<=999", False),
        ("size<2.5e4", True),
        ("shift<-1", True),
        *[(f"size{sign}20000", "=" in sign) for sign in ("<", "<=", ">", ">=", "=")],
        ("date>=2025-01-01", True),
        ("date<2025-01-01", False),
        ("date<2026-01-01", True),
        ("date>2026-01-01", False),
        *[(f"date{sign}2025-06-01", "=" in sign) for sign in ("<", "<=", ">", ">=", "=")],
        ("type~^T1", True),
        ("note=", True),
        ("note!=x", True),
        ("note<x", False),
        ("tags=b", True),
        ("tags!=b", False),
        ("shared=true", True),
        ("a.b=c=d", True),
        ("type = T1w", False),
        ("type==T1w", True),
        ("type==T2w", False),
        ("type~=T1w", False),
    ],
)
def test_where(condition: str, passes: bool) -> None:
    record = {
        "label": "7",
        "frames": 176,
        "size": "20000",
        "shift": -5,
        "date": "2025-06-01",
        "type": "T1w",
        "tags": ["a", "b"],
        "shared": True,
        "a.b": "c=d",
    }
    assert where(condition)(record) is passes


@pytest.mark.parametrize("condition", ["label", "=x", "type~(", ""])
def test_a_condition_that_cannot_be_read_is_a_usage_error(condition: str) -> None:
    with pytest.raises(UsageError, match="--where"):
        where(condition)


@given(st.text(min_size=1), st.text())
def test_where_equals_itself(key: str, value: str) -> None:
    if not any(c in key for c in "!<>=~") and not any(c.isspace() for c in key):
        assert where(f"{key}={value}")({key: value})


def test_a_filter_is_a_glob_on_the_whole_value() -> None:
    assert glob("label:SUB*")({"label": "SUB1"})
    assert not glob("label:SUB")({"label": "SUB1"})
    with pytest.raises(UsageError, match="KEY:GLOB"):
        glob("label=SUB*")


@pytest.mark.parametrize(
    ("path", "message", "told"),
    [
        ("S1", "upload: scan 2 holds 3 files", "upload S1: scan 2 holds 3 files"),
        ("./S1", "upload: S1: no files in it", "upload: S1: no files in it"),
        ("S1", "project 'P' not found", "upload S1: project 'P' not found"),
        (["S1", "a b"], "project 'P' not found", "upload S1, a b: project 'P' not found"),
        (True, "oh", "upload true: oh"),
    ],
)
def test_a_failure_names_what_failed_once(path: object, message: str, told: str) -> None:
    error = {"message": message}
    record = {"kind": "upload", "path": path, "outcome": "failed", "error": error}
    assert failure_text(record) == told
