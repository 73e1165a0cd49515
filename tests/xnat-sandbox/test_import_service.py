"""POST /data/services/import: where it puts what it takes, and what it answers."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests

from support.imports import (
    IMPORT,
    ZIP,
    members,
    message,
    post,
    rows,
    send_zip,
    staged_files,
    uris,
    zipped,
)
from support.sandbox import XNAT
from xnat_sandbox import samples

pytestmark = pytest.mark.usefixtures("builds_nothing")


def test_an_upload_is_staged_and_its_uri_answered(xnat: XNAT, series: dict[str, bytes]) -> None:
    response = send_zip(xnat, series, project="P1")
    (row,) = rows(xnat)
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/uri-list")
    assert response.text == f"/data/prearchive/projects/P1/{row['timestamp']}/SUB001_MR1\r\n"
    assert staged_files(xnat, uris(response)[0]) == [f"SCANS/1/DICOM/{n}" for n in series]


def test_several_studies_answer_several_lines(xnat: XNAT, tmp_path: Path) -> None:
    one = members(samples.write_series(tmp_path / "1", instances=1))
    two = members(
        samples.write_series(tmp_path / "2", instances=1, patient="SUB002", modality="CT")
    )
    found = uris(send_zip(xnat, {**one, **two}, project="P1"))
    assert [uri.rpartition("/")[2] for uri in found] == ["SUB001_MR1", "SUB002_CT1"]


def test_parameters_name_subject_and_session(xnat: XNAT, series: dict[str, bytes]) -> None:
    send_zip(xnat, series, project="P1", subject="S9", session="E9")
    (row,) = rows(xnat)
    assert (row["subject"], row["name"], row["folderName"]) == ("S9", "E9", "E9")


def test_comments_in_the_objects_name_everything(xnat: XNAT, tmp_path: Path) -> None:
    paths = samples.write_series(tmp_path / "c", comments="Project:P1 Subject:S7 Session:E7")
    send_zip(xnat, members(paths))
    (row,) = rows(xnat)
    assert (row["project"], row["subject"], row["name"]) == ("P1", "S7", "E7")


def test_an_unknown_project_falls_through_to_the_one_the_objects_name(
    xnat: XNAT, tmp_path: Path
) -> None:
    paths = samples.write_series(tmp_path / "c", study_description="P1")
    (uri,) = uris(send_zip(xnat, members(paths), project="NOPE"))
    assert uri.startswith("/data/prearchive/projects/P1/")


def test_without_any_project_data_go_to_unassigned(xnat: XNAT, series: dict[str, bytes]) -> None:
    (uri,) = uris(send_zip(xnat, series, project="NOPE"))
    assert uri.startswith("/data/prearchive/projects/Unassigned/")


def test_a_project_closed_to_the_sender_counts_as_unknown(
    xnat: XNAT, series: dict[str, bytes]
) -> None:
    bob = xnat.has_user("bob", P1="collaborator")
    (uri,) = uris(send_zip(xnat, series, project="P1", auth=bob))
    assert uri.startswith("/data/prearchive/projects/Unassigned/")


def test_the_session_importer_refuses_a_closed_project(
    xnat: XNAT, series: dict[str, bytes]
) -> None:
    bob = xnat.has_user("bob", P1="collaborator")
    response = send_zip(xnat, series, handler="SI", project="P1", auth=bob)
    assert response.status_code == 403


@pytest.mark.parametrize("handler", ["XAR", "nope"])
def test_an_unknown_handler_is_not_found(
    xnat: XNAT, series: dict[str, bytes], handler: str
) -> None:
    assert send_zip(xnat, series, handler=handler).status_code == 404


@pytest.mark.parametrize(("parameters", "status"), [({"import-handler": "SI"}, 400), ({}, 500)])
def test_a_request_without_a_file_is_refused(
    xnat: XNAT, parameters: dict[str, str], status: int
) -> None:
    response = post(xnat, IMPORT, params=parameters)
    assert (response.status_code, message(response)) == (
        status,
        "Unable to identify upload format.",
    )


def test_two_files_in_one_form_are_refused(xnat: XNAT, series: dict[str, bytes]) -> None:
    files = [("a", ("a.zip", zipped(series))), ("b", ("b.zip", zipped(series)))]
    assert post(xnat, IMPORT, params={"project": "P1"}, files=files).status_code == 400


def test_inbody_with_a_form_is_an_error(xnat: XNAT, series: dict[str, bytes]) -> None:
    response = post(xnat, IMPORT, params=ZIP, files={"a": ("a.zip", zipped(series))})
    assert response.status_code == 500


@pytest.mark.parametrize("dest", ["/nowhere", "/prearchive/P1", "/archive/projects/P1/x"])
def test_a_malformed_destination_is_refused(
    xnat: XNAT, series: dict[str, bytes], dest: str
) -> None:
    assert send_zip(xnat, series, dest=dest).status_code == 400


@pytest.mark.parametrize(
    ("parameters", "status"),
    [
        ({"prearchive_code": "1", "overwrite": "append", "project": "P1"}, 400),
        ({"prearchive_code": "1"}, 500),
        ({"prearchive_code": "1", "project": "P1"}, 200),
        ({"prearchive_code": "0", "overwrite": "append", "project": "P1"}, 200),
    ],
)
def test_prearchive_code_one_takes_over_from_overwrite(
    xnat: XNAT, series: dict[str, bytes], parameters: dict[str, str], status: int
) -> None:
    response = post(xnat, IMPORT, params=parameters, files={"file": ("a.zip", zipped(series))})
    assert response.status_code == status


def test_browser_uploaders_get_errors_as_pages_with_200(
    xnat: XNAT, series: dict[str, bytes]
) -> None:
    response = send_zip(xnat, series, dest="/nowhere", format="html")
    assert (response.status_code, response.headers["Content-Type"][:9]) == (200, "text/html")
    assert "Invalid destination" in response.text


def test_files_come_from_the_user_cache_too(xnat: XNAT, series: dict[str, bytes]) -> None:
    place = xnat.store.disk.cache / "admin" / "X"
    place.mkdir(parents=True)
    (place / "a.zip").write_bytes(zipped(series))
    source = "/user/cache/resources/X/files/a.zip"
    response = post(
        xnat, IMPORT, params={"import-handler": "DICOM-zip", "project": "P1", "src": source}
    )
    assert len(staged_files(xnat, uris(response)[0])) == len(series)


def test_routing_rules_of_the_site_come_before_the_objects_comments(
    xnat: XNAT, tmp_path: Path
) -> None:
    xnat.has_project("P2")
    rules = {"projectRules": "(0008,103e):to (\\w+)", "sessionRules": "(0010,0020):^(\\w\\w):1"}
    for name, text in rules.items():
        xnat.store.tools.put("", "dicom", name, text, user="admin")
    paths = samples.write_series(tmp_path / "r", description="to P2", comments="Project:P1")
    send_zip(xnat, members(paths))
    (row,) = rows(xnat)
    assert (row["project"], row["name"]) == ("P2", "SU")


def test_a_listener_tells_how_the_import_went(xnat: XNAT, series: dict[str, bytes]) -> None:
    send_zip(xnat, series, project="P1", dest="/archive", http_session_listener="K1")
    answer = requests.get(xnat.url + "/data/status/K1?format=json", auth=xnat.admin, timeout=9)
    (messages,) = answer.json()["msgs"]
    assert messages[-1] == {
        "status": "COMPLETED",
        "msg": "Archive:/archive/projects/P1/subjects/SUB001/experiments/SUB001_MR1",
        "terminal": True,
    }
    tracking = requests.get(xnat.url + "/xapi/event_tracking/K1", auth=xnat.admin, timeout=9)
    assert tracking.json()["succeeded"] is True


def test_nobody_sees_the_listeners_of_others(xnat: XNAT, series: dict[str, bytes]) -> None:
    send_zip(xnat, series, project="P1", http_session_listener="K1")
    bob = xnat.has_user("bob", P1="owner")
    answer = requests.get(xnat.url + "/xapi/event_tracking/K1", auth=bob, timeout=9)
    assert answer.status_code == 404
