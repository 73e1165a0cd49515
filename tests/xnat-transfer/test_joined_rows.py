"""Rows of the prearchive that others have filled, and that the server adds what is sent to.

It looks a row up by project, study and label, whatever subject it is of and whatever it holds.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

import pytest
from werkzeug.wrappers import Request, Response

from support.transfers import Transfer, anonymize, everything, series, series_uid, study_of, written
from xnat_sandbox.intake import intake_of
from xnat_sandbox.staged_session import StagedSession

IMPORT = "/data/services/import"
OWN = series("S1", "S1_MR1", 1, "MR", 2)
MORE = series("S1", "S1_MR1", 9, "MR", 2)


def stage(transfer: Transfer, files: dict[str, bytes], subject: str = "S1", **more: str) -> None:
    """Bring DICOM of somebody into the prearchive, under the label of the session."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    labels = {"project": "B", "subject": subject, "session": "S1_MR1", **more}
    answer = transfer.dest.call(
        "POST",
        IMPORT,
        params={"import-handler": "DICOM-zip", "inbody": "true", **labels},
        data=content.getvalue(),
        headers={"Content-Type": "application/zip"},
    )
    assert answer.status_code == 200


def staged(transfer: Transfer) -> list[StagedSession]:
    return intake_of(transfer.dest.app).prearchive.all()


def imports(transfer: Transfer) -> int:
    return len(transfer.dest.requests("POST", IMPORT))


def make_room(transfer: Transfer) -> None:
    (row,) = staged(transfer)
    assert transfer.dest.call("DELETE", row.uri).status_code == 200


def before_the_first_import(transfer: Transfer, act: Callable[[], object]) -> None:
    begun: list[bool] = []

    def hook(request: Request) -> Response | None:
        if request.path == IMPORT and not begun:
            begun.append(True)
            act()
        return None

    transfer.dest.before(hook)


def said(row: StagedSession) -> str:
    return f"B/{row.timestamp}/S1_MR1: that row of the prearchive "


@pytest.mark.parametrize("files", [OWN, MORE])
@pytest.mark.parametrize("status", ["RECEIVING", "READY", "CONFLICT", "ERROR"])
def test_a_row_of_another_subject_is_joined_by_nothing(
    transfer: Transfer, status: str, files: dict[str, bytes]
) -> None:
    transfer.has_session("S1", "S1_MR1", "MR")
    transfer.dest.settings.rebuild_idle = 60
    built = {} if status == "RECEIVING" else {"dest": "/prearchive/projects/B"}
    stage(transfer, files, "S9", **built)
    (row,) = staged(transfer)
    intake_of(transfer.dest.app).prearchive.set_status(row, status)
    before = imports(transfer)
    for _ in range(2):
        ran = transfer("--config", transfer.config())
        assert (ran.status, imports(transfer) - before) == (1, 0), ran.err
        assert said(row) + "waits for subject 'S9'" in ran.err
        assert f"'xnat-prearchive delete B {row.timestamp} S1_MR1'" in ran.err
        assert [one.status for one in staged(transfer)] == [status]
    make_room(transfer)
    assert transfer().status == 0
    assert everything(transfer.source, "A") == everything(transfer.dest, "B")


def test_nor_when_the_session_is_there_already(transfer: Transfer) -> None:
    session = transfer.has_session("S1", "S1_MR1", "MR")
    transfer()
    there = everything(transfer.dest, "B")
    stage(transfer, MORE, "S9")
    assert transfer().status == 0, "nothing is missing"
    transfer.has_series(session, "S1", 2, "MR", 2)
    ran = transfer("--config", transfer.config())
    assert (ran.status, everything(transfer.dest, "B")) == (1, there)
    assert "waits for subject 'S9'" in ran.err
    make_room(transfer)
    assert transfer().status == 0
    assert everything(transfer.source, "A") == everything(transfer.dest, "B")


@pytest.mark.parametrize("files", [OWN, MORE])
def test_one_that_comes_while_scans_are_sent_is_not_archived(
    transfer: Transfer, files: dict[str, bytes]
) -> None:
    transfer.has_session("S1", "S1_MR1", "MR")
    before_the_first_import(transfer, lambda: stage(transfer, files, "S9"))
    for _ in range(2):
        ran = transfer("--config", transfer.config())
        assert (ran.status, everything(transfer.dest, "B")) == (1, {}), ran.err
        (row,) = staged(transfer)
        assert said(row) + "waits for subject 'S9'" in ran.err
    make_room(transfer)
    assert transfer().status == 0
    assert everything(transfer.source, "A") == everything(transfer.dest, "B")


UNDER_OTHER_NAMES = {f"other_{name}": data for name, data in OWN.items()}
ONE_MORE = series("S1", "S1_MR1", 1, "MR", 3)


@pytest.mark.parametrize("rewrites", [False, True])
@pytest.mark.parametrize("files", [MORE, ONE_MORE, UNDER_OTHER_NAMES])
def test_a_row_of_the_subject_with_files_that_the_source_does_not_have_is_not_joined(
    transfer: Transfer, files: dict[str, bytes], rewrites: bool
) -> None:
    transfer.has_session("S1", "S1_MR1", "MR")
    if rewrites:
        anonymize(transfer)
    stage(transfer, files)
    (row,) = staged(transfer)
    before = imports(transfer)
    for _ in range(2):
        ran = transfer("--config", transfer.config())
        assert (ran.status, imports(transfer) - before) == (1, 0), ran.err
        assert said(row) + "holds " in ran.err
        assert f"'xnat-prearchive archive B {row.timestamp} S1_MR1'" in ran.err
    make_room(transfer)
    assert transfer().status == 0
    assert everything(transfer.source, "A").keys() == everything(transfer.dest, "B").keys()


@pytest.mark.parametrize("files", [MORE, ONE_MORE, UNDER_OTHER_NAMES])
def test_nor_are_those_archived_that_come_while_scans_are_sent(
    transfer: Transfer, files: dict[str, bytes]
) -> None:
    transfer.has_session("S1", "S1_MR1", "MR")
    before_the_first_import(transfer, lambda: stage(transfer, files))
    for _ in range(2):
        ran = transfer("--config", transfer.config())
        assert (ran.status, everything(transfer.dest, "B")) == (1, {}), ran.err
        (row,) = staged(transfer)
        assert said(row) + "holds " in ran.err
    make_room(transfer)
    assert transfer().status == 0
    assert everything(transfer.source, "A") == everything(transfer.dest, "B")


def test_what_the_row_holds_can_be_archived_first_and_is_completed(transfer: Transfer) -> None:
    transfer.has_session("S1", "S1_MR1", "MR")
    stage(transfer, ONE_MORE, dest="/prearchive/projects/B")
    assert transfer("--config", transfer.config()).status == 1
    (row,) = staged(transfer)
    source = {"src": row.url}
    assert transfer.dest.call("POST", "/data/services/archive", data=source).status_code == 200
    assert transfer().status == 0
    assert everything(transfer.source, "A").items() <= everything(transfer.dest, "B").items()


@pytest.mark.parametrize("project", ["C", "Unassigned"])
def test_a_row_of_another_project_is_not_in_the_way(transfer: Transfer, project: str) -> None:
    transfer.has_session("S1", "S1_MR1", "MR")
    transfer.dest.has_project("C")
    stage(transfer, MORE, "S9", project="C")
    prearchive = intake_of(transfer.dest.app).prearchive
    (theirs,) = staged(transfer)
    prearchive.update(theirs, project=project)
    ran = transfer("--config", transfer.config())
    assert (ran.status, [row.project for row in staged(transfer)]) == (0, [project]), ran.err
    assert everything(transfer.source, "A") == everything(transfer.dest, "B")


@pytest.mark.parametrize("rewrites", [False, True])
@pytest.mark.parametrize("state", ["kept", "lost"])
def test_a_row_that_a_run_has_left_is_completed_whatever_its_files_are_called(
    transfer: Transfer, state: str, rewrites: bool
) -> None:
    """Names that the import service does not keep, or opens; and one name in several folders."""
    session = transfer.has_session("S1", "S1_MR1", "MR")
    uid = series_uid("S1", "S1_MR1", 2)
    about = {"patient": "S1", "session": "S1_MR1", "study_uid": study_of("S1", "S1_MR1")}
    names = ["a/one.dcm", "b/one.dcm", "no#name.dcm", "opened.gz"]
    files = {
        name: written(series=2, instance=number, series_uid=uid, **about)
        for number, name in enumerate(names)
    }
    transfer.source.has_scan(session, "2", files)
    if rewrites:
        anonymize(transfer)
    transfer.dest.settings.archive_fault = lambda label: "pretend conflict"
    assert transfer("--config", transfer.config()).status == 1
    transfer.dest.settings.archive_fault = None
    before = imports(transfer)
    words = ("--config", transfer.config())
    if state == "lost":
        from xnat_core.user_paths import state_dir

        (state_dir() / "transfer.db").unlink()
    again = transfer(*words)
    assert (again.status, staged(transfer)) == (0, []), again.err
    assert imports(transfer) - before <= 1
    count = sum("/scan " in name for name in everything(transfer.dest, "B"))
    assert count == sum("/scan " in name for name in everything(transfer.source, "A")) == 6
