"""From the prearchive into the archive: answers, labels, refusals."""

from __future__ import annotations

import hashlib
import threading

import pytest

from support.archiving import ARCHIVE, ARCHIVED, archive, files, session, stage
from support.imports import message, post, rows, send_zip, statuses, uris, wait_until
from support.sandbox import XNAT
from xnat_sandbox.model import Owner

pytestmark = pytest.mark.usefixtures("builds_nothing")


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
