"""Listing the prearchive, looking into sessions, and acting on them."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
import requests

from support.imports import members, message, post, rows, send_zip, statuses, uris
from support.sandbox import XNAT
from xnat_sandbox import samples

pytestmark = pytest.mark.usefixtures("builds_nothing")


COLUMNS = [
    *("project", "timestamp", "lastmod", "uploaded", "scan_date", "scan_time", "subject"),
    *("folderName", "name", "tag", "status", "url", "autoarchive", "prevent_anon"),
    *("prevent_auto_commit", "SOURCE", "VISIT", "PROTOCOL", "TIMEZONE"),
]


@pytest.fixture
def received(xnat: XNAT, series: dict[str, bytes]) -> str:
    """The address of a session in P1 that is not built."""
    (uri,) = uris(send_zip(xnat, series, project="P1"))
    return uri


def get(xnat: XNAT, path: str, **options: Any) -> requests.Response:
    options.setdefault("auth", xnat.admin)
    return requests.get(xnat.url + path, timeout=30, **options)


def test_a_row_has_the_documented_columns(xnat: XNAT, staged: str) -> None:
    (row,) = rows(xnat)
    assert list(row) == COLUMNS
    assert row["url"] == staged.removeprefix("/data")
    assert row["scan_date"] == "2024-04-30 00:00:00.0"
    assert (row["autoarchive"], row["prevent_anon"], row["SOURCE"]) == ("Manual", "false", "")


def test_the_list_has_neither_title_nor_total(xnat: XNAT) -> None:
    answer = get(xnat, "/data/prearchive?format=json").json()
    assert answer == {"ResultSet": {"Result": []}}


def test_projects_can_be_listed_together(xnat: XNAT, staged: str, tmp_path: Path) -> None:
    other = members(samples.write_series(tmp_path / "o", patient="SUB002"))
    send_zip(xnat, other, project="P2")
    assert len(rows(xnat, "/data/prearchive/projects/P1")) == 1
    assert len(rows(xnat, "/data/prearchive/projects/P1,P2")) == 2


def test_a_study_can_be_looked_for(xnat: XNAT, staged: str) -> None:
    (row,) = rows(xnat)
    answer = get(xnat, f"/data/prearchive?format=json&tag={row['tag']}").json()
    assert len(answer["ResultSet"]["Result"]) == 1
    answer = get(xnat, "/data/prearchive?format=json&tag=1.2").json()
    assert answer["ResultSet"]["Result"] == []


def test_an_unknown_project_has_no_rows_a_closed_one_is_not_found(xnat: XNAT, staged: str) -> None:
    bob = xnat.has_user("bob", P2="owner")
    assert rows(xnat, "/data/prearchive/projects/NOPE", auth=bob) == []
    assert get(xnat, "/data/prearchive/projects/P1?format=json", auth=bob).status_code == 404
    tag = rows(xnat)[0]["tag"]
    assert get(xnat, f"/data/prearchive?tag={tag}", auth=bob).status_code == 404


def test_users_see_what_they_may_edit(xnat: XNAT, staged: str) -> None:
    assert rows(xnat, auth=xnat.has_user("bob", P1="member"))
    assert rows(xnat, auth=xnat.has_user("eve", P1="collaborator")) == []


def test_unassigned_rows_are_for_those_who_see_all(xnat: XNAT, series: dict[str, bytes]) -> None:
    send_zip(xnat, series)
    assert [row["project"] for row in rows(xnat, "/data/prearchive/projects/P1")] == ["Unassigned"]
    assert rows(xnat, auth=xnat.has_user("bob", P1="owner")) == []


def test_an_auto_archiving_project_shows_in_the_row(xnat: XNAT, series: dict[str, bytes]) -> None:
    xnat.has_project("P5", code=5)
    send_zip(xnat, series, project="P5")
    assert rows(xnat)[0]["autoarchive"] == "AutoArchiveOverwrite"


def test_the_table_can_be_made_anew_from_the_disk(xnat: XNAT, staged: str) -> None:
    xnat.store.database.execute("DELETE FROM prearchive")
    url = xnat.url + "/data/prearchive"
    assert requests.put(url, auth=xnat.admin, timeout=30).status_code == 200
    assert [row["url"] for row in rows(xnat)] == [staged.removeprefix("/data")]
    bob = xnat.has_user("bob", P1="owner")
    assert requests.put(url, auth=bob, timeout=30).status_code == 404


def test_a_session_is_shown_as_row_document_and_zip(xnat: XNAT, staged: str) -> None:
    assert len(rows(xnat, staged)) == 1
    document = get(xnat, staged)
    assert document.headers["Content-Type"].startswith("text/xml")
    assert "<xnat:MRSession" in document.text
    archive = zipfile.ZipFile(io.BytesIO(get(xnat, f"{staged}?format=zip").content))
    assert len(archive.namelist()) == 3


def test_a_missing_session_is_an_empty_list_but_no_document(xnat: XNAT) -> None:
    path = "/data/prearchive/projects/P1/20200101_000000000/X"
    assert rows(xnat, path) == []
    assert get(xnat, path).status_code == 404
    assert get(xnat, "/data/prearchive/projects/NOPE/T/X?format=json").status_code == 500


def test_looking_into_a_session_needs_edit_rights(xnat: XNAT, staged: str) -> None:
    eve = xnat.has_user("eve", P1="collaborator")
    assert get(xnat, f"{staged}?format=json", auth=eve).status_code == 403


def test_scans_are_listed_once_the_session_is_built(xnat: XNAT, staged: str) -> None:
    assert rows(xnat, f"{staged}/scans") == [
        {"ID": "1", "xsiType": "xnat:mrScanData", "series_description": "MPRAGE"}
    ]


def test_scans_of_an_unbuilt_session_are_not_found(xnat: XNAT, received: str) -> None:
    assert get(xnat, f"{received}/scans?format=json").status_code == 404


def test_resources_and_files_are_listed(xnat: XNAT, staged: str, series: dict[str, bytes]) -> None:
    size = str(sum(map(len, series.values())))
    assert rows(xnat, f"{staged}/scans/1/resources") == [
        {"label": "DICOM", "file_count": "3", "file_size": size}
    ]
    (resource,) = rows(xnat, f"{staged}/resources")
    assert (resource["category"], resource["cat_id"]) == ("scans", "1")
    files = rows(xnat, f"{staged}/scans/1/resources/DICOM/files")
    assert [file["Name"] for file in files] == list(series)
    assert get(xnat, files[0]["URI"]).content == series[files[0]["Name"]]
    assert get(xnat, f"{staged}/scans/1/resources/DICOM/files/nope").status_code == 404


def test_a_scan_can_be_deleted(xnat: XNAT, series: dict[str, bytes], tmp_path: Path) -> None:
    second = members(samples.write_series(tmp_path / "2", series=2))
    (uri,) = uris(send_zip(xnat, {**series, **second}, dest="/prearchive/projects/P1"))
    url = f"{xnat.url}{uri}/scans/"
    assert requests.delete(url + "2", auth=xnat.admin, timeout=30).status_code == 200
    assert [scan["ID"] for scan in rows(xnat, f"{uri}/scans")] == ["1"]
    assert requests.delete(url + "2", auth=xnat.admin, timeout=30).status_code == 404


def test_session_resources_can_be_put_read_replaced_and_deleted(xnat: XNAT, staged: str) -> None:
    url = f"{xnat.url}{staged}/resources/NOTES/files/a.txt"
    for data in (b"one", b"two"):
        assert requests.put(url, data=data, auth=xnat.admin, timeout=30).status_code == 200
    assert requests.get(url, auth=xnat.admin, timeout=30).content == b"two"
    assert [row["label"] for row in rows(xnat, f"{staged}/resources")] == ["DICOM", "NOTES"]
    assert requests.delete(url, auth=xnat.admin, timeout=30).status_code == 200
    assert requests.delete(url, auth=xnat.admin, timeout=30).status_code == 404


def test_the_log_tells_why_a_session_was_not_archived(xnat: XNAT, staged: str) -> None:
    xnat.settings.archive_fault = lambda label: "because"
    post(xnat, "/data/services/archive", data={"src": staged})
    (entry,) = rows(xnat, f"{staged}/logs")
    assert (entry["id"], entry["entry"]) == ("0", "because")
    assert get(xnat, f"{staged}/logs?format=json&template=ids").json() == {
        "ResultSet": {"Result": [{"id": "0"}]}
    }
    assert get(xnat, f"{staged}/logs/last").text == "because"
    assert get(xnat, f"{staged}/logs/0").text == "because"


def test_build_answers_the_uri(xnat: XNAT, received: str) -> None:
    response = post(xnat, f"{received}?action=build")
    assert uris(response) == [received]
    assert statuses(xnat) == ["READY"]


def test_commit_leaves_the_session_of_a_manual_project(xnat: XNAT, received: str) -> None:
    assert uris(post(xnat, f"{received}?action=commit")) == [received]
    assert statuses(xnat) == ["READY"]


@pytest.mark.parametrize(("code", "parameters"), [(0, "&AA=true"), (4, "")])
def test_commit_that_archives_answers_301_without_a_location(
    xnat: XNAT, series: dict[str, bytes], code: int, parameters: str
) -> None:
    xnat.has_project("P4", code=code)
    (uri,) = uris(send_zip(xnat, series, project="P4"))
    response = post(xnat, f"{uri}?action=commit{parameters}")
    assert response.status_code == 301
    assert "Location" not in response.headers
    assert response.text == "/data/archive/projects/P4/subjects/SUB001/experiments/SUB001_MR1\r\n"
    assert rows(xnat) == []


def test_a_conflict_behind_commit_is_500(xnat: XNAT, received: str) -> None:
    xnat.has_session("P1", "SUB001", "SUB001_MR1")
    response = post(xnat, f"{received}?action=commit&AA=true")
    assert response.status_code == 500
    assert statuses(xnat) == ["CONFLICT"]


def test_move_answers_301_with_the_new_uri(xnat: XNAT, staged: str) -> None:
    response = post(xnat, f"{staged}?action=move&newProject=P2")
    (row,) = rows(xnat)
    assert response.status_code == 301
    assert "Location" not in response.headers
    assert response.text == f"/data{row['url']}\r\n"
    assert (row["project"], row["status"]) == ("P2", "READY")
    assert rows(xnat, f"/data{row['url']}/scans")


def test_anybody_may_move_data_out_of_unassigned(xnat: XNAT, series: dict[str, bytes]) -> None:
    (uri,) = uris(send_zip(xnat, series))
    bob = xnat.has_user("bob", P1="owner")
    assert get(xnat, f"{uri}?format=json", auth=bob).status_code == 500
    assert post(xnat, f"{uri}?action=move&newProject=P1", auth=bob).status_code == 301
    assert [row["project"] for row in rows(xnat)] == ["P1"]


def test_a_move_onto_the_same_session_is_a_conflict(
    xnat: XNAT, staged: str, series: dict[str, bytes]
) -> None:
    send_zip(xnat, series, project="P2")
    assert post(xnat, f"{staged}?action=move&newProject=P2").status_code == 409


def test_a_move_needs_rights_in_the_target(xnat: XNAT, staged: str) -> None:
    bob = xnat.has_user("bob", P1="owner", P2="collaborator")
    assert post(xnat, f"{staged}?action=move&newProject=P2", auth=bob).status_code == 403


@pytest.mark.parametrize(
    ("action", "status"),
    [
        ("build", 500),
        ("commit", 404),
        ("move&newProject=P2", 404),
        ("reset-status", 500),
        ("set-status&status=READY", 400),
        ("rebuild", 400),
        ("", 400),
    ],
)
def test_actions_on_a_missing_session_fail_each_in_its_way(
    xnat: XNAT, action: str, status: int
) -> None:
    path = f"/data/prearchive/projects/P1/20200101_000000000/X?action={action}"
    assert post(xnat, path).status_code == status


def test_rebuild_is_no_action(xnat: XNAT, staged: str) -> None:
    assert post(xnat, f"{staged}?action=rebuild").status_code == 400


def test_the_status_can_be_set_to_what_exists(xnat: XNAT, staged: str) -> None:
    assert post(xnat, f"{staged}?action=set-status&status=ERROR").status_code == 200
    assert statuses(xnat) == ["ERROR"]
    for wrong in ("DONE", "_BUILDING"):
        assert post(xnat, f"{staged}?action=set-status&status={wrong}").status_code == 400


def test_reset_status_frees_a_locked_session(xnat: XNAT, staged: str) -> None:
    xnat.store.database.execute("UPDATE prearchive SET status='_ARCHIVING'")
    locked = post(xnat, f"{staged}?action=build")
    assert (locked.status_code, message(locked)) == (409, "session document locked")
    moved = post(xnat, f"{staged}?action=move&newProject=P2")
    assert (moved.status_code, moved.content) == (200, b"")
    assert post(xnat, f"{staged}?action=reset-status").status_code == 200
    assert statuses(xnat) == ["READY"]


def test_delete_is_synchronous(xnat: XNAT, staged: str) -> None:
    url = xnat.url + staged
    assert requests.delete(url + "/x", auth=xnat.admin, timeout=30).status_code == 400
    assert requests.delete(url, auth=xnat.admin, timeout=30).status_code == 200
    assert rows(xnat) == []
    assert not list((xnat.data / "prearchive").rglob("*.dcm"))
    assert requests.delete(url, auth=xnat.admin, timeout=30).status_code == 404


def test_paths_that_no_route_knows_are_refused_for_writing(xnat: XNAT, staged: str) -> None:
    url = f"{xnat.url}{staged}/assessors/1"
    assert requests.put(url, auth=xnat.admin, timeout=30).status_code == 400
    assert requests.delete(url, auth=xnat.admin, timeout=30).status_code == 400
    assert requests.get(url, auth=xnat.admin, timeout=30).text.startswith("<?xml")


def test_a_locked_session_is_not_deleted(xnat: XNAT, staged: str) -> None:
    xnat.store.database.execute("UPDATE prearchive SET status='_BUILDING'")
    assert requests.delete(xnat.url + staged, auth=xnat.admin, timeout=30).status_code == 409
