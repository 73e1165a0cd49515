"""From the prearchive into the archive: answers, conflicts, merging."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from support.imports import members, post, rows, send_zip, statuses, uris, wait_until
from support.sandbox import FAST, XNAT
from xnat_sandbox import samples
from xnat_sandbox.model import Experiment, Owner

MakeXNAT = Callable[..., XNAT]
ARCHIVE = "/data/services/archive"
ARCHIVED = "/data/archive/projects/P1/subjects/SUB001/experiments/SUB001_MR1"
EXISTS = "Session already exists, retry with overwrite enabled"
MATCHING = "Session already exists with matching files."


@pytest.fixture
def xnat(make_xnat: MakeXNAT) -> XNAT:
    """A server that builds nothing by itself, with project P1."""
    server = make_xnat(replace(FAST, rebuild_idle=600))
    server.has_project("P1")
    return server


@pytest.fixture
def series(tmp_path: Path) -> dict[str, bytes]:
    return members(samples.write_series(tmp_path / "series"))


def stage(xnat: XNAT, files: dict[str, bytes], project: str = "P1", **parameters: str) -> str:
    (uri,) = uris(send_zip(xnat, files, None, dest=f"/prearchive/projects/{project}", **parameters))
    return uri


def archive(xnat: XNAT, uri: str, **data: str) -> requests.Response:
    return post(xnat, ARCHIVE, data={"src": uri.removeprefix("/data"), **data})


def session(xnat: XNAT, label: str = "SUB001_MR1", project: str = "P1") -> Experiment:
    found = xnat.store.items.experiment_in(project, label)
    assert found is not None
    return found


def files(xnat: XNAT, scan: str = "1", label: str = "SUB001_MR1") -> dict[str, bytes]:
    found = xnat.store.items.scan(session(xnat, label).id, scan)
    assert found is not None
    return xnat.files(found, "DICOM")


def message(response: requests.Response) -> str:
    return response.text.partition("<h3>")[2].partition("</h3>")[0]


def test_archiving_answers_the_address_by_labels(xnat: XNAT, series: dict[str, bytes]) -> None:
    response = archive(xnat, stage(xnat, series))
    assert (response.status_code, response.text) == (200, f"{ARCHIVED}\r\n")
    assert rows(xnat) == []
    assert not any((xnat.data / "prearchive").rglob("*.dcm"))


def test_the_archive_holds_the_same_bytes_with_their_digests(
    xnat: XNAT, series: dict[str, bytes]
) -> None:
    archive(xnat, stage(xnat, series))
    assert files(xnat) == series
    scan = xnat.store.items.scan(session(xnat).id, "1")
    assert scan is not None
    resource = xnat.store.resources.find(Owner.of(scan), "DICOM")
    assert resource is not None
    assert (resource.format, resource.content, resource.file_count) == ("DICOM", "RAW", 3)
    digests = {entry.path: entry.digest for entry in xnat.store.resources.files(resource)}
    assert digests == {name: hashlib.md5(data).hexdigest() for name, data in series.items()}


def test_the_document_fills_session_and_scans(xnat: XNAT, series: dict[str, bytes]) -> None:
    archive(xnat, stage(xnat, series))
    found = session(xnat)
    (scan,) = xnat.store.items.scans(found.id)
    assert found.xsi_type == "xnat:mrSessionData"
    assert (found.fields["date"], found.fields["modality"]) == ("2024-04-30", "MR")
    assert found.fields["scanner/manufacturer"] == "SANDBOX"
    assert (scan.xsi_type, scan.fields["type"]) == ("xnat:mrScanData", "MPRAGE")
    assert (scan.fields["frames"], scan.fields["quality"]) == (3, "usable")


def test_the_labels_can_be_chosen(xnat: XNAT, series: dict[str, bytes]) -> None:
    response = archive(xnat, stage(xnat, series), subject="S9", session="E9")
    assert response.text == "/data/archive/projects/P1/subjects/S9/experiments/E9\r\n"


@pytest.mark.parametrize(
    "data",
    [
        {"session": "WIN", "label": "x"},
        {"xnat:mrSessionData/label": "WIN", "EXPT_LABEL": "x"},
        {"EXPT_LABEL": "WIN", "label": "x"},
        {"label": "WIN"},
    ],
)
def test_the_more_specific_label_wins(
    xnat: XNAT, series: dict[str, bytes], data: dict[str, str]
) -> None:
    assert archive(xnat, stage(xnat, series), **data).text.endswith("/WIN\r\n")


def test_a_destination_beside_src_is_ignored(xnat: XNAT, series: dict[str, bytes]) -> None:
    response = archive(xnat, stage(xnat, series), dest="/archive/projects/P2/subjects/X")
    assert response.text == f"{ARCHIVED}\r\n"


def test_a_session_can_be_named_by_three_parameters(xnat: XNAT, series: dict[str, bytes]) -> None:
    *_, project, timestamp, folder = stage(xnat, series).split("/")
    data = {"project": project, "PREARC_TIMESTAMP": timestamp, "PREARC_SESSION_FOLDER": folder}
    assert post(xnat, ARCHIVE, data=data).status_code == 200


def test_a_subject_is_also_found_by_its_id_wherever_it_is_but_after_a_label(
    xnat: XNAT, series: dict[str, bytes]
) -> None:
    other = xnat.has_subject("P2", "ANN")
    archive(xnat, stage(xnat, series), subject=other.id)
    assert session(xnat).subject_id == other.id
    labelled = xnat.has_subject("P1", other.id)
    archive(xnat, stage(xnat, series, session="E2"), subject=other.id)
    assert session(xnat, "E2").subject_id == labelled.id


def test_an_existing_subject_is_found_whatever_its_case(
    xnat: XNAT, series: dict[str, bytes]
) -> None:
    xnat.has_subject("P1", "sub001")
    response = archive(xnat, stage(xnat, series))
    assert response.text == "/data/archive/projects/P1/subjects/sub001/experiments/SUB001_MR1\r\n"
    assert len(xnat.store.items.subjects_of_project("P1")) == 1


def test_fields_can_be_set_by_their_paths(xnat: XNAT, series: dict[str, bytes]) -> None:
    archive(
        xnat,
        stage(xnat, series),
        **{
            "xnat:mrSessionData/note": "hello",
            "xnat:mrSessionData/scans/scan[0][@xsi:type=xnat:mrScanData]/type": "T1w",
        },
    )
    assert session(xnat).fields["note"] == "hello"
    assert xnat.store.items.scans(session(xnat).id)[0].fields["type"] == "T1w"


@pytest.mark.parametrize(
    ("code", "data", "status"),
    [
        (0, {}, 200),
        (0, {"redirect": "true"}, 303),
        (4, {}, 303),
        (4, {"AA": "false"}, 200),
        (4, {"auto-archive": "false"}, 200),
    ],
)
def test_redirects_and_auto_archiving_projects_answer_303(
    xnat: XNAT, series: dict[str, bytes], code: int, data: dict[str, str], status: int
) -> None:
    xnat.has_project("P4", code=code)
    response = archive(xnat, stage(xnat, series, "P4"), **data)
    assert response.status_code == status
    expected = ARCHIVED.replace("P1", "P4")
    if status == 303:
        assert response.headers["Location"] == xnat.url + expected
    else:
        assert response.text == f"{expected}\r\n"


def test_quarantine_shows_in_the_status(xnat: XNAT, series: dict[str, bytes]) -> None:
    archive(xnat, stage(xnat, series), quarantine="true")
    assert session(xnat).status == "quarantine"


def test_autorun_leaves_a_workflow_unless_declined(xnat: XNAT, series: dict[str, bytes]) -> None:
    archive(xnat, stage(xnat, series))
    archive(xnat, stage(xnat, series, session="OTHER"), triggerPipelines="false")
    names = [
        {row.pipeline_name for row in xnat.store.workflows.of_item(session(xnat, label).id)}
        for label in ("SUB001_MR1", "OTHER")
    ]
    assert [("xnat_tools/AutoRun.xml" in found, "Transferred" in found) for found in names] == [
        (True, True),
        (False, True),
    ]


# Conflicts and merging


def test_the_same_files_again_are_a_conflict(xnat: XNAT, series: dict[str, bytes]) -> None:
    archive(xnat, stage(xnat, series))
    response = archive(xnat, stage(xnat, series))
    expected = f"FAILED: Unable to archive SUB001_MR1: Operation Failed: {MATCHING}"
    assert (response.status_code, message(response)) == (500, expected)
    assert statuses(xnat) == ["CONFLICT"]


def test_more_files_of_a_scan_are_merged_without_being_told(
    xnat: XNAT, series: dict[str, bytes]
) -> None:
    (first, *rest) = series.items()
    archive(xnat, stage(xnat, dict([first])))
    assert archive(xnat, stage(xnat, dict(rest))).status_code == 200
    assert files(xnat) == series
    assert xnat.store.items.scans(session(xnat).id)[0].fields["frames"] == 3


@pytest.mark.parametrize("overwrite", ["append", "delete"])
def test_append_is_as_good_as_delete_for_a_single_session(
    xnat: XNAT, series: dict[str, bytes], overwrite: str
) -> None:
    archive(xnat, stage(xnat, series))
    changed = {name: data[:-1] + b"!" for name, data in series.items()}
    assert archive(xnat, stage(xnat, changed), overwrite=overwrite).status_code == 200
    assert files(xnat) == changed


def test_a_project_of_code_five_replaces_files(xnat: XNAT, series: dict[str, bytes]) -> None:
    xnat.has_project("P5", code=5)
    for _ in range(2):
        assert archive(xnat, stage(xnat, series, "P5"), AA="false").status_code == 200


def test_another_series_of_the_same_number_gets_another_id(
    xnat: XNAT, series: dict[str, bytes], tmp_path: Path
) -> None:
    other = members(samples.write_series(tmp_path / "o", series_uid="1.2.3"))
    archive(xnat, stage(xnat, series))
    assert archive(xnat, stage(xnat, other)).status_code == 200
    assert [scan.id for scan in xnat.store.items.scans(session(xnat).id)] == ["1", "1-MR1"]
    assert files(xnat, "1") == series
    assert files(xnat, "1-MR1") == other


def test_a_session_made_before_the_upload_is_filled(xnat: XNAT, series: dict[str, bytes]) -> None:
    xnat.has_session("P1", "SUB001", "SUB001_MR1", note="kept")
    assert archive(xnat, stage(xnat, series)).status_code == 200
    assert session(xnat).fields["note"] == "kept"
    assert files(xnat) == series


def test_the_subject_of_a_session_cannot_change(xnat: XNAT, series: dict[str, bytes]) -> None:
    xnat.has_session("P1", "SOMEBODY", "SUB001_MR1")
    response = archive(xnat, stage(xnat, series), overwrite="delete")
    assert (response.status_code, statuses(xnat)) == (500, ["ERROR"])
    assert "session subject" in message(response)


def test_another_modality_is_not_merged_unless_the_site_allows_it(
    xnat: XNAT, series: dict[str, bytes]
) -> None:
    xnat.has_session("P1", "SUB001", "SUB001_MR1", xsi_type="xnat:petSessionData")
    uri = stage(xnat, series)
    assert "session modality" in message(archive(xnat, uri, overwrite="delete"))
    xnat.store.preferences.set("preventCrossModalityMerge", False)
    assert archive(xnat, uri).status_code == 200


def test_another_study_is_a_conflict_that_can_be_overridden(
    xnat: XNAT, series: dict[str, bytes], tmp_path: Path
) -> None:
    other = members(samples.write_series(tmp_path / "o", study_uid="1.2.3", series=2))
    archive(xnat, stage(xnat, series))
    uri = stage(xnat, other)
    assert "session UID" in message(archive(xnat, uri))
    assert archive(xnat, uri, overwrite="delete").status_code == 200


def test_validation_lists_conflicts_without_archiving(xnat: XNAT, series: dict[str, bytes]) -> None:
    archive(xnat, stage(xnat, series))
    uri = stage(xnat, series)
    for overwrite in ("", "delete"):
        data = {"src": uri, "overwrite": overwrite}
        answer = post(xnat, "/data/services/validate-archive?format=json", data=data)
        assert answer.json()["ResultSet"]["Result"] == [
            {"code": "1", "type": "CONFLICT", "message": EXISTS},
            {"code": "18", "type": "CONFLICT", "message": MATCHING},
        ]
    assert statuses(xnat) == ["READY"]
    two = post(xnat, "/data/services/validate-archive", data={"src": [uri, uri]})
    assert two.status_code == 400


# Refusals


def test_a_session_still_receiving_is_not_archived(xnat: XNAT, series: dict[str, bytes]) -> None:
    (uri,) = uris(send_zip(xnat, series, project="P1"))
    assert archive(xnat, uri).status_code == 500
    assert statuses(xnat) == ["RECEIVING"]


@pytest.mark.parametrize(
    ("source", "status"),
    [
        ("/prearchive/projects/P1/20200101_000000000/X", 404),
        ("/prearchive/projects/NOPE/20200101_000000000/X", 500),
        ("/prearchive/projects/P1", 500),
        ("/prearchive/projects/Unassigned/20200101_000000000/X", 400),
        ("", 500),
    ],
)
def test_sources_that_are_no_session_fail_each_in_its_way(
    xnat: XNAT, source: str, status: int
) -> None:
    assert post(xnat, ARCHIVE, data={"src": source}).status_code == status


def test_no_source_at_all_is_not_found(xnat: XNAT) -> None:
    assert post(xnat, ARCHIVE).status_code == 404


def test_archiving_needs_edit_rights(xnat: XNAT, series: dict[str, bytes]) -> None:
    uri = stage(xnat, series)
    eve = xnat.has_user("eve", P1="collaborator")
    assert post(xnat, ARCHIVE, data={"src": uri}, auth=eve).status_code == 403


def test_a_session_being_archived_is_refused(xnat: XNAT, series: dict[str, bytes]) -> None:
    uri = stage(xnat, series)
    xnat.settings.archive_delay = 1
    first = threading.Thread(target=archive, args=(xnat, uri))
    first.start()
    wait_until(lambda: statuses(xnat) == ["_ARCHIVING"])
    assert archive(xnat, uri).status_code == 403
    first.join()
    assert rows(xnat) == []


def test_a_slow_archive_answers_500_and_goes_on(xnat: XNAT, series: dict[str, bytes]) -> None:
    uri = stage(xnat, series)
    xnat.settings.archive_delay = 0.5
    xnat.settings.archive_timeout = 0.1
    assert archive(xnat, uri).status_code == 500
    assert statuses(xnat) == ["_ARCHIVING"]
    wait_until(lambda: not rows(xnat))
    folder = xnat.data / "archive" / "P1" / "arc001" / "SUB001_MR1" / "SCANS" / "1" / "DICOM"
    # The files move a moment after the row has gone.
    wait_until(lambda: all((folder / name).exists() for name in series))
    assert files(xnat) == series


def test_a_fault_can_pretend_a_conflict(xnat: XNAT, series: dict[str, bytes]) -> None:
    xnat.settings.archive_fault = lambda label: f"{label} is odd"
    response = archive(xnat, stage(xnat, series))
    assert message(response).endswith("Operation Failed: SUB001_MR1 is odd")
    assert statuses(xnat) == ["CONFLICT"]


def test_a_session_rejected_by_the_project_script_is_an_error(
    xnat: XNAT, series: dict[str, bytes]
) -> None:
    xnat.settings.anonymize_project = lambda project, path: False
    assert archive(xnat, stage(xnat, series)).status_code == 500
    assert statuses(xnat) == ["ERROR"]


def test_several_sessions_are_queued(xnat: XNAT, series: dict[str, bytes]) -> None:
    sources = [stage(xnat, series, session=label) for label in ("A", "B")]
    xnat.settings.queue_delay = 0.2
    response = post(xnat, f"{ARCHIVE}?format=json", data={"src": sources})
    states = [row["status"] for row in response.json()["ResultSet"]["Result"]]
    assert (response.status_code, states) == (200, ["QUEUED_ARCHIVING"] * 2)
    wait_until(lambda: not rows(xnat))
    assert session(xnat, "A") and session(xnat, "B")


# Imports that archive


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
