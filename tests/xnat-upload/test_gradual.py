"""Gradual mode: one request per file."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import pytest
from werkzeug.wrappers import Request, Response

from support.uploads import Answered, Sent, Uploader, journalled, killed, refuse
from xnat_core.imports import sending
from xnat_sandbox.samples import write_series
from xnat_upload import gradual, scan
from xnat_upload.difference import Difference
from xnat_upload.headers import Header, read_file
from xnat_upload.inventory import Inventory
from xnat_upload.scan import Scan

HERE = ("-P", "P1", "-S", "S1", "-E", "E1", "--mode", "gradual")
IMPORT = "/data/services/import"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses between attempts take no time here."""
    from xnat_core.http import retries

    monkeypatch.setattr(retries, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(sending, "FIRST_PAUSE", 0.01)


def uid_of(path: Path) -> str:
    header = read_file(path)
    assert header is not None
    return header.uid


def test_every_file_is_a_request_of_its_own(upload: Uploader) -> None:
    files = upload.series(series=1, instances=4) + upload.series(series=2, instances=4)
    ran = upload(upload.folder, *HERE)
    assert ran.status == 0, ran.err
    assert len(upload.imports()) == len(files)
    assert {r.args["import-handler"] for r in upload.imports()} == {"gradual-DICOM"}
    assert {r.args["EXPT_LABEL"] for r in upload.imports()} == {"E1"}
    assert (ran.record["kind"], ran.record["files"], ran.record["verified"]) == ("session", 8, True)
    assert set(upload.archived()["1"]) == {f"{uid_of(path)}.dcm" for path in files[:4]}


def test_the_prearchive_keeps_it_when_asked_to(upload: Uploader) -> None:
    upload.xnat.store.items.update_project("P1", prearchive_code=4)
    upload.series(instances=7)
    ran = upload(upload.folder, *HERE, "--prearchive")
    assert ran.status == 0, ran.err
    assert [row.status for row in upload.staged()] == ["READY"]
    assert upload.archived() == {}
    assert ran.record["kind"] == "prearchive"


def test_no_more_than_the_workers_are_under_way_at_once(upload: Uploader) -> None:
    upload.series(instances=30)
    now, most, lock = [0], [0], threading.Lock()

    def slowly(uid: str) -> None:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.01)
        with lock:
            now[0] -= 1

    upload.xnat.settings.import_fault = slowly
    assert upload(upload.folder, *HERE, "--workers", 3).status == 0
    assert most[0] == 3


def test_scans_take_turns(upload: Uploader) -> None:
    sent = Sent(upload.xnat)
    first = {uid_of(path) for path in upload.series(series=1, instances=20)}
    upload.series(series=2, instances=20)
    assert upload(upload.folder, *HERE, "--workers", 1).status == 0
    assert 8 <= len(first & set(sent.uids[:20])) <= 12


def test_sending_begins_before_all_files_are_found(
    upload: Uploader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gradual, "LOOK_AHEAD", 10)
    upload.series(series=1, instances=60)
    read: list[Path] = []
    read_when_sent: list[int] = []

    def slowly(path: Path) -> Header | None:
        read.append(path)
        time.sleep(0.01)
        return read_file(path)

    monkeypatch.setattr(scan, "read_file", slowly)
    upload.xnat.settings.import_fault = lambda uid: read_when_sent.append(len(read))
    ran = upload(upload.folder, *HERE)
    assert (ran.status, upload.count()) == (0, 60), ran.err
    assert read_when_sent[0] <= 20
    assert sorted(read_when_sent)[30] < 60


def test_series_may_be_found_while_others_are_sent(tmp_path: Path) -> None:
    inventory = Inventory()
    found = Scan(inventory, lambda error: None).instances([tmp_path])
    for number in (1, 2):
        write_series(tmp_path / str(number), instances=1, series=number)
    next(found)
    seen = iter(Difference(inventory, inventory.studies.values()).series)
    next(seen)
    assert len(list(found)) == 1
    assert list(seen) == []


def test_each_study_becomes_a_session(upload: Uploader) -> None:
    write_series(upload.folder / "a", patient="S1", session="S1_MR1")
    write_series(upload.folder / "b", patient="S2", session="S2_MR1")
    ran = upload(upload.folder, "-P", "P1", "--mode", "gradual")
    assert ran.status == 0, ran.err
    assert sorted(record["label"] for record in ran.records) == ["S1_MR1", "S2_MR1"]


def test_a_second_study_for_one_label_is_refused(upload: Uploader) -> None:
    write_series(upload.folder / "a", patient="S1", session="S1_MR1")
    write_series(upload.folder / "b", patient="S2", session="S2_MR1")
    ran = upload(upload.folder, *HERE)
    assert ran.status == 2
    assert "holds 2 studies" in ran.err


def test_a_study_that_cannot_become_a_session_is_told_once(upload: Uploader) -> None:
    for patient, study in (("S1", "1.2.3"), ("S2", "1.2.4")):
        write_series(upload.folder / patient, patient=patient, session="X", study_uid=study)
    ran = upload(upload.folder, "-P", "P1", "--mode", "gradual")
    assert sorted(record["outcome"] for record in ran.records) == ["done", "failed"]
    assert ran.err.count("another study has become session 'X' already") == 1


def test_several_studies_become_one_session_when_asked_to(upload: Uploader) -> None:
    write_series(upload.folder / "a", patient="S1", session="S1_MR1", series=1)
    write_series(upload.folder / "b", patient="S2", session="S2_MR1", series=2)
    ran = upload(upload.folder, *HERE, "--merge-studies")
    assert (ran.status, upload.count()) == (0, 6), ran.err


def test_what_fails_is_sent_again_more_gently(upload: Uploader) -> None:
    upload.series(instances=20)
    failures: dict[str, int] = {}

    def twice(uid: str) -> str | None:
        failures[uid] = failures.get(uid, 0) + 1
        return "unable to read DICOM object: database" if failures[uid] <= 2 else None

    upload.xnat.settings.import_fault = twice
    ran = upload(upload.folder, *HERE)
    assert ran.status == 0, ran.err
    assert upload.count() == 20


def test_an_object_that_is_refused_to_the_end_is_named_and_the_rest_arrives(
    upload: Uploader,
) -> None:
    files = upload.series(instances=10)
    bad = uid_of(files[7])
    upload.xnat.settings.import_fault = lambda uid: (
        f"unable to read DICOM object {uid}.dcm" if uid == bad else None
    )
    ran = upload(upload.folder, *HERE)
    assert ran.status == 1
    assert upload.count() == 9
    failed = [record for record in ran.records if record["outcome"] == "failed"]
    assert [(record["kind"], record["path"]) for record in failed] == [("file", str(files[7]))]


def test_a_server_that_fails_for_good_is_not_asked_for_every_file(
    upload: Uploader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gradual, "FEW_FAILURES", 5)
    upload.xnat.fails("POST", IMPORT, 502, times=10_000)
    upload.series(instances=60)
    ran = upload(upload.folder, *HERE)
    assert ran.status == 4
    assert len(upload.imports()) < 100


def test_storms_and_expired_sessions_pass(upload: Uploader) -> None:
    upload.series(instances=20)
    refuse(upload.xnat, IMPORT, Response("overloaded", 503), times=8)
    expired: list[int] = []

    def expire(request: Request) -> Response | None:
        if request.path == IMPORT and len(upload.imports()) in (10, 15) and len(expired) < 2:
            expired.append(1)
            upload.xnat.expires_sessions()
        return None

    upload.xnat.before(expire)
    ran = upload(upload.folder, *HERE)
    assert (ran.status, upload.count()) == (0, 20), ran.err


@pytest.mark.parametrize("way", ["--direct-archive", "--prearchive"])
@pytest.mark.parametrize("after", [1, 8, 20])
def test_a_kill_and_the_same_command_send_nothing_again(
    upload: Uploader, way: str, after: int
) -> None:
    upload.xnat.settings.rebuild_idle = 60
    upload.series(series=1, instances=10)
    upload.series(series=2, instances=10)
    answered = Answered(upload.xnat, slowly=0.02)
    words = [upload.folder, *HERE, way]
    killed(words, lambda: len(journalled()) >= after)
    known = {name.removesuffix(".dcm") for name in journalled()}
    assert len(known) >= after
    before = len(answered.taken)
    ran = upload(*words)
    assert ran.status == 0, ran.err
    assert not known & set(answered.taken[before:])
    assert ran.record["instances"] == 20
    if way == "--direct-archive":
        assert (upload.count(), upload.staged()) == (20, [])
    else:
        assert [row.status for row in upload.staged()] == ["READY"]


def test_the_same_command_again_sends_nothing(upload: Uploader) -> None:
    upload.series(instances=6)
    upload(upload.folder, *HERE)
    ran = upload(upload.folder, *HERE)
    assert (ran.status, ran.record["outcome"]) == (0, "skipped")
    assert len(upload.imports()) == 6


def test_a_session_begun_in_batches_is_completed_file_by_file(upload: Uploader) -> None:
    upload.series(series=1)
    upload(upload.folder, "-P", "P1", "-S", "S1", "-E", "E1")
    upload.series(series=2, instances=2)
    ran = upload(upload.folder, *HERE)
    assert (ran.status, ran.record["files"], upload.count()) == (0, 2, 5), ran.err


def test_an_archive_is_sent_member_by_member(upload: Uploader) -> None:
    import tarfile

    files = upload.series(instances=12)
    archive = upload.folder.parent / "s.tgz"
    with tarfile.open(archive, "w:gz") as tar:
        for path in files:
            tar.add(path, path.name)
    ran = upload(archive, *HERE)
    assert (ran.status, upload.count()) == (0, 12), ran.err
    assert len(upload.imports()) == 12


def test_without_dicom_there_is_an_error(upload: Uploader) -> None:
    upload.folder.mkdir()
    ran = upload(upload.folder, *HERE)
    assert ran.status == 1
    assert "no DICOM found" in ran.err


def test_none_touches_no_session_that_is_there(upload: Uploader) -> None:
    upload.xnat.has_session("P1", "S1", "E1", scans={"9": {"a.dcm": b"other"}})
    upload.series()
    ran = upload(upload.folder, *HERE, "--overwrite", "none")
    assert (ran.status, upload.imports()) == (1, [])


def few_open_files(*words: object) -> tuple[int, str]:
    """Run it with no more open files than a small system allows; its status and what it said."""
    code = (
        "import resource, sys; from xnat_upload.cli import main; "
        "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)); sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, "dicom", *map(str, words)]
    ran = subprocess.run(command, capture_output=True, text=True)
    return ran.returncode, ran.stderr


def test_many_studies_take_few_open_files(upload: Uploader) -> None:
    patients = [f"P{number}" for number in range(30)]
    for patient in patients:
        write_series(upload.folder / patient, instances=1, patient=patient)
    status, said = few_open_files(upload.folder, "-P", "P1", "--mode", "gradual")
    assert status == 0, said
    assert [upload.count(label=f"{patient}_MR1") for patient in patients] == [1] * 30


def test_many_archives_take_few_open_files(upload: Uploader, tmp_path: Path) -> None:
    upload.folder.mkdir()
    for number, path in enumerate(write_series(tmp_path / "loose", instances=60)):
        with zipfile.ZipFile(upload.folder / f"{number}.zip", "w") as archive:
            archive.write(path, path.name)
    status, said = few_open_files(upload.folder, *HERE)
    assert status == 0, said
    assert upload.count() == 60
