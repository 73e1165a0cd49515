"""What --overwrite allows and forbids."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from werkzeug.wrappers import Request, Response

from support.uploads import Sent, Uploader
from xnat_core.http import retries

HERE = ("-P", "P1", "-S", "S1", "-E", "E1")


def test_none_touches_no_session_that_is_archived(upload: Uploader) -> None:
    upload.xnat.has_session("P1", "S1", "E1", scans={"9": {"a.dcm": b"other"}})
    upload.series()
    ran = upload(upload.folder, *HERE, "--overwrite", "none")
    assert ran.status == 1
    assert upload.imports() == []
    assert "session 'E1' already exists in the archive of P1" in ran.err
    assert "--overwrite append" in ran.err


def test_none_touches_no_session_that_waits_in_the_prearchive(upload: Uploader) -> None:
    upload.series(series=1)
    upload(upload.folder, *HERE, "--prearchive")
    upload.series(series=2)
    before = len(upload.imports())
    ran = upload(upload.folder, *HERE, "--overwrite", "none")
    assert (ran.status, len(upload.imports())) == (1, before)
    assert "in the prearchive of P1" in ran.err


def test_none_makes_a_new_session(upload: Uploader) -> None:
    upload.series()
    ran = upload(upload.folder, *HERE, "--overwrite", "none")
    assert (ran.status, upload.count()) == (0, 3)
    assert not any("overwrite" in request.args for request in upload.imports())


def test_none_touches_no_session_that_somebody_made_after_a_run_that_brought_nothing(
    upload: Uploader,
) -> None:
    upload.series()
    upload.xnat.fails("POST", "/data/services/import", 500, times=4)
    words = (upload.folder, *HERE, "--overwrite", "none", "--workers", 1)
    assert upload(*words).status == 1
    upload.xnat.has_session("P1", "S1", "E1", scans={"9": {"a.dcm": b"other"}})
    before = len(upload.imports())
    ran = upload(*words)
    assert (ran.status, len(upload.imports())) == (1, before)
    assert "already exists in the archive" in ran.err


def test_none_has_nothing_to_say_where_everything_is_there_already(upload: Uploader) -> None:
    upload.series()
    upload(upload.folder, *HERE)
    ran = upload(upload.folder, *HERE, "--overwrite", "none")
    assert (ran.status, ran.record["outcome"]) == (0, "skipped")


def test_none_has_nothing_to_say_where_everything_waits_in_the_prearchive(
    upload: Uploader,
) -> None:
    upload.series()
    words = (upload.folder, *HERE, "--prearchive", "--overwrite", "none")
    assert upload(*words).status == 0
    before = len(upload.imports())
    ran = upload(*words)
    assert (ran.status, len(upload.imports())) == (0, before), ran.err
    assert ran.record["outcome"] == "skipped"


def test_append_adds_what_is_missing_and_replaces_nothing(upload: Uploader) -> None:
    sent = Sent(upload.xnat)
    upload.series(series=1)
    upload(upload.folder, *HERE)
    upload.series(series=2)
    assert upload(upload.folder, *HERE, "--overwrite", "append").status == 0
    assert upload.count() == 6
    assert len(sent.uids) == 6


def test_delete_sends_all_again_and_doubles_nothing(upload: Uploader) -> None:
    sent = Sent(upload.xnat)
    upload.series()
    upload(upload.folder, *HERE)
    ran = upload(upload.folder, *HERE, "--overwrite", "delete")
    assert ran.status == 0, ran.err
    assert (ran.record["files"], len(sent.uids), upload.count()) == (3, 6, 3)


def test_anonymization_on_receipt_is_said_and_is_no_failure(upload: Uploader) -> None:
    def blank(path: Path) -> bool:
        path.write_bytes(path.read_bytes().replace(b"SUB001", b"XXXXXX"))
        return True

    upload.xnat.settings.anonymize = blank
    script = '(0010,0010) := "XXXXXX"'
    headers = {"Content-Type": "text/plain"}
    upload.xnat.call("PUT", "/xapi/anonymize/site", data=script, headers=headers)
    upload.series()
    ran = upload(upload.folder, *HERE, "--verify")
    assert (ran.status, ran.record["verified"]) == (0, True), ran.err
    assert "changed all that could be compared (3 files" in ran.err
    again = upload(upload.folder, *HERE)
    assert again.record["outcome"] == "skipped"


def test_one_file_that_differs_is_a_warning_and_with_verify_a_failure(upload: Uploader) -> None:
    upload.series()
    upload(upload.folder, *HERE)
    session = upload.xnat.store.items.experiment_in("P1", "E1")
    assert session is not None
    (scan,) = upload.xnat.store.items.scans(session.id)
    name = next(iter(upload.archived()["1"]))
    upload.xnat.has_resource(scan, "DICOM", {name: b"damaged"})
    ran = upload(upload.folder, *HERE, "--verify")
    assert ran.status == 8
    assert "1 file has another MD5 on the server" in ran.err


@pytest.mark.parametrize("mode", ["tar", "zip", "gradual"])
@pytest.mark.parametrize("everything", [False, True])
def test_what_was_damaged_on_its_way_is_found_by_verify_and_sent_again(
    upload: Uploader, mode: str, everything: bool
) -> None:
    files = upload.series()
    whole = upload.xnat.settings.anonymize

    def spoil(path: Path) -> bool:
        if everything or path.read_bytes() == files[1].read_bytes():
            path.write_bytes(path.read_bytes()[:-4] + b"oops")
        return True

    upload.xnat.settings.anonymize = spoil
    words = (upload.folder, *HERE, "--mode", mode, "--verify")
    first = upload(*words)
    assert first.status == 8, first.err
    damaged = "3 files have" if everything else "1 file has"
    assert f"{damaged} another MD5 on the server than was sent" in first.err
    upload.xnat.settings.anonymize = whole
    ran = upload(*words)
    assert (ran.status, ran.record["verified"]) == (0, True), ran.err
    assert ran.record["files"] == (3 if everything else 1)
    assert set(upload.archived()["1"].values()) == {path.read_bytes() for path in files}


def test_what_arrived_altered_is_sent_again_by_delete(upload: Uploader) -> None:
    files = upload.series()
    whole = upload.xnat.settings.anonymize

    def spoil(path: Path) -> bool:
        if path.read_bytes() == files[1].read_bytes():
            path.write_bytes(path.read_bytes()[:-4] + b"oops")
        return True

    upload.xnat.settings.anonymize = spoil
    assert upload(upload.folder, *HERE, "--verify").status == 8
    upload.xnat.settings.anonymize = whole
    ran = upload(upload.folder, *HERE, "--verify", "--overwrite", "delete")
    assert (ran.status, ran.record["verified"]) == (0, True), ran.err
    assert set(upload.archived()["1"].values()) == {path.read_bytes() for path in files}


def test_what_could_not_be_replaced_is_no_success_although_it_is_listed(
    upload: Uploader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retries, "FIRST_PAUSE", 0.001)
    for series in (1, 2):
        upload.series(series=series)
    upload(upload.folder, *HERE)
    first = itertools.count()

    def only_one(request: Request) -> Response | None:
        if request.path != "/data/services/import" or next(first) == 0:
            return None
        return Response(status=503)

    upload.xnat.before(only_one)
    ran = upload(upload.folder, *HERE, "--overwrite", "delete", "--workers", "2")
    assert (ran.status, ran.record["outcome"]) == (4, "failed")
    assert "503" in ran.err
