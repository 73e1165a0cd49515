"""How staged sessions become visible, settle, and survive."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from support.imports import members, rows, send_object, send_zip, statuses, uris, wait_until
from support.sandbox import FAST, XNAT
from xnat_sandbox import samples
from xnat_sandbox.intake import intake_of

MakeXNAT = Callable[..., XNAT]


@pytest.fixture
def xnat(make_xnat: MakeXNAT) -> XNAT:
    """A server that builds nothing by itself, with project P1."""
    server = make_xnat(replace(FAST, rebuild_idle=600))
    server.has_project("P1")
    return server


@pytest.fixture
def series(tmp_path: Path) -> dict[str, bytes]:
    return members(samples.write_series(tmp_path / "series"))


def test_a_plain_upload_keeps_receiving(xnat: XNAT, series: dict[str, bytes]) -> None:
    send_zip(xnat, series, project="P1")
    assert statuses(xnat) == ["RECEIVING"]


@pytest.mark.parametrize(
    "parameters",
    [
        {"dest": "/prearchive/projects/P1"},
        {"dest": "/prearchive", "project": "P1"},
        {"action": "commit", "project": "P1"},
        {"handler": "SI", "project": "P1"},
    ],
)
def test_a_destination_a_commit_or_the_session_importer_build_at_once(
    xnat: XNAT, series: dict[str, bytes], parameters: dict[str, str]
) -> None:
    (uri,) = uris(send_zip(xnat, series, None, **parameters))
    assert uri.startswith("/data/prearchive/projects/P1/")
    assert statuses(xnat) == ["READY"]


def test_idle_sessions_are_built(xnat: XNAT, series: dict[str, bytes]) -> None:
    send_zip(xnat, series, project="P1")
    xnat.settings.rebuild_idle = 0.1
    wait_until(lambda: statuses(xnat) == ["READY"])


def test_idle_sessions_of_auto_archiving_projects_are_archived(
    xnat: XNAT, series: dict[str, bytes]
) -> None:
    xnat.has_project("AUTO", code=4)
    send_zip(xnat, series, project="AUTO")
    xnat.settings.rebuild_idle = 0.1
    wait_until(lambda: not rows(xnat))
    assert xnat.store.items.experiment_in("AUTO", "SUB001_MR1")


def test_what_the_import_built_stays_even_on_auto_archiving_projects(
    xnat: XNAT, series: dict[str, bytes]
) -> None:
    xnat.has_project("AUTO", code=4)
    send_zip(xnat, series, dest="/prearchive/projects/AUTO")
    xnat.app.settings.rebuild_idle = 0.0
    send_zip(xnat, series, project="P1")
    wait_until(lambda: statuses(xnat) == ["READY", "READY"])


@pytest.mark.parametrize("hold", [{"SOURCE": "uploader"}, {"prevent_auto_commit": "true"}])
def test_sessions_that_wait_for_their_commit_are_left_alone(
    xnat: XNAT, series: dict[str, bytes], hold: dict[str, str]
) -> None:
    send_object(xnat, series["mr1_0001.dcm"], PROJECT_ID="P1", **hold)
    send_zip(xnat, series, project="P1", session="OTHER")
    xnat.settings.rebuild_idle = 0.0
    wait_until(lambda: "READY" in statuses(xnat))
    assert statuses(xnat) == ["RECEIVING", "READY"]


def test_sequential_batches_of_a_study_share_a_session(
    xnat: XNAT, series: dict[str, bytes]
) -> None:
    answers = [
        send_zip(xnat, {name: data}, dest="/prearchive/projects/P1").text
        for name, data in series.items()
    ]
    assert len(set(answers)) == 1
    assert statuses(xnat) == ["READY"]


def test_parallel_batches_of_a_study_join_one_session(xnat: XNAT, tmp_path: Path) -> None:
    series = members(samples.write_series(tmp_path / "many", instances=40))
    names = sorted(series)
    answers: list[str] = []

    def send(batch: list[str]) -> None:
        files = {name: series[name] for name in batch}
        answers.append(send_zip(xnat, files, project="P1").text)

    threads = [threading.Thread(target=send, args=(names[n::8],)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 8 and len(set(answers)) == 1
    assert len(list((xnat.data / "prearchive").rglob("*.dcm"))) == 40


def test_another_session_name_makes_another_row(xnat: XNAT, series: dict[str, bytes]) -> None:
    send_zip(xnat, series, project="P1", session="A")
    send_zip(xnat, series, project="P1", session="B")
    assert [row["name"] for row in rows(xnat)] == ["A", "B"]


@pytest.mark.parametrize("handler", ["DICOM-zip", "SI", "gradual-DICOM"])
@pytest.mark.parametrize("status", ["RECEIVING", "READY", "CONFLICT", "ERROR"])
def test_a_row_is_joined_whatever_subject_it_is_of(
    xnat: XNAT, series: dict[str, bytes], handler: str, status: str
) -> None:
    built = {} if status == "RECEIVING" else {"dest": "/prearchive/projects/P1"}
    (first,) = uris(send_zip(xnat, series, None, project="P1", subject="A", session="E", **built))
    prearchive = intake_of(xnat.app).prearchive
    (staged,) = prearchive.all()
    prearchive.set_status(staged, status)
    if handler == "gradual-DICOM":
        labels = {"PROJECT_ID": "P1", "SUBJECT_ID": "B", "EXPT_LABEL": "E"}
        second = send_object(xnat, series["mr1_0001.dcm"], **labels)
    else:
        labels = {"project": "P1", "subject": "B", "session": "E"}
        second = send_zip(xnat, series, None, handler=handler, **labels)
    assert uris(second) == [first]
    (row,) = rows(xnat)
    assert (row["subject"], row["status"]) == ("A", "READY" if handler == "SI" else "RECEIVING")


def test_a_file_for_a_built_session_makes_it_receive_again(
    xnat: XNAT, series: dict[str, bytes]
) -> None:
    send_zip(xnat, series, dest="/prearchive/projects/P1")
    send_zip(xnat, series, project="P1")
    assert statuses(xnat) == ["RECEIVING"]


def test_a_file_that_arrives_during_the_build_undoes_it(
    xnat: XNAT, series: dict[str, bytes]
) -> None:
    xnat.settings.build_delay = 0.5
    send_zip(xnat, series, project="P1")
    xnat.settings.rebuild_idle = 0.0
    wait_until(lambda: statuses(xnat) == ["_BUILDING"])
    xnat.settings.rebuild_idle = 600
    send_zip(xnat, series, project="P1")
    assert statuses(xnat) == ["RECEIVING_INTERRUPT"]
    wait_until(lambda: statuses(xnat) == ["RECEIVING"])


def test_a_folder_may_be_forced(xnat: XNAT, series: dict[str, bytes]) -> None:
    dest = "/prearchive/projects/P1/20200101_000000000/MINE"
    (uri,) = uris(send_zip(xnat, series, dest=dest))
    assert uri == f"/data{dest}"
    (row,) = rows(xnat)
    assert (row["folderName"], row["name"]) == ("MINE", "SUB001_MR1")


def test_a_forced_folder_with_another_study_refuses_the_object(
    xnat: XNAT, series: dict[str, bytes], tmp_path: Path
) -> None:
    dest = "/prearchive/projects/P1/20200101_000000000/MINE"
    other = members(samples.write_series(tmp_path / "other", patient="SUB002"))
    send_zip(xnat, series, dest=dest)
    assert send_zip(xnat, other, dest=dest).status_code == 400


def test_a_forced_folder_in_unassigned_gets_a_suffix(
    xnat: XNAT, series: dict[str, bytes], tmp_path: Path
) -> None:
    forced = {"PREARC_TIMESTAMP": "20200101_000000000", "PREARC_SESSION_FOLDER": "X"}
    send_object(xnat, series["mr1_0001.dcm"], **forced)
    (other,) = members(samples.write_series(tmp_path / "o", instances=1, patient="Z")).values()
    (uri,) = uris(send_object(xnat, other, **forced))
    assert uri == "/data/prearchive/projects/Unassigned/20200101_000000000/X_1"


def test_a_session_without_objects_left_ends_as_error(xnat: XNAT, series: dict[str, bytes]) -> None:
    send_zip(xnat, series, project="P1")
    for path in (xnat.data / "prearchive").rglob("*.dcm"):
        path.unlink()
    xnat.settings.rebuild_idle = 0.0
    wait_until(lambda: statuses(xnat) == ["ERROR"])


def test_two_series_of_one_number_become_two_scans(xnat: XNAT, tmp_path: Path) -> None:
    one = samples.write_series(tmp_path / "1")
    two = samples.write_series(tmp_path / "2", series_uid="1.2.3", suffix=".ima")
    (uri,) = uris(send_zip(xnat, members([*one, *two]), dest="/prearchive/projects/P1"))
    scans = rows(xnat, f"{uri}/scans")
    assert [scan["ID"] for scan in scans] == ["1", "1-MR1"]


def test_later_files_of_a_renumbered_series_find_their_scan(xnat: XNAT, tmp_path: Path) -> None:
    one = samples.write_series(tmp_path / "1")
    two = samples.write_series(tmp_path / "2", series_uid="1.2.3", instances=4, suffix=".ima")
    dest = "/prearchive/projects/P1"
    send_zip(xnat, members([*one, *two[:2]]), dest=dest)
    (uri,) = uris(send_zip(xnat, members(two[2:]), dest=dest))
    assert rows(xnat, f"{uri}/scans/1-MR1/resources")[0]["file_count"] == "4"


@contextmanager
def running(data: Path, idle: float) -> Iterator[XNAT]:
    server = XNAT(data, replace(FAST, rebuild_idle=idle))
    try:
        yield server
    finally:
        server.stop()


def test_sessions_survive_a_restart(tmp_path: Path, series: dict[str, bytes]) -> None:
    with running(tmp_path / "x", idle=600) as first:
        first.has_project("P1")
        send_zip(first, series, project="P1")
    with running(tmp_path / "x", idle=0.1) as second:
        wait_until(lambda: statuses(second) == ["READY"])


@pytest.mark.parametrize(
    ("status", "after"),
    [("_BUILDING", "RECEIVING"), ("_ARCHIVING", "READY"), ("QUEUED_MOVING", "READY")],
)
def test_operations_cut_off_by_a_kill_are_undone(
    tmp_path: Path, series: dict[str, bytes], status: str, after: str
) -> None:
    with running(tmp_path / "x", idle=600) as first:
        first.has_project("P1")
        send_zip(first, series, dest="/prearchive/projects/P1")
        first.store.database.execute("UPDATE prearchive SET status=?", (status,))
    with running(tmp_path / "x", idle=600) as second:
        assert statuses(second) == [after]
