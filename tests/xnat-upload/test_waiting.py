"""What is waited for, what is not, and that waiting for nothing hides no failure."""

from __future__ import annotations

import pytest
from werkzeug.wrappers import Request, Response

from support.uploads import Uploader
from xnat_upload.headers import read_file

HERE = ("-P", "P1", "-S", "S1", "-E", "E1")


def test_a_wait_that_runs_out_is_no_failure_of_the_upload(upload: Uploader) -> None:
    upload.xnat.settings.archive_delay = 2
    upload.series()
    ran = upload(upload.folder, *HERE, "--wait", "0.5")
    assert ran.status == 1
    assert (ran.record["landed"], ran.record["files"]) == ("direct", 3)
    assert ran.record["uri"].startswith("/xapi/direct-archive/P1/")
    assert "everything was sent, but is not archived after 0.5 s" in ran.err
    before = len(upload.imports())
    again = upload(upload.folder, *HERE)
    assert (again.status, again.record["kind"]) == (0, "session")
    assert len(upload.imports()) == before


def test_waiting_for_nothing_is_done_when_all_is_sent(upload: Uploader) -> None:
    upload.xnat.settings.archive_delay = 1
    upload.series()
    ran = upload(upload.folder, *HERE, "--wait", "0")
    assert (ran.status, ran.record["outcome"], ran.record["landed"]) == (0, "done", "direct")


@pytest.mark.parametrize("mode", ["tar", "gradual"])
def test_waiting_for_nothing_can_be_repeated_while_it_is_archived(
    upload: Uploader, mode: str
) -> None:
    upload.xnat.settings.archive_delay = 3
    upload.series()
    words = (upload.folder, *HERE, "--wait", "0", "--mode", mode)
    upload(*words)
    again = upload(*words)
    assert (again.status, again.record["outcome"]) == (0, "skipped"), again.err
    upload.series(series=2)
    more = upload(*words)
    assert (more.status, more.record["outcome"]) == (1, "failed")
    assert "P1/E1 takes more than 0 s" in more.err


@pytest.mark.parametrize("wait", ["0", "0.2"])
def test_waiting_hides_no_request_that_failed(upload: Uploader, wait: str) -> None:
    upload.xnat.settings.archive_delay = 1
    upload.series(series=1)
    upload.series(series=2)
    imports: list[int] = []

    def refuse_second(request: Request) -> Response | None:
        if request.path != "/data/services/import":
            return None
        imports.append(1)
        return Response("quota", 400) if len(imports) > 1 else None

    upload.xnat.before(refuse_second)
    ran = upload(upload.folder, *HERE, "--workers", 2, "--wait", wait)
    assert (ran.status, ran.record["outcome"]) == (1, "failed")
    assert "the server refuses: quota" in ran.err


@pytest.mark.parametrize("mode", ["tar", "gradual"])
@pytest.mark.parametrize("wait", ["0", "0.2"])
def test_waiting_hides_no_file_that_the_server_did_not_keep(
    upload: Uploader, wait: str, mode: str
) -> None:
    upload.xnat.settings.archive_delay = 1
    upload.series(series=1)
    rejected = {path.read_bytes() for path in upload.series(series=2)}
    upload.xnat.settings.anonymize = lambda path: path.read_bytes() not in rejected
    ran = upload(upload.folder, *HERE, "--workers", 2, "--wait", wait, "--mode", mode)
    assert (ran.status, ran.record["outcome"]) == (1, "failed")
    assert "does not list 3 of 6 files" in ran.err


def test_what_is_refused_for_good_fails_by_itself_also_when_nothing_is_waited_for(
    upload: Uploader,
) -> None:
    header = read_file(upload.series()[1])
    assert header is not None
    upload.xnat.settings.archive_delay = 1
    upload.xnat.settings.import_fault = lambda uid: (
        f"unable to read DICOM object {uid}.dcm" if uid == header.uid else None
    )
    ran = upload(upload.folder, *HERE, "--workers", 1, "--wait", 0, "--mode", "gradual")
    file, session = ran.records
    assert (ran.status, file["kind"], file["outcome"]) == (1, "file", "failed")
    assert (session["outcome"], session["files"]) == ("done", 2)


def test_to_wait_longer_than_one_request_can_is_no_mistake(upload: Uploader) -> None:
    upload.series()
    upload(upload.folder, *HERE, "--prearchive")
    ran = upload(upload.folder, *HERE, "--wait", "1e11")
    assert (ran.status, upload.count(), upload.staged()) == (0, 3, []), ran.err
