"""Records of local DICOM files on standard input."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from support.uploads import Ran, Uploader

Send = Callable[..., Ran]


@pytest.fixture
def send(upload: Uploader, monkeypatch: pytest.MonkeyPatch) -> Send:
    def run(records: list[dict[str, object]], *words: object) -> Ran:
        lines = "".join(json.dumps(record) + "\n" for record in records)
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(lines.encode())))
        return upload("-P", "P1", *words)

    return run


def dicom(path: Path) -> dict[str, object]:
    return {"kind": "dicom", "path": str(path)}


def test_records_of_dicom_files_become_one_session_of_just_these(
    upload: Uploader, send: Send
) -> None:
    paths = upload.series(series=1, instances=3) + upload.series(series=2, instances=2)
    ran = send([dicom(path) for path in paths[1:4]], "-S", "S1", "-E", "E1")
    assert (ran.status, ran.record["files"], upload.count()) == (0, 3, 3)


def test_a_record_without_a_path_is_not_the_working_directory(
    upload: Uploader, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path, *_) = upload.series()
    monkeypatch.chdir(path.parent)
    ran = send([{"kind": "upload", "subject": "S1"}, {"kind": "dicom"}])
    assert [record["outcome"] for record in ran.records] == ["failed", "failed"]
    assert "the record has no path" in ran.err
    assert upload.imports() == []


@pytest.mark.parametrize("path", [["/x"], 5, {"a": 1}, "a\0b"])
def test_a_record_with_something_else_for_a_path_fails_and_the_rest_goes_on(
    upload: Uploader, send: Send, path: object
) -> None:
    (file, *_) = upload.series()
    known = {"subject": "S1", "session": "E1"}
    ran = send(
        [
            {"kind": "upload", "path": path, **known},
            {"kind": "dicom", "path": path},
            {"kind": "upload", "path": str(file), **known},
        ]
    )
    assert [record["outcome"] for record in ran.records] == ["failed", "failed", "done"], ran.err
    assert ran.err.count("the record has no path") == 2


def test_the_home_of_a_user_that_does_not_exist_is_no_defect_and_the_rest_goes_on(
    upload: Uploader, send: Send
) -> None:
    (file, *_) = upload.series()
    known = {"kind": "upload", "subject": "S1", "session": "E1"}
    ran = send([{**known, "path": "~nobody-of-that-name/x"}, {**known, "path": str(file)}])
    assert ("~nobody-of-that-name/x: No such file" in ran.err, upload.count()) == (True, 1)
