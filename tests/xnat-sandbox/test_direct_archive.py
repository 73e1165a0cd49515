"""Data written straight into the archive, and the ways in which they are not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests

from support.imports import members, post, rows, send_object, send_zip, uris, wait_until
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


def send(xnat: XNAT, files: dict[str, bytes], **parameters: str) -> str:
    (uri,) = uris(send_zip(xnat, files, None, project="P1", Direct_Archive="true", **parameters))
    return uri


def get(xnat: XNAT, path: str, **options: Any) -> requests.Response:
    options.setdefault("auth", xnat.admin)
    return requests.get(xnat.url + path, timeout=30, **options)


def archived(xnat: XNAT) -> bool:
    return xnat.store.items.experiment_in("P1", "SUB001_MR1") is not None


def test_the_uri_names_the_study(xnat: XNAT, series: dict[str, bytes]) -> None:
    uri = send(xnat, series)
    assert uri.startswith("/xapi/direct-archive/P1/1.2.826.")
    assert uri.endswith("/SUB001_MR1")
    assert rows(xnat) == []
    place = xnat.data / "archive/P1/arc001/SUB001_MR1/SCANS/1/DICOM"
    assert sorted(path.name for path in place.iterdir()) == list(series)


def test_a_subject_is_found_by_its_id_before_its_label(
    xnat: XNAT, series: dict[str, bytes]
) -> None:
    other = xnat.has_subject("P2", "ANN")
    xnat.has_subject("P1", other.id)
    assert post(xnat, send(xnat, series, subject=other.id)).status_code == 200
    wait_until(lambda: archived(xnat))
    found = xnat.store.items.experiment_in("P1", "SUB001_MR1")
    assert found is not None and found.subject_id == other.id


def test_nothing_is_archived_at_once(xnat: XNAT, series: dict[str, bytes]) -> None:
    row = get(xnat, send(xnat, series)).json()
    assert (row["project"], row["session"], row["status"]) == ("P1", "SUB001_MR1", "RECEIVING")
    assert not archived(xnat)


def test_an_idle_session_is_archived_where_it_lies(xnat: XNAT, series: dict[str, bytes]) -> None:
    uri = send(xnat, series)
    xnat.settings.rebuild_idle = 0.1
    wait_until(lambda: archived(xnat))
    wait_until(lambda: get(xnat, uri).status_code == 404)
    found = xnat.store.items.experiment_in("P1", "SUB001_MR1")
    assert found is not None
    (scan,) = xnat.store.items.scans(found.id)
    assert xnat.files(scan, "DICOM") == series


def test_a_post_queues_the_session_now(xnat: XNAT, series: dict[str, bytes]) -> None:
    assert post(xnat, send(xnat, series)).status_code == 200
    wait_until(lambda: archived(xnat))


def test_a_session_past_receiving_is_not_triggered_again(
    xnat: XNAT, series: dict[str, bytes]
) -> None:
    xnat.settings.build_delay = 1
    uri = send(xnat, series)
    post(xnat, uri)
    again = post(xnat, uri)
    assert (again.status_code, "Refusing to trigger archive" in again.text) == (500, True)


def test_batches_of_a_study_share_the_row(xnat: XNAT, series: dict[str, bytes]) -> None:
    assert len({send(xnat, {name: data}) for name, data in series.items()}) == 1


def test_single_objects_may_be_archived_directly(xnat: XNAT, series: dict[str, bytes]) -> None:
    data = series["mr1_0001.dcm"]
    (uri,) = uris(send_object(xnat, data, PROJECT_ID="P1", Direct_Archive="true"))
    assert uri.startswith("/xapi/direct-archive/P1/")


def test_data_of_no_project_are_staged(xnat: XNAT, series: dict[str, bytes]) -> None:
    (uri,) = uris(send_zip(xnat, series, Direct_Archive="true"))
    assert uri.startswith("/data/prearchive/projects/Unassigned/")


def test_data_of_a_session_that_exists_are_staged(xnat: XNAT, series: dict[str, bytes]) -> None:
    xnat.has_session("P1", "SUB001", "SUB001_MR1", {"9": {"a.dcm": b"x"}})
    assert send(xnat, series).startswith("/data/prearchive/projects/P1/")


def test_data_that_come_while_the_study_is_archived_are_staged(
    xnat: XNAT, series: dict[str, bytes]
) -> None:
    xnat.settings.build_delay = 1
    post(xnat, send(xnat, series))
    assert send(xnat, series).startswith("/data/prearchive/projects/P1/")


@pytest.mark.parametrize("change", [{"direct_archive": False}, {"version": "1.8.2"}])
def test_servers_without_direct_archive_stage(
    make_xnat: MakeXNAT, series: dict[str, bytes], change: dict[str, Any]
) -> None:
    server = make_xnat(replace(FAST, rebuild_idle=600, **change))
    server.has_project("P1")
    assert send(server, series).startswith("/data/prearchive/projects/P1/")


def test_a_failure_moves_the_session_to_the_prearchive(
    xnat: XNAT, series: dict[str, bytes]
) -> None:
    xnat.settings.archive_fault = lambda label: "no way"
    uri = send(xnat, series)
    post(xnat, uri)
    wait_until(lambda: bool(rows(xnat)) and rows(xnat)[0]["status"] == "ERROR")
    (row,) = rows(xnat)
    (entry,) = rows(xnat, f"/data{row['url']}/logs")
    assert entry["entry"] == "Attempt to direct-archive failed: no way"
    assert len(rows(xnat, f"/data{row['url']}/scans")) == 1
    assert get(xnat, uri).status_code == 404


def test_a_second_delivery_ends_as_conflict_on_auto_archiving_projects(
    xnat: XNAT, series: dict[str, bytes]
) -> None:
    xnat.store.items.update_project("P1", prearchive_code=4)
    post(xnat, send(xnat, series))
    wait_until(lambda: archived(xnat))
    send(xnat, series)
    xnat.settings.rebuild_idle = 0.1
    wait_until(lambda: [row["status"] for row in rows(xnat)] == ["CONFLICT"])


def test_a_file_that_takes_long_to_arrive_is_waited_for(
    xnat: XNAT, series: dict[str, bytes]
) -> None:
    send(xnat, series)
    intake = intake_of(xnat.app)
    (row,) = intake.direct.all()
    xnat.settings.rebuild_idle = 0
    with intake.receiver.locks.hold(intake.direct.directory(row) / "SCANS/1/DICOM/late.dcm"):
        intake.rebuilder.look()
        assert not archived(xnat)
    wait_until(lambda: archived(xnat))


def test_rows_can_be_listed_and_deleted(xnat: XNAT, series: dict[str, bytes]) -> None:
    send(xnat, series)
    (row,) = post(xnat, "/xapi/direct-archive", json={"size": 10, "page": 1}).json()
    eve = xnat.has_user("eve", P1="member")
    url = f"{xnat.url}/xapi/direct-archive/{row['id']}"
    assert requests.delete(url, auth=eve, timeout=30).status_code == 403
    assert requests.delete(url, auth=xnat.admin, timeout=30).status_code == 200
    assert not (xnat.data / "archive/P1/arc001/SUB001_MR1").exists()


def test_triggering_needs_edit_rights(xnat: XNAT, series: dict[str, bytes]) -> None:
    uri = send(xnat, series)
    eve = xnat.has_user("eve", P1="collaborator")
    assert post(xnat, uri, auth=eve).status_code == 403
    assert post(xnat, uri + "x").status_code == 404


def test_rows_survive_a_restart(tmp_path: Path, series: dict[str, bytes]) -> None:
    first = XNAT(tmp_path / "x", replace(FAST, rebuild_idle=600))
    first.has_project("P1")
    send(first, series)
    first.stop()
    second = XNAT(tmp_path / "x", replace(FAST, rebuild_idle=0.1))
    try:
        wait_until(lambda: archived(second))
    finally:
        second.stop()
