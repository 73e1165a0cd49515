"""Files into resources, at every level, and what the server really did with them."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from support.resources import Run, session_path, stored
from support.sandbox import XNAT


@pytest.mark.parametrize("left", [b"", b"f", b"firs"])
def test_the_beginning_of_a_file_that_a_broken_request_left_is_completed(
    run: Run, xnat: XNAT, left: bytes
) -> None:
    xnat.call("PUT", f"/data/{session_path(xnat)}/resources/R/files/a.txt?inbody=true", data=left)
    status, _, err = run("-P", "P1", "E1", "R", "files")
    assert (status, err) == (0, "")
    assert stored(xnat, session_path(xnat), "R") == {"a.txt": b"first", "sub/b.txt": b"second"}


@pytest.mark.parametrize("other", [b"xirs", b"first and more"])
def test_what_is_no_beginning_of_a_file_is_left_alone(run: Run, xnat: XNAT, other: bytes) -> None:
    where = f"/data/{session_path(xnat)}/resources/R/files/a.txt?inbody=true"
    xnat.call("PUT", where, data=other)
    assert run("-P", "P1", "E1", "R", "files")[0] == 1
    assert stored(xnat, session_path(xnat), "R") == {"a.txt": other}


def test_a_folder_keeps_its_paths_and_is_compared(run: Run, xnat: XNAT) -> None:
    status, records, err = run("-P", "P1", "E1", "R", "files")
    assert (status, err) == (0, "")
    assert [(r["outcome"], r["files"], r["bytes"], r["verified"]) for r in records] == [
        ("done", 2, 11, True)
    ]
    assert stored(xnat, session_path(xnat), "R") == {"a.txt": b"first", "sub/b.txt": b"second"}


def test_a_folder_that_cannot_be_read_is_not_left_out_in_silence(
    run: Run, xnat: XNAT, monkeypatch: pytest.MonkeyPatch
) -> None:
    scandir = os.scandir

    def refuse(folder: Any) -> Any:
        if Path(folder).name == "sub":
            raise PermissionError(errno.EACCES, "Permission denied", str(folder))
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    status, _, err = run("-P", "P1", "E1", "R", "files")
    assert status == 1
    assert "files/sub: Permission denied" in err
    assert xnat.requests("PUT") == []


def test_the_same_again_sends_nothing(run: Run, xnat: XNAT) -> None:
    run("-P", "P1", "E1", "R", "files")
    before = len(xnat.requests("PUT"))
    status, records, _ = run("-P", "P1", "E1", "R", "files")
    assert (status, records[0]["outcome"], records[0]["there"]) == (0, "skipped", 2)
    assert len(xnat.requests("PUT")) == before


def test_only_what_is_missing_is_sent(run: Run, xnat: XNAT) -> None:
    run("-P", "P1", "E1", "R", "files")
    Path("files/new.txt").write_bytes(b"new")
    _, records, _ = run("-P", "P1", "E1", "R", "files")
    assert (records[0]["files"], records[0]["bytes"]) == (1, 3)
    assert stored(xnat, session_path(xnat), "R")["new.txt"] == b"new"


def test_other_content_under_the_same_name_needs_overwrite(run: Run, xnat: XNAT) -> None:
    run("-P", "P1", "E1", "R", "files")
    Path("files/a.txt").write_bytes(b"other")
    status, records, err = run("-P", "P1", "E1", "R", "files")
    assert (status, records[0]["outcome"]) == (1, "failed")
    assert "file 'R/a.txt' already exists with other content; --overwrite" in err
    assert stored(xnat, session_path(xnat), "R")["a.txt"] == b"first"
    assert run("-P", "P1", "E1", "R", "files", "--overwrite")[0] == 0
    assert stored(xnat, session_path(xnat), "R")["a.txt"] == b"other"


def test_what_somebody_else_stores_meanwhile_is_not_replaced(run: Run, xnat: XNAT) -> None:
    session = xnat.store.items.experiment_in("P1", "E1")
    assert session is not None

    def overtake(request: Request) -> None:
        if request.method == "PUT" and request.path.endswith("/a.txt"):
            xnat.has_resource(session, "R", {"a.txt": b"other"})

    xnat.before(overtake)
    status, records, err = run("-P", "P1", "E1", "R", "files/a.txt")
    assert (status, records[0]["outcome"]) == (1, "failed")
    assert "file 'R/a.txt' already exists with other content" in err
    assert stored(xnat, session_path(xnat), "R") == {"a.txt": b"other"}


@pytest.mark.parametrize(
    "name", ["a b.txt", "ümlaut.txt", "a#b.txt", "100%.txt", "a&b.txt", "it's.txt", "+.txt"]
)
def test_names_that_the_server_would_mangle_survive(name: str, run: Run, xnat: XNAT) -> None:
    Path(name).write_bytes(b"x")
    assert run("-P", "P1", "E1", "R", name)[0] == 0
    rows = xnat.rows(f"/data/{session_path(xnat)}/resources/R/files?format=json")
    assert [row["URI"].split("/files/")[1] for row in rows] == [name]


@pytest.mark.parametrize(
    ("words", "owner"),
    [
        (["E1", "R", "--scan", "4"], "experiments/{session}/scans/4"),
        (["-", "R", "-S", "S1"], "projects/P1/subjects/S1"),
        (["-", "R"], "projects/P1"),
    ],
)
def test_resources_of_scans_subjects_and_projects(
    words: list[str], owner: str, run: Run, xnat: XNAT
) -> None:
    assert run("-P", "P1", *words, "files/a.txt")[0] == 0
    where = owner.replace("experiments/{session}", session_path(xnat))
    assert stored(xnat, where, "R") == {"a.txt": b"first"}


def test_records_name_many_resources(run: Run, xnat: XNAT) -> None:
    known = [
        {"kind": "upload", "project": "P1", "session": "E1", "resource": f"R{n}", "path": "files"}
        for n in range(3)
    ]
    status, records, _ = run(records=[*known, {"kind": "upload", "project": "P1", "mine": 1}])
    assert status != 0
    assert sorted(r["outcome"] for r in records) == ["done", "done", "done", "failed"]
    assert stored(xnat, session_path(xnat), "R2")["a.txt"] == b"first"


def test_records_of_one_resource_are_written_one_after_the_other(
    run: Run, xnat: XNAT, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {"kind": "upload", "project": "P1", "session": "E1", "resource": "R"}
    for number in range(4):
        (tmp_path / f"{number}.txt").write_text(f"file {number}")
    writing, most, respond = [], [0], xnat.app.respond

    def slowly(request: Request) -> Response:
        if request.method != "PUT":
            return respond(request)
        writing.append(request)
        most[0] = max(most[0], len(writing))
        time.sleep(0.05)
        response = respond(request)
        writing.remove(request)
        return response

    monkeypatch.setattr(xnat.app, "respond", slowly)
    status, records, err = run(records=[{**known, "path": f"{n}.txt"} for n in range(4)])
    assert (status, len(records), most) == (0, 4, [1]), err


@pytest.mark.parametrize(
    "lost",
    [{"session": ""}, {"session": None}, {"scan": "4"}, {"session": "E1", "scan": ""}],
)
def test_a_record_that_lost_its_session_or_scan_is_not_taken_for_one_of_its_parent(
    run: Run, xnat: XNAT, lost: dict[str, str | None]
) -> None:
    known = {"kind": "upload", "path": "files", "resource": "R", "project": "P1"}
    status, _, err = run(records=[{**known, **lost}])
    assert (status, xnat.requests("PUT")) == (1, [])
    assert "the record has" in err


def test_a_silent_200_without_permission_is_a_failure(
    run: Run, xnat: XNAT, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, password = xnat.has_user("carol", P1="collaborator")
    monkeypatch.setenv("XNAT_USER", user)
    monkeypatch.setenv("XNAT_PASS", password)
    status, records, err = run("-P", "P1", "E1", "R", "files/a.txt")
    assert (status, records[0]["outcome"]) == (1, "failed")
    assert "no permission" in err


@pytest.mark.parametrize("label", ["2024", "my notes", "a&b", "ä"])
def test_no_resource_is_made_with_a_label_that_the_server_reads_otherwise(
    run: Run, xnat: XNAT, label: str
) -> None:
    status, _, err = run("-P", "P1", "E1", label, "files")
    assert (status, xnat.requests("PUT")) == (2, [])
    assert "not only digits" in err


def test_one_that_is_there_is_asked_for_by_its_number(run: Run, xnat: XNAT) -> None:
    session = xnat.has_session("P1", "S1", "E1", resources={"my notes": {"x": b"x"}})
    (row,) = xnat.rows(f"/data/experiments/{session.id}/resources?format=json")
    number = row["xnat_abstractresource_id"]
    for word in ("my notes", number):
        assert run("-P", "P1", "E1", word, "files")[0] == 0
    assert sorted(xnat.files(session, "my notes")) == ["a.txt", "sub/b.txt", "x"]
    assert all(f"/resources/{number}/" in request.path for request in xnat.requests("PUT"))


def test_format_and_content_are_noted(run: Run, xnat: XNAT) -> None:
    run("-P", "P1", "E1", "R", "files/a.txt", "--format", "TXT", "--content", "NOTES")
    (row,) = xnat.rows(f"/data/{session_path(xnat)}/resources/R/files?format=json")
    assert (row["file_format"], row["file_content"]) == ("TXT", "NOTES")


def test_a_dry_run_says_what_would_go_and_sends_nothing(run: Run, xnat: XNAT) -> None:
    status, records, _ = run("-P", "P1", "E1", "R", "files", "--dry-run")
    assert (status, records[0]["outcome"], records[0]["files"]) == (0, "planned", 2)
    assert xnat.requests("PUT") == []


def test_two_files_of_one_name_are_refused_before_anything_is_sent(run: Run, xnat: XNAT) -> None:
    Path("other").mkdir()
    Path("other/a.txt").write_bytes(b"another")
    status, _, err = run("-P", "P1", "E1", "R", "files/a.txt", "other/a.txt")
    assert status == 1
    assert "would both become a.txt" in err
    assert xnat.requests("PUT") == []


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["E1", "R"], 2, "SESSION LABEL PATH are needed"),
        (["E1", "R", "nowhere"], 2, "nowhere: does not exist"),
        (["NOPE", "R", "files"], 5, "not found"),
        (["E1", "R", "files", "--scan", "99"], 5, "not found"),
        (["E1", "a/b", "files"], 2, "resource label"),
        (["E1", "R", "files", "-S", "S1"], 2, "for resources of subjects"),
    ],
)
def test_wrong_words_are_one_line(
    words: list[str], status: int, said: str, run: Run, xnat: XNAT
) -> None:
    found, _, err = run("-P", "P1", *words)
    assert (found, "Traceback" in err) == (status, False)
    assert said in err
    assert xnat.requests("PUT") == []


def test_a_catalog_that_is_busy_is_tried_again(run: Run, xnat: XNAT) -> None:
    xnat.fails("PUT", "/data/experiments", 500, times=1, body="catalog is locked")
    status, records, _ = run("-P", "P1", "E1", "R", "files")
    assert (status, records[0]["outcome"]) == (0, "done")


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("path", ["files", "files/a.txt"])
def test_a_listing_that_lags_is_waited_for(run: Run, xnat: XNAT, path: str) -> None:
    xnat.lags("/resources/NIFTI/files$", after="PUT /data/experiments")
    status, records, err = run("-P", "P1", "E1", "NIFTI", path)
    assert (status, err) == (0, "")
    assert records[0]["verified"] is True


@pytest.mark.usefixtures("patient")
def test_a_listing_that_still_shows_what_was_replaced_is_waited_for(run: Run, xnat: XNAT) -> None:
    run("-P", "P1", "E1", "NIFTI", "files/a.txt")
    old = xnat.call("GET", f"/data/{session_path(xnat)}/resources/NIFTI/files?format=json").content
    Path("files/a.txt").write_bytes(b"other")
    xnat.lags("/resources/NIFTI/files$", after="PUT /data/experiments", shows=old)
    assert run("-P", "P1", "E1", "NIFTI", "files/a.txt", "--overwrite")[0] == 0
