"""Whatever the network and the server do, each instance arrives exactly once."""

from __future__ import annotations

import time
import zipfile
from pathlib import Path

import pytest
from werkzeug.wrappers import Request, Response

from support.proxy import cutting
from support.uploads import Sent, Uploader, refuse
from xnat_core.imports import sending
from xnat_core.imports.answers import ImportRefused
from xnat_upload import sending as sending_requests
from xnat_upload.headers import read_file

HERE = ("-P", "P1", "-S", "S1", "-E", "E1")
IMPORT = "/data/services/import"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses between attempts take no time here."""
    from xnat_core.http import retries

    monkeypatch.setattr(retries, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(sending, "FIRST_PAUSE", 0.01)


def test_a_storm_of_503_passes(upload: Uploader) -> None:
    refuse(upload.xnat, IMPORT, Response("overloaded", 503), times=6)
    for number in range(1, 5):
        upload.series(series=number)
    ran = upload(upload.folder, *HERE)
    assert ran.status == 0, ran.err
    assert upload.count() == 12


def test_a_server_that_says_when_to_come_back_is_obeyed(upload: Uploader) -> None:
    refuse(upload.xnat, IMPORT, Response("later", 429, headers={"Retry-After": "1"}))
    upload.series()
    begin = time.monotonic()
    assert upload(upload.folder, *HERE, "--workers", 1).status == 0
    assert time.monotonic() - begin >= 1


def test_a_proxy_that_wants_the_length_is_told_how_to_have_it(upload: Uploader) -> None:
    upload.xnat.before(
        lambda r: Response("", 411) if r.path == IMPORT and r.content_length is None else None
    )
    upload.series()
    ran = upload(upload.folder, *HERE, "--mode", "zip")
    assert (ran.status, "'--mode tar', or '--zip-to-tar'" in ran.err) == (1, True), ran.err
    assert upload(upload.folder, *HERE, "--mode", "tar").status == 0


def test_a_connection_cut_in_the_middle_of_a_body_is_made_again(
    upload: Uploader, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload.series(rows=256, instances=6)
    port = upload.xnat.server.port
    with cutting(port, IMPORT, [300_000, 10, 90_000]) as proxy:
        monkeypatch.setenv("XNAT_URL", proxy.url)
        ran = upload(upload.folder, *HERE, "--workers", 2)
    assert ran.status == 0, ran.err
    assert proxy.seen == 5
    assert upload.count() == 6


def test_a_session_that_ends_in_the_middle_of_a_batch_is_renewed(upload: Uploader) -> None:
    for number in range(1, 4):
        upload.series(series=number)
    expired: list[int] = []

    def expire(request: Request) -> Response | None:
        if request.path == IMPORT and len(expired) < 3:
            expired.append(1)
            # That of the request: one that the other worker has just opened goes on.
            upload.xnat.app.sessions.close(request.cookies["JSESSIONID"])
        return None

    upload.xnat.before(expire)
    ran = upload(upload.folder, *HERE, "--workers", 2)
    assert ran.status == 0, ran.err
    assert upload.count() == 9


def test_concurrent_sends_are_tried_again(upload: Uploader) -> None:
    busy = "Concurrent file sends of the same data is not supported."
    refuse(upload.xnat, IMPORT, Response(busy, 400), times=3)
    upload.series()
    ran = upload(upload.folder, *HERE, "--workers", 1)
    assert ran.status == 0, ran.err
    assert upload.count() == 3


def test_a_refused_object_is_named_and_the_rest_arrives(upload: Uploader) -> None:
    files = upload.series(instances=5)
    bad = ""

    def refuse_one(uid: str) -> str | None:
        return f"unable to read DICOM object {uid}.dcm: disk quota" if uid == bad else None

    header = read_file(files[2])
    assert header is not None
    bad = header.uid
    upload.xnat.settings.import_fault = refuse_one
    ran = upload(upload.folder, *HERE, "--workers", 2)
    assert ran.status == 1
    assert upload.count() == 4
    by_kind = {record["kind"]: record for record in ran.records}
    assert by_kind["file"]["path"] == str(files[2])
    assert by_kind["file"]["outcome"] == "failed"
    assert "disk quota" in by_kind["file"]["error"]["message"]
    assert (by_kind["session"]["outcome"], by_kind["session"]["files"]) == ("done", 4)


def test_a_server_that_refuses_one_file_after_the_other_is_not_sent_the_rest_each_time(
    upload: Uploader,
) -> None:
    files = upload.series(instances=40)
    good = {header.uid for path in files[:3] if (header := read_file(path))}
    upload.xnat.settings.import_fault = lambda uid: (
        None if uid in good else f"unable to read DICOM object {uid}.dcm"
    )
    ran = upload(upload.folder, *HERE, "--workers", 1)
    assert (ran.status, upload.count()) == (1, 3), ran.err
    whole = [r for r in upload.imports() if r.args["import-handler"] == "DICOM-zip"]
    # The first one passes over what is refused.
    assert len(whole) <= 1 + 2 * sending_requests.MOST_REFUSED
    failed = {record["path"] for record in ran.records if record["kind"] == "file"}
    assert failed == {str(path) for path in files[3:]}


@pytest.mark.parametrize("mode", ["tar", "gradual"])
@pytest.mark.parametrize(
    ("reason", "times"), [("disk quota", 3), ("unable to read DICOM object {}.dcm", 1)]
)
@pytest.mark.parametrize("more", [(), ("--prearchive",)])
def test_a_session_of_two_modalities_is_archived_when_all_of_it_is_there(
    upload: Uploader, mode: str, reason: str, times: int, more: tuple[str, ...]
) -> None:
    # What is missing then would be a session of another modality, which cannot be added.
    upload.series(series=1, study_uid="1.2.3")
    reports = upload.series(series=2, modality="SR", study_uid="1.2.3")
    header = read_file(reports[1])
    assert header is not None
    left = {header.uid: times}

    def refuse_some(uid: str) -> str | None:
        if left.get(uid, 0):
            left[uid] -= 1
            return reason.format(uid)
        return None

    upload.xnat.settings.import_fault = refuse_some
    ran = upload(upload.folder, *HERE, "--mode", mode, "--workers", 2, *more)
    assert ran.status == 0, ran.err
    assert ran.record["files"] == 6


def test_files_that_are_refused_for_good_do_not_keep_back_the_rest_of_two_modalities(
    upload: Uploader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xnat_upload.gradual.MOST_ONE_BY_ONE", 1)
    upload.series(series=1, instances=6, study_uid="1.2.3")
    reports = upload.series(series=2, instances=6, modality="SR", study_uid="1.2.3")
    bad = {header.uid for path in reports[1:] if (header := read_file(path))}
    upload.xnat.settings.import_fault = lambda uid: "disk quota" if uid in bad else None
    ran = upload(upload.folder, *HERE, "--mode", "gradual")
    assert (ran.status, upload.count()) == (1, 7), ran.err
    assert upload.staged() == []


def test_while_one_of_two_modalities_cannot_be_sent_nothing_is_archived(upload: Uploader) -> None:
    """The rest would be a session of another type, to which these cannot be added."""
    images = upload.series(series=1, study_uid="1.2.3")
    good = {header.uid for path in images if (header := read_file(path))}
    upload.series(series=2, modality="SR", study_uid="1.2.3")
    upload.xnat.settings.import_fault = lambda uid: None if uid in good else "disk quota"
    ran = upload(upload.folder, *HERE, "--workers", 2)
    assert (ran.status, upload.count(), "disk quota" in ran.err) == (1, 0, True), ran.err
    upload.xnat.settings.import_fault = None
    ran = upload(upload.folder, *HERE)
    assert (ran.status, upload.count(), upload.staged()) == (0, 6, []), ran.err


@pytest.mark.parametrize("mode", ["tar", "gradual"])
@pytest.mark.parametrize("overwrite", ["append", "delete"])
def test_what_is_added_to_a_session_may_be_of_another_modality(
    upload: Uploader, mode: str, overwrite: str
) -> None:
    # By themselves the reports would be a session of another modality, which cannot be added.
    upload.series(series=1, instances=1, modality="SR", study_uid="1.2.3")
    images = upload.series(series=2, study_uid="1.2.3")
    assert upload(upload.folder, *HERE).status == 0
    reports = upload.series(series=3, modality="SR", study_uid="1.2.3")
    sent = Sent(upload.xnat)
    words = ("--overwrite", overwrite) if overwrite == "append" else ()
    ran = upload(upload.folder, *HERE, "--mode", mode, *words)
    assert (ran.status, upload.count(), upload.staged()) == (0, 7, []), ran.err
    headers = [read_file(path) for path in (*images, *reports)]
    again, *others = sorted(sent.uids, key=[header.uid for header in headers if header].index)
    assert (len(others), headers[0] is not None and again == headers[0].uid) == (3, True)
    assert upload(upload.folder, *HERE).record["outcome"] == "skipped"


def test_what_alone_is_of_another_modality_is_added_with_the_others_of_its_study(
    upload: Uploader,
) -> None:
    upload.series(series=1, study_uid="1.2.3")
    assert upload(upload.folder, *HERE).status == 0
    (report,) = upload.series(series=2, instances=1, modality="SR", study_uid="1.2.3")
    ran = upload(report, *HERE)
    assert (ran.status, upload.count()) == (1, 3)
    assert "together with the others of their study" in ran.err
    assert (upload(upload.folder, *HERE).status, upload.count(), upload.staged()) == (0, 4, [])


def test_a_refusal_that_names_no_object_says_which_were_sent(upload: Uploader) -> None:
    upload.series()
    upload(upload.folder, *HERE)
    more = upload.series(series=2, instances=1)
    refuse(upload.xnat, "/data/services/import", Response("No parsable DICOM objects", 400))
    ran = upload(upload.folder, *HERE)
    assert (ran.status, ran.record["outcome"]) == (1, "failed")
    assert f"No parsable DICOM objects (of {more[0]})" in ran.err


def test_an_object_refused_once_is_sent_once_more(upload: Uploader) -> None:
    upload.series()
    refused: list[str] = []

    def refuse_first(uid: str) -> str | None:
        refused.append(uid)
        return "unable to read DICOM object: no connection" if len(refused) == 1 else None

    upload.xnat.settings.import_fault = refuse_first
    assert upload(upload.folder, *HERE).status == 0
    assert upload.count() == 3


def test_an_answer_that_is_lost_doubles_nothing(upload: Uploader) -> None:
    upload.series()
    lost = [1]

    original = upload.xnat.app.respond

    def respond(request: Request) -> Response:
        response = original(request)
        if request.path == IMPORT and lost:
            lost.clear()
            return Response("gateway timeout", 504)
        return response

    upload.xnat.app.respond = respond  # type: ignore[method-assign]
    ran = upload(upload.folder, *HERE, "--workers", 1)
    assert ran.status == 0, ran.err
    assert upload.count() == 3


def test_a_server_that_stays_away_is_an_error_of_the_network(upload: Uploader) -> None:
    upload.xnat.fails("POST", IMPORT, 502, times=1000)
    upload.series()
    ran = upload(upload.folder, *HERE, "--workers", 1)
    assert ran.status == 4
    assert ran.record["outcome"] == "failed"
    assert len(upload.imports()) <= 12


def test_a_file_that_goes_away_meanwhile_is_named_and_the_rest_arrives(
    upload: Uploader, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = upload.series(instances=4)

    def vanish(request: Request) -> Response | None:
        if request.path.endswith("/experiments/E1"):
            files[1].unlink(missing_ok=True)
        return None

    upload.xnat.before(vanish)
    ran = upload(upload.folder, *HERE, "--workers", 1)
    assert ran.status == 1
    assert upload.count() == 3
    failed = [record for record in ran.records if record["outcome"] == "failed"]
    assert [record["path"] for record in failed] == [str(files[1])]


@pytest.mark.parametrize("zipped", [False, True])
def test_an_img_is_passed_over_only_when_it_does_not_begin_like_dicom(
    upload: Uploader, zipped: bool
) -> None:
    whole = upload.series(instances=2)[0].read_bytes()
    files = {"analyze.img": b"\0" * 1000, "cut.img": whole[:200]}
    if zipped:
        with zipfile.ZipFile(upload.folder / "more.zip", "w") as archive:
            for name, data in files.items():
                archive.writestr(name, data)
    else:
        for name, data in files.items():
            (upload.folder / name).write_bytes(data)
    ran = upload(upload.folder, *HERE)
    assert (ran.status, upload.count()) == (1, 2)
    (failure,) = [record for record in ran.records if record["outcome"] == "failed"]
    assert "cut.img" in failure["error"]["message"]


def test_unreadable_and_damaged_files_are_named_and_the_rest_arrives(
    upload: Uploader, tmp_path: Path
) -> None:
    upload.series()
    (upload.folder / "empty.dcm").touch()
    (upload.folder / "text.dcm").write_text("not DICOM at all")
    (upload.folder / "notes.txt").write_text("passed over")
    ran = upload(upload.folder, *HERE)
    assert ran.status == 1
    assert upload.count() == 3
    failed = sorted(r["path"] for r in ran.records if r["outcome"] == "failed")
    assert failed == [str(upload.folder / "empty.dcm"), str(upload.folder / "text.dcm")]
    assert upload(upload.folder, *HERE, "--ignore-unparsable").status == 0


def test_the_same_instance_twice_is_sent_once(upload: Uploader) -> None:
    sent = Sent(upload.xnat)
    (first, *_) = upload.series()
    (upload.folder / "copy.dcm").write_bytes(first.read_bytes())
    (upload.folder / "link.dcm").symlink_to(first)
    ran = upload(upload.folder, upload.folder / "s1", *HERE)
    assert (ran.status, len(sent.uids)) == (0, 3), ran.err
    assert "1 file is a copy of others" in ran.err


def test_two_files_with_one_uid_and_other_bytes_are_named_and_neither_is_sent(
    upload: Uploader,
) -> None:
    (first, *_) = upload.series()
    other = upload.folder / "z" / "other.dcm"
    other.parent.mkdir()
    other.write_bytes(first.read_bytes()[:-10] + b"0123456789")
    ran = upload(upload.folder, *HERE)
    assert ran.status == 1
    assert upload.count() == 2
    assert f"{other} and {first} differ" in ran.err


def test_a_refusal_is_an_error_of_its_own() -> None:
    assert ImportRefused("no").exit_status == 1
