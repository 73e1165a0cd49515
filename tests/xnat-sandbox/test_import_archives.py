"""Imports that archive at once, and what they may change."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.archiving import ARCHIVED, EXISTS
from support.imports import members, send_zip, statuses, uris
from support.sandbox import XNAT
from xnat_sandbox import samples

pytestmark = pytest.mark.usefixtures("builds_nothing")


@pytest.mark.parametrize(
    "parameters",
    [
        {"dest": "/archive/projects/P1"},
        {"dest": "/archive", "project": "P1"},
        {"action": "commit", "AA": "true", "project": "P1"},
        {"handler": "SI", "AA": "true", "project": "P1"},
    ],
)
def test_an_import_may_archive_at_once(
    xnat: XNAT, series: dict[str, bytes], parameters: dict[str, str]
) -> None:
    assert uris(send_zip(xnat, series, None, **parameters)) == [ARCHIVED]


def test_the_session_importer_archives_for_auto_archiving_projects(
    xnat: XNAT, series: dict[str, bytes]
) -> None:
    xnat.has_project("P4", code=4)
    (uri,) = uris(send_zip(xnat, series, handler="SI", project="P4"))
    assert uri.startswith("/data/archive/projects/P4/")


def test_the_session_importer_archives_one_session_only(
    xnat: XNAT, series: dict[str, bytes], tmp_path: Path
) -> None:
    other = members(samples.write_series(tmp_path / "o", patient="SUB002", series=2))
    response = send_zip(xnat, {**series, **other}, handler="SI", AA="true", project="P1")
    assert response.status_code == 400


def test_a_destination_names_subject_and_session(xnat: XNAT, series: dict[str, bytes]) -> None:
    dest = "/archive/projects/P1/subjects/S5/experiments/E5"
    assert uris(send_zip(xnat, series, dest=dest)) == [f"/data{dest}"]


def test_an_import_into_no_project_cannot_archive(xnat: XNAT, series: dict[str, bytes]) -> None:
    assert send_zip(xnat, series, dest="/archive").status_code == 400


@pytest.mark.parametrize(("handler", "status"), [("DICOM-zip", 400), ("SI", 409)])
def test_conflicts_of_an_import_depend_on_the_handler(
    xnat: XNAT, series: dict[str, bytes], handler: str, status: int
) -> None:
    parameters = {"handler": handler, "dest": "/archive/projects/P1"}
    send_zip(xnat, series, None, **parameters)
    response = send_zip(xnat, series, None, **parameters)
    assert (response.status_code, EXISTS in response.text) == (status, True)
    assert statuses(xnat) == ["CONFLICT"]


# (overwrite, overwrite_files, prearchive code) to what a second import of a series answers: when
# it brings other files, and when it brings the same.
MERGES: list[tuple[dict[str, str], int, int, int]] = [
    ({}, 0, 400, 400),
    ({}, 4, 200, 400),
    ({}, 5, 200, 200),
    ({"overwrite": "append"}, 0, 200, 400),
    ({"overwrite": "append", "overwrite_files": "true"}, 0, 200, 200),
    ({"overwrite": "none"}, 0, 200, 400),
    ({"overwrite": "delete"}, 0, 200, 200),
    ({"overwrite": "override"}, 0, 200, 200),
]


@pytest.mark.parametrize(("parameters", "code", "others", "same"), MERGES)
def test_overwrite_decides_what_an_import_may_change(
    xnat: XNAT,
    series: dict[str, bytes],
    parameters: dict[str, str],
    code: int,
    others: int,
    same: int,
) -> None:
    xnat.has_project("Q", code=code)
    (first, *rest) = series.items()
    dest = {"dest": "/archive/projects/Q"}
    assert send_zip(xnat, dict([first]), None, **dest).status_code == 200
    assert send_zip(xnat, dict(rest), None, **dest, **parameters).status_code == others
    if others == 200:
        assert send_zip(xnat, series, None, **dest, **parameters).status_code == same


def test_a_committed_direct_archive_is_refused(xnat: XNAT, series: dict[str, bytes]) -> None:
    response = send_zip(xnat, series, project="P1", Direct_Archive="true", action="commit")
    assert response.status_code == 400
