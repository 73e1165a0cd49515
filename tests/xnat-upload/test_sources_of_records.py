"""Where DICOM comes from when records on standard input name the sessions."""

from __future__ import annotations

import json
import os

import pytest

from support.uploads import Uploader
from xnat_sandbox.samples import write_series


def feed(monkeypatch: pytest.MonkeyPatch, *lines: object) -> None:
    read, write = os.pipe()
    with os.fdopen(write, "w") as pipe:
        for line in lines:
            pipe.write(line if isinstance(line, str) else json.dumps(line))
            pipe.write("\n")
    monkeypatch.setattr("sys.stdin", os.fdopen(read))


def test_a_manifest_uploads_many_sessions(
    upload: Uploader, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2, 3):
        write_series(upload.folder / f"in{number}", patient=f"PAT{number}", session=f"MR{number}")
    feed(
        monkeypatch,
        *(
            {
                "kind": "upload",
                "path": str(upload.folder / f"in{number}"),
                "project": "P1",
                "subject": f"S{number}",
                "session": f"E{number}",
                "batch": "2024-05",
            }
            for number in (1, 2)
        ),
        {"kind": "upload", "path": str(upload.folder / "in3"), "project": "P1"},
    )
    ran = upload()
    assert ran.status == 0, ran.err
    found = sorted((r["subject"], r["label"], r.get("batch")) for r in ran.records)
    assert found == [("PAT3", "MR3", None), ("S1", "E1", "2024-05"), ("S2", "E2", "2024-05")]


@pytest.mark.parametrize("way", ["--direct-archive", "--prearchive"])
def test_what_a_record_brings_does_not_hide_where_its_session_is(
    upload: Uploader, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    path = str(upload.series()[0].parent)
    known = {"kind": "upload", "path": path, "project": "P1", "subject": "S1", "session": "E1"}
    own = {"id": "case 17", "label": "17", "name": "Doe", "timestamp": "today", "batch": "b"}
    feed(monkeypatch, {**known, **own})
    record = upload("-", way).record
    assert (record["label"], record["batch"]) == ("E1", "b")
    if way == "--prearchive":
        (row,) = upload.staged()
        assert (record["timestamp"], record["name"]) == (row.timestamp, "E1")
        assert record["id"] == f"P1/{row.timestamp}/E1"
    else:
        assert record["id"] == record["uri"].rpartition("/")[2]


def orders_of_one_session(upload: Uploader, *subjects: str) -> list[dict[str, str]]:
    """Records of series 1, 2 … of one session, which takes the server a moment to archive."""
    upload.xnat.settings.archive_delay = 0.3
    known = {"kind": "upload", "project": "P1", "session": "E1"}
    return [
        {**known, "path": str(upload.series(series=number)[0].parent), "subject": subject}
        for number, subject in enumerate(subjects, 1)
    ]


@pytest.mark.parametrize("mode", ["tar", "gradual"])
def test_several_records_of_one_session_wait_for_each_other(
    upload: Uploader, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    feed(monkeypatch, *orders_of_one_session(upload, "S1", "S1", "S1"))
    ran = upload("-", "--mode", mode)
    assert (ran.status, [record["files"] for record in ran.records]) == (0, [3, 3, 3]), ran.err
    assert (upload.count(), upload.staged()) == (9, [])


@pytest.mark.parametrize("mode", ["tar", "gradual"])
def test_of_two_records_that_give_one_session_two_subjects_one_is_refused_before_it_is_sent(
    upload: Uploader, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    feed(monkeypatch, *orders_of_one_session(upload, "S1", "S2"))
    ran = upload("-", "--mode", mode)
    assert sorted(record["outcome"] for record in ran.records) == ["done", "failed"], ran.err
    assert "session 'E1' of project P1 is one of subject" in ran.err
    assert (upload.count(), upload.staged()) == (3, [])


def test_a_record_that_fails_does_not_stop_the_others(
    upload: Uploader, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload.series()
    feed(
        monkeypatch,
        {"kind": "upload", "path": "/no/such/folder", "project": "P1", "session": "E0"},
        {"kind": "upload", "path": str(upload.folder), "project": "NOPE", "session": "E9"},
        {"kind": "upload", "path": str(upload.folder), "project": "P1", "session": "a b"},
        "not json",
        {"kind": "upload", "project": "P1", "session": "E3"},
        {"kind": "scan", "id": "1"},
        {"kind": "upload", "path": "x", "outcome": "failed", "error": {"exit_status": 4}},
        {"kind": "upload", "path": str(upload.folder), "project": "P1", "session": "E1"},
    )
    ran = upload("-")
    assert ran.status == 1
    assert upload.count() == 3
    outcomes = [record.get("outcome") for record in ran.records]
    assert (outcomes.count("done"), outcomes.count("failed")) == (1, 8)
