"""Rows of the same study and label that others have filled for another subject.

The server looks a row up by project, study and label: what is sent joins the files of that one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from werkzeug.wrappers import Request, Response

from support.imports import send_zip
from support.uploads import Uploader
from xnat_sandbox.intake import intake_of
from xnat_sandbox.samples import write_series

HERE = ("-P", "P1", "-S", "S1", "-E", "E1")
STUDY = "1.2.3"


@pytest.fixture
def theirs(upload: Uploader, tmp_path: Path) -> Callable[..., str]:
    """Sends a series of the same study for subject S9; returns where it is."""

    def send(series: int = 9, **parameters: str) -> str:
        paths = write_series(tmp_path / "theirs", series=series, study_uid=STUDY)
        files = {path.name: path.read_bytes() for path in paths}
        labels = {"project": "P1", "subject": "S9", "session": "E1", **parameters}
        answer = send_zip(upload.xnat, files, None, **labels)
        assert answer.status_code == 200
        return answer.text.strip()

    return send


def once_before_import(upload: Uploader, act: Callable[[], object]) -> None:
    """Do something in the last moment before the first data come."""
    begun: list[bool] = []
    turn = threading.Lock()

    def hook(request: Request) -> Response | None:
        if request.path == "/data/services/import" and request.args.get("subject") != "S9":
            with turn:
                if not begun:
                    begun.append(True)
                    act()
        return None

    upload.xnat.before(hook)


def said(uri: str) -> str:
    """How a command names the row."""
    return uri.removeprefix("/data/prearchive/projects/").replace("/", " ")


@pytest.mark.parametrize(
    ("mode", "status"),
    [("gradual", "READY"), *(("tar", one) for one in ("RECEIVING", "READY", "CONFLICT", "ERROR"))],
)
def test_what_others_have_staged_for_another_subject_is_not_archived_for_this_one(
    upload: Uploader, theirs: Callable[..., str], status: str, mode: str
) -> None:
    uri = theirs(**({} if status == "RECEIVING" else {"dest": "/prearchive/projects/P1"}))
    prearchive = intake_of(upload.xnat.app).prearchive
    (row,) = prearchive.all()
    prearchive.set_status(row, status)
    upload.series(study_uid=STUDY)
    before = len(upload.imports())
    for _ in range(2):
        ran = upload(upload.folder, *HERE, "--mode", mode)
        assert (ran.status, len(upload.imports()) - before, upload.count()) == (1, 0, 0), ran.err
        assert (ran.record["outcome"], ran.record["uri"]) == ("failed", uri)
        assert "holds files that are not of this upload for subject 'S9', not for 'S1'" in ran.err
        assert f"'xnat-prearchive delete {said(uri)}'" in ran.err
    answer = upload.xnat.call("DELETE", uri)
    assert answer.status_code == 200
    ran = upload(upload.folder, *HERE, "--mode", mode)
    assert (ran.status, ran.record["subject"], upload.count()) == (0, "S1", 3), ran.err


@pytest.mark.parametrize("mode", ["tar", "gradual"])
def test_nor_what_they_stage_while_it_is_sent(
    upload: Uploader, theirs: Callable[..., str], mode: str
) -> None:
    upload.xnat.settings.version = "1.8.2"
    uris: list[str] = []
    once_before_import(upload, lambda: uris.append(theirs()))
    upload.series(study_uid=STUDY)
    for _ in range(2):
        ran = upload(upload.folder, *HERE, "--mode", mode)
        assert (ran.status, upload.count(), len(upload.staged())) == (1, 0, 1), ran.err
        assert (ran.record["outcome"], ran.record["uri"]) == ("failed", uris[0])
        assert "holds files that are not of this upload for subject 'S9'" in ran.err
    upload.xnat.call("DELETE", uris[0])
    ran = upload(upload.folder, *HERE, "--mode", mode)
    assert (ran.status, ran.record["subject"], upload.count()) == (0, "S1", 3), ran.err


@pytest.mark.parametrize(("mode", "batches"), [("tar", 1), ("tar", 2), ("gradual", 1)])
def test_what_joins_the_row_of_another_subject_in_the_prearchive_is_not_done(
    upload: Uploader, theirs: Callable[..., str], mode: str, batches: int
) -> None:
    once_before_import(upload, theirs)
    for number in range(batches):
        upload.series(series=1 + number, study_uid=STUDY)
    ran = upload(upload.folder, *HERE, "--mode", mode, "--prearchive")
    assert (ran.status, ran.record["outcome"]) == (1, "failed"), ran.err
    assert "holds files that are not of this upload for subject 'S9'" in ran.err
    again = upload(upload.folder, *HERE, "--mode", mode, "--prearchive")
    assert (again.status, again.record["outcome"]) == (2, "failed"), again.err
    assert "waits in the prearchive for subject 'S9', not for 'S1'" in again.err


@pytest.mark.parametrize("more", [(), ("--prearchive",)])
@pytest.mark.parametrize("mode", ["tar", "gradual"])
def test_data_on_their_way_into_the_archive_for_another_subject_are_not_joined(
    upload: Uploader, theirs: Callable[..., str], mode: str, more: tuple[str, ...]
) -> None:
    uri = theirs(**{"Direct-Archive": "true"})
    assert uri == f"/xapi/direct-archive/P1/{STUDY}/E1"
    upload.series(study_uid=STUDY)
    before = len(upload.imports())
    ran = upload(upload.folder, *HERE, "--mode", mode, *more)
    assert (ran.status, len(upload.imports()) - before) == (2, 0), ran.err
    assert "is being archived for subject 'S9', not for 'S1'" in ran.err


@pytest.mark.parametrize("mode", ["tar", "gradual"])
def test_what_has_joined_them_in_the_last_moment_is_not_done(
    upload: Uploader, theirs: Callable[..., str], mode: str
) -> None:
    once_before_import(upload, lambda: theirs(**{"Direct-Archive": "true"}))
    upload.series(study_uid=STUDY)
    ran = upload(upload.folder, *HERE, "--mode", mode)
    assert (ran.status, ran.record["outcome"]) == (2, "failed"), ran.err
    assert "session 'E1' of project P1 is one of subject 'S9', not of 'S1'" in ran.err


@pytest.mark.parametrize("mode", ["tar", "gradual"])
def test_a_row_of_another_project_or_of_none_is_not_joined(
    upload: Uploader, theirs: Callable[..., str], mode: str
) -> None:
    upload.xnat.has_project("P2")
    theirs(project="P2")
    prearchive = intake_of(upload.xnat.app).prearchive
    (row,) = prearchive.all()
    prearchive.update(row, project="Unassigned")
    theirs(project="P2")
    ours = upload.series(study_uid=STUDY)
    ran = upload(upload.folder, *HERE, "--mode", mode)
    assert (ran.status, ran.record["subject"]) == (0, "S1"), ran.err
    assert {*upload.archived()["1"].values()} == {path.read_bytes() for path in ours}
    assert sorted(one.project for one in upload.staged()) == ["P2", "Unassigned"]
