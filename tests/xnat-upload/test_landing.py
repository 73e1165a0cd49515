"""Where data land is read from the server, never assumed."""

from __future__ import annotations

import json
import threading
from urllib.parse import urlencode

import pytest
from werkzeug.wrappers import Request, Response

from support.imports import send_zip
from support.uploads import Sent, Uploader

HERE = ("-P", "P1", "-S", "S1", "-E", "E1")


def ask_instead(request: Request, query: str) -> None:
    """Change what a request asks for before the server sees it."""
    request.query_string = query.encode()
    request.__dict__.pop("args", None)


def test_direct_archive_that_falls_back_is_archived_from_the_prearchive(upload: Uploader) -> None:
    upload.xnat.settings.direct_archive = False
    upload.series()
    ran = upload(upload.folder, *HERE)
    assert ran.status == 0, ran.err
    assert (upload.count(), upload.staged()) == (3, [])
    assert (ran.record["kind"], ran.record["landed"]) == ("session", "archive")


def test_a_server_without_direct_archive_is_not_asked_for_it(upload: Uploader) -> None:
    upload.xnat.settings.version = "1.8.2"
    upload.series()
    assert upload(upload.folder, *HERE).status == 0
    assert upload.count() == 3
    assert not any("Direct-Archive" in request.args for request in upload.imports())


def test_parallel_batches_join_one_row_that_is_built_once(upload: Uploader) -> None:
    upload.xnat.settings.version = "1.8.2"
    for number in range(1, 5):
        upload.series(series=number)
    assert upload(upload.folder, *HERE, "--workers", 4).status == 0
    assert len(upload.imports()) == 4
    assert not any({"dest", "action", "AA"} & set(request.args) for request in upload.imports())
    builds = [r for r in upload.xnat.requests("POST", "/data/prearchive") if "action" in r.args]
    assert [request.args["action"] for request in builds] == ["build"]
    assert upload.count() == 12


def test_several_batches_stay_in_the_prearchive_although_the_project_archives_by_itself(
    upload: Uploader,
) -> None:
    upload.xnat.store.items.update_project("P1", prearchive_code=4)
    for number in range(1, 5):
        upload.series(series=number)
    ran = upload(upload.folder, *HERE, "--prearchive")
    assert ran.status == 0, ran.err
    assert [row.status for row in upload.staged()] == ["READY"]
    assert upload.archived() == {}


def test_a_project_that_archives_all_the_same_is_reported_as_what_it_is(upload: Uploader) -> None:
    upload.xnat.store.items.update_project("P1", prearchive_code=4)
    upload.series(series=1)
    upload.series(series=2)

    def archive_at_once(request: Request) -> Response | None:
        if request.args.get("action") == "build":
            ask_instead(request, "action=commit")
        return None

    upload.xnat.before(archive_at_once)
    ran = upload(upload.folder, *HERE, "--prearchive")
    assert ran.status == 0, ran.err
    assert (ran.record["kind"], ran.record["landed"]) == ("session", "archive")
    assert "is in the archive" in ran.err


def test_what_the_server_has_archived_before_it_answers_is_found_in_the_archive(
    upload: Uploader,
) -> None:
    upload.series()

    def archive_at_once(request: Request) -> Response | None:
        if request.path == "/data/services/import":
            query = dict(request.args, dest="/archive/projects/P1")
            ask_instead(request, urlencode(query))
        return None

    upload.xnat.before(archive_at_once)
    ran = upload(upload.folder, *HERE, "--prearchive", "--workers", 1)
    assert (ran.status, ran.record["landed"], upload.count()) == (0, "archive", 3), ran.err
    assert "is in the archive" in ran.err


def test_data_in_another_project_are_a_failure_that_says_where_they_are(upload: Uploader) -> None:
    upload.xnat.has_project("P2")
    upload.series(series=1)

    def divert(request: Request) -> Response | None:
        if request.path == "/data/services/import":
            query = request.query_string.decode().replace("project=P1", "project=P2")
            ask_instead(request, query)
        return None

    upload.xnat.before(divert)
    ran = upload(upload.folder, *HERE)
    assert ran.status == 1
    assert (ran.record["outcome"], ran.record["landed"]) == ("failed", "P2")
    assert ran.record["uri"].startswith("/xapi/direct-archive/P2/")
    assert "filed the data under project 'P2'" in ran.err
    assert "move it to P1 when it has been archived there" in ran.err


def test_unassigned_data_are_a_failure_that_says_where_they_are(upload: Uploader) -> None:
    upload.series(series=1)
    answer = "/data/prearchive/projects/Unassigned/20240502_101500123/E1\r\n"
    upload.xnat.before(
        lambda request: Response(answer, 200) if request.path == "/data/services/import" else None
    )
    ran = upload(upload.folder, *HERE, "--workers", 1)
    assert ran.status == 1
    assert ran.record["uri"] == answer.strip()
    assert "'xnat-prearchive move' brings it to P1" in ran.err
    assert len(upload.imports()) == 1


@pytest.mark.parametrize("mode", ["tar", "gradual"])
@pytest.mark.parametrize("way", ["--direct-archive", "--prearchive"])
def test_what_a_site_open_to_all_took_for_a_guests_is_sent_again_after_a_login(
    upload: Uploader, mode: str, way: str
) -> None:
    upload.xnat.store.preferences.set("requireLogin", False)
    for number in range(1, 5):
        upload.series(series=number)
    asked: list[int] = []

    def expire(request: Request) -> Response | None:
        if request.path == "/data/services/import":
            asked.append(1)
            if len(asked) == 2:
                upload.xnat.app.sessions.close(request.cookies["JSESSIONID"])
        return None

    upload.xnat.before(expire)
    ran = upload(upload.folder, *HERE, "--mode", mode, "--workers", 2, way)
    assert (ran.status, ran.record["instances"]) == (0, 12), ran.err
    (astray,) = [row for row in upload.staged() if row.project == "Unassigned"]
    assert f"Unassigned/{astray.timestamp}/E1, for an administrator to delete" in ran.err


def test_a_project_that_does_not_exist_is_found_out_before_anything_is_sent(
    upload: Uploader,
) -> None:
    upload.series()
    ran = upload(upload.folder, "-P", "NOPE", "-S", "S1", "-E", "E1")
    assert (ran.status, upload.imports()) == (5, [])
    assert "project 'NOPE' not found" in ran.err


def test_a_project_that_may_only_be_read_is_found_out_before_anything_is_sent(
    upload: Uploader,
) -> None:
    upload.series()
    login, password = upload.xnat.has_user("bob", P1="collaborator")
    ran = upload(upload.folder, *HERE, "--username", login, "--password", password)
    assert (ran.status, upload.imports()) == (6, [])
    assert "no permission to upload to project P1" in ran.err


def test_everything_rejected_by_anonymization_is_a_failure(upload: Uploader) -> None:
    upload.xnat.settings.anonymize = lambda path: False
    upload.series()
    ran = upload(upload.folder, *HERE, "--workers", 1)
    assert ran.status == 1
    assert "does not list 3 of 3 files" in ran.err
    assert ran.record["outcome"] == "failed"


def test_what_the_server_does_not_keep_is_named(upload: Uploader) -> None:
    files = upload.series()

    rejected = files[1].read_bytes()
    upload.xnat.settings.anonymize = lambda path: path.read_bytes() != rejected
    ran = upload(upload.folder, *HERE, "--workers", 1)
    assert ran.status == 1
    assert "does not list 1 of 3 files" in ran.err
    assert str(files[1]) in ran.err
    assert (ran.record["landed"], upload.count()) == ("archive", 2)


def test_what_could_not_be_archived_directly_is_archived_from_where_it_fell(
    upload: Uploader,
) -> None:
    faults = ["disk full"]
    upload.xnat.settings.archive_fault = lambda label: faults.pop() if faults else None
    upload.series()
    ran = upload(upload.folder, *HERE)
    assert ran.status == 0, ran.err
    assert upload.count() == 3


def test_a_session_that_cannot_be_archived_says_why_and_where_it_waits(upload: Uploader) -> None:
    upload.xnat.settings.archive_fault = lambda label: "no space on the archive"
    upload.series()
    ran = upload(upload.folder, *HERE)
    assert ran.status == 1
    assert "no space on the archive" in ran.err
    assert (ran.record["landed"], ran.record["outcome"]) == ("prearchive", "failed")
    assert json.dumps(ran.record["uri"]).count("/data/prearchive/projects/P1/") == 1


def test_no_instance_is_sent_twice_when_nothing_goes_wrong(upload: Uploader) -> None:
    sent = Sent(upload.xnat)
    for number in range(1, 4):
        upload.series(series=number, instances=4)
    upload(upload.folder, *HERE)
    assert len(sent.uids) == len(set(sent.uids)) == 12


def test_what_is_staged_beside_an_archived_session_is_reported_as_staged(
    upload: Uploader,
) -> None:
    upload.series(series=1)
    upload(upload.folder, *HERE)
    upload.series(series=2)
    ran = upload(upload.folder, *HERE, "--prearchive")
    assert (ran.status, ran.record["kind"], ran.record["files"]) == (0, "prearchive", 3), ran.err
    assert upload.count() == 3


def test_what_is_staged_beside_data_on_their_way_into_the_archive_is_reported_as_staged(
    upload: Uploader,
) -> None:
    files = {path.name: path.read_bytes() for path in upload.series(series=1)}
    direct = {"Direct-Archive": "true", "subject": "S1", "session": "E1"}
    begun = send_zip(upload.xnat, files, None, project="P1", **direct)
    assert begun.text.startswith("/xapi/direct-archive/P1/")
    upload.series(series=2)
    ran = upload(upload.folder, *HERE, "--prearchive")
    (row,) = upload.staged()
    assert (ran.status, ran.record["landed"], ran.record["name"]) == (0, "prearchive", row.name)
    assert "E1 is in the archive" in ran.err


def test_when_every_file_is_refused_nothing_is_done(upload: Uploader) -> None:
    upload.series(instances=2)
    upload.xnat.settings.import_fault = lambda uid: f"unable to read DICOM object {uid}.dcm"
    ran = upload(upload.folder, *HERE, "--workers", 1)
    assert ran.status == 1
    assert [record["outcome"] for record in ran.records] == ["failed"] * 3
    assert "none of its files could be uploaded" in ran.err


def test_a_row_that_somebody_archives_in_the_last_moment_is_found_in_the_archive(
    upload: Uploader,
) -> None:
    upload.series(series=1)
    upload(upload.folder, *HERE, "--prearchive")
    asked: list[str] = []

    def archive_first(request: Request) -> Response | None:
        if request.path != "/data/services/archive":
            return None
        asked.append(request.path)
        if len(asked) > 1:
            return None
        (row,) = upload.staged()
        source = f"/prearchive/projects/P1/{row.timestamp}/{row.name}"
        answer = upload.xnat.call("POST", f"/data/services/archive?src={source}")
        assert answer.status_code == 200
        return Response("no such session", 404)

    upload.xnat.before(archive_first)
    ran = upload(upload.folder, *HERE)
    assert (ran.status, ran.record["landed"], upload.count()) == (0, "archive", 3), ran.err


def test_a_row_that_is_being_archived_is_waited_for_and_not_sent_again(upload: Uploader) -> None:
    upload.series(series=1)
    upload(upload.folder, *HERE, "--prearchive")
    sent_before = len(upload.imports())
    (row,) = upload.staged()
    source = f"/prearchive/projects/P1/{row.timestamp}/{row.name}"
    upload.xnat.settings.archive_delay = 0.5
    archiving = threading.Thread(
        target=upload.xnat.call, args=("POST", f"/data/services/archive?src={source}")
    )
    archiving.start()
    while any(row.status == "READY" for row in upload.staged()):
        pass
    ran = upload(upload.folder, *HERE)
    archiving.join()
    assert (ran.status, ran.record["outcome"], upload.count()) == (0, "skipped", 3), ran.err
    assert len(upload.imports()) == sent_before


def test_scans_are_not_listed_where_every_file_is_known_by_its_name(upload: Uploader) -> None:
    upload.series(instances=2)
    assert upload(upload.folder, *HERE).status == 0
    assert upload(upload.folder, *HERE).record["outcome"] == "skipped"
    asked = [request.path for request in upload.xnat.requests("GET", "/data/experiments")]
    assert not [path for path in asked if path.endswith("/scans")]
