"""A killed upload is completed by the same command, and nothing taken is sent again."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from pydicom import dcmread
from werkzeug.wrappers import Request, Response

from support.uploads import Answered, Uploader, journalled, killed
from xnat_core.journal import Journal
from xnat_sandbox.intake import intake_of

HERE = ("-P", "P1", "-S", "S1", "-E", "E1")

Moment = Callable[[Uploader, Answered], bool]

MOMENTS: dict[str, Moment] = {
    "before anything was sent": lambda upload, answered: bool(
        upload.xnat.requests("GET", "/data/projects/P1")
    ),
    "in the first batch": lambda upload, answered: len(answered.taken) >= 2,
    "between batches": lambda upload, answered: len(journalled()) >= 4,
    "in the last batch": lambda upload, answered: len(answered.taken) >= 15,
    "when all was sent": lambda upload, answered: len(journalled()) == 16,
}


def furnish(upload: Uploader) -> None:
    for number in range(1, 5):
        upload.series(series=number, instances=4)


def final_state(upload: Uploader) -> dict[str, dict[str, bytes]]:
    assert upload.staged() == []
    assert intake_of(upload.xnat.app).direct.all() == []
    return upload.archived()


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("overwrite", [None, "none", "append", "delete"])
def test_a_kill_at_any_moment_and_the_same_command_come_to_the_same(
    upload: Uploader, moment: str, overwrite: str | None
) -> None:
    upload.xnat.settings.rebuild_idle = 60
    furnish(upload)
    words = [upload.folder, *HERE, "--workers", 2]
    words += ["--overwrite", overwrite] if overwrite else []
    answered = Answered(upload.xnat, slowly=0.03)
    killed(words, lambda: MOMENTS[moment](upload, answered))
    known = {name.removesuffix(".dcm") for name in journalled()}
    sent_before = len(answered.taken)
    ran = upload(*words)
    assert ran.status == 0, ran.err
    assert {id: len(files) for id, files in final_state(upload).items()} == {
        "1": 4,
        "2": 4,
        "3": 4,
        "4": 4,
    }
    assert not known & set(answered.taken[sent_before:])
    assert journalled() == []


@pytest.mark.parametrize("moment", ["in the first batch", "between batches", "when all was sent"])
def test_the_same_for_the_prearchive(upload: Uploader, moment: str) -> None:
    upload.xnat.settings.rebuild_idle = 60
    furnish(upload)
    words = [upload.folder, *HERE, "--workers", 2, "--prearchive"]
    answered = Answered(upload.xnat, slowly=0.03)
    killed(words, lambda: MOMENTS[moment](upload, answered))
    taken = set(answered.uids)
    sent_before = len(answered.taken)
    ran = upload(*words)
    assert ran.status == 0, ran.err
    assert [row.status for row in upload.staged()] == ["READY"]
    assert ran.record["instances"] == 16
    assert not taken & set(answered.taken[sent_before:])


def test_a_kill_while_the_session_is_being_archived(upload: Uploader) -> None:
    upload.xnat.settings.rebuild_idle = 60
    upload.xnat.settings.archive_delay = 1
    furnish(upload)
    answered = Answered(upload.xnat)
    words = [upload.folder, *HERE]
    direct = intake_of(upload.xnat.app).direct
    killed(words, lambda: any(row.status == "ARCHIVING" for row in direct.all()))
    ran = upload(*words)
    assert ran.status == 0, ran.err
    assert (ran.record["outcome"], ran.record["files"]) == ("skipped", 0)
    assert len(answered.taken) == 16
    assert len(final_state(upload)) == 4


def test_what_the_server_archived_meanwhile_by_itself_is_completed(upload: Uploader) -> None:
    upload.xnat.settings.rebuild_idle = 0.5
    furnish(upload)
    words = [upload.folder, *HERE, "--workers", 2, "--overwrite", "none"]
    answered = Answered(upload.xnat, slowly=0.03)
    killed(words, lambda: len(journalled()) >= 4)
    upload.xnat.settings.rebuild_idle = 0.05
    while not upload.archived():
        pass
    sent_before = len(answered.taken)
    there = {name.removesuffix(".dcm") for files in upload.archived().values() for name in files}
    ran = upload(*words)
    assert ran.status == 0, ran.err
    assert upload.count() == 16
    assert not there & set(answered.taken[sent_before:])


def test_a_file_that_changed_since_it_was_taken_is_sent_again(upload: Uploader) -> None:
    upload.xnat.settings.rebuild_idle = 60
    furnish(upload)
    words = [upload.folder, *HERE, "--workers", 2]
    answered = Answered(upload.xnat, slowly=0.03)
    killed(words, lambda: len(journalled()) >= 4)
    (changed,) = sorted(upload.folder.glob("s1/*0001.dcm"))
    changed.write_bytes(changed.read_bytes()[:-4] + b"news")
    ran = upload(*words)
    assert ran.status == 0, ran.err
    assert changed.read_bytes() in upload.archived()["1"].values()
    assert upload.count() == 16
    assert len(answered.taken) > 16


def test_the_same_command_twice_at_once_is_refused(upload: Uploader) -> None:
    furnish(upload)
    with Journal(upload.xnat.url, "P1", "S1", "E1"):
        ran = upload(upload.folder, *HERE)
    assert (ran.status, upload.imports()) == (1, [])
    assert "another process is sending this session now" in ran.err


def test_without_a_place_for_the_journal_it_uploads_all_the_same(
    upload: Uploader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/proc/nowhere")
    furnish(upload)
    assert upload(upload.folder, *HERE).status == 0
    assert upload.count() == 16


def test_nothing_is_left_behind(upload: Uploader, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch = upload.folder.parent / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    monkeypatch.setenv("SQLITE_TMPDIR", str(scratch))
    furnish(upload)
    upload(upload.folder, *HERE)
    assert os.listdir(scratch) == []  # noqa: PTH208
    assert journalled() == []


@pytest.mark.parametrize("mode", ["tar", "gradual"])
def test_what_an_earlier_run_has_sent_and_the_archive_rejects_is_not_counted_below_nothing(
    upload: Uploader, mode: str
) -> None:
    upload.xnat.settings.version = "1.8.2"
    words = (upload.folder, *HERE, "--mode", mode, "--workers", 1)
    rejected = f"{dcmread(upload.series()[1]).SOPInstanceUID}.dcm"
    upload.xnat.fails("POST", "/data/services/archive", 403, times=1)
    assert (upload(*words).status, len(upload.staged())) == (6, 1)

    def reject(request: Request, response: Response) -> None:
        session = upload.xnat.store.items.experiment_in("P1", "E1")
        if request.path == "/data/services/archive" and session is not None:
            files = f"/data/experiments/{session.id}/scans/1/resources/DICOM/files"
            assert upload.xnat.call("DELETE", f"{files}/{rejected}").ok

    upload.xnat.app.after(reject)
    ran = upload(*words)
    assert (ran.status, ran.record["files"], upload.count()) == (1, 0, 2), ran.records
