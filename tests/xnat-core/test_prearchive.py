"""The rows of the prearchive: listed, archived, moved and deleted, against the sandbox."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.wrappers import Request, Response

from support.sandbox import XNAT
from support.staging import stage
from xnat_core.client import XNATClient
from xnat_core.errors import ResourceNotFoundError, XNATCtlError
from xnat_core.models import PrearchiveEntry
from xnat_core.prearchive import Prearchive
from xnat_core.prearchive_rows import (
    ArchiveRefused,
    StagingError,
    entry_of_row,
    entry_of_uri,
    entry_path,
)


@pytest.fixture
def client(xnat: XNAT) -> Iterator[XNATClient]:
    with XNATClient(xnat.url, *xnat.admin) as connected:
        yield connected


def test_a_row_knows_its_folder_its_label_and_its_study(
    xnat: XNAT, client: XNATClient, prearchive: Prearchive, tmp_path: Path
) -> None:
    xnat.has_project("P1")
    staged = stage(client, tmp_path / "in")
    (entry,) = prearchive.entries("P1")
    assert (entry.project, entry.timestamp, entry.name) == ("P1", staged.timestamp, "MR1")
    assert (entry.label, entry.subject, entry.status) == ("MR1", "S1", "READY")
    assert prearchive.entries(study_uid=entry.uid) == [entry]
    assert prearchive.get(staged) == entry


def test_scans_and_files_of_a_built_row_are_listed(
    xnat: XNAT, client: XNATClient, prearchive: Prearchive, tmp_path: Path
) -> None:
    xnat.has_project("P1")
    entry = stage(client, tmp_path / "in", instances=2)
    assert [scan["ID"] for scan in prearchive.scans(entry)] == ["1"]
    names = [row["Name"] for row in prearchive.files(entry, "1")]
    assert names == ["mr1_0001.dcm", "mr1_0002.dcm"]


def test_archiving_gives_the_session_that_came_of_it(
    xnat: XNAT, client: XNATClient, prearchive: Prearchive, tmp_path: Path
) -> None:
    xnat.has_project("P1")
    entry = stage(client, tmp_path / "in")
    session = prearchive.archive(entry)
    assert (session.label, session.project, session.subject_label) == ("MR1", "P1", "S1")
    assert prearchive.find(entry) is None


def test_archiving_under_other_labels(
    xnat: XNAT, client: XNATClient, prearchive: Prearchive, tmp_path: Path
) -> None:
    xnat.has_project("P1")
    session = prearchive.archive(stage(client, tmp_path / "in"), subject="S2", session="OTHER")
    assert (session.label, session.subject_label) == ("OTHER", "S2")


def test_an_auto_archive_project_answers_with_a_redirect_that_is_success(
    xnat: XNAT, client: XNATClient, prearchive: Prearchive, tmp_path: Path
) -> None:
    xnat.has_project("P1", code=4)
    assert prearchive.archive(stage(client, tmp_path / "in")).label == "MR1"


def test_a_conflict_is_refused_with_the_reason_of_the_server(
    xnat: XNAT, client: XNATClient, prearchive: Prearchive, tmp_path: Path
) -> None:
    xnat.has_project("P1")
    prearchive.archive(stage(client, tmp_path / "in"))
    again = stage(client, tmp_path / "in")
    with pytest.raises(ArchiveRefused, match="matching files"):
        prearchive.archive(again)
    assert prearchive.get(again).status == "CONFLICT"
    assert prearchive.archive(again, overwrite=True).label == "MR1"


def test_conflicts_are_known_before_archiving(
    xnat: XNAT, client: XNATClient, prearchive: Prearchive, tmp_path: Path
) -> None:
    xnat.has_project("P1")
    prearchive.archive(stage(client, tmp_path / "in"))
    again = stage(client, tmp_path / "in")
    assert [notice["type"] for notice in prearchive.conflicts(again)] == ["CONFLICT"]
    assert prearchive.conflicts(again, overwrite=True) == []
    assert prearchive.get(again).status == "READY"


@pytest.mark.parametrize("result", [{"totalRecords": "0"}, {"Result": ""}, {"Result": []}])
def test_no_conflicts_may_be_written_in_many_ways(
    result: dict[str, str], xnat: XNAT, client: XNATClient, prearchive: Prearchive, tmp_path: Path
) -> None:
    xnat.has_project("P1")
    entry = stage(client, tmp_path / "in")
    body = json.dumps({"ResultSet": result})
    xnat.fails("POST", "/data/services/validate-archive", 200, body=body)
    assert prearchive.conflicts(entry) == []


def test_a_status_may_be_written_in_any_case() -> None:
    row = {"project": "P1", "timestamp": "20240502_101500123", "folderName": "E1"}
    row["status"] = "ready"
    assert entry_of_row(row).status == "READY"


def test_an_answer_that_was_lost_is_looked_up(
    xnat: XNAT, client: XNATClient, prearchive: Prearchive, tmp_path: Path
) -> None:
    xnat.has_project("P1")
    xnat.settings.archive_timeout = 0.1
    xnat.settings.archive_delay = 0.6
    session = prearchive.archive(stage(client, tmp_path / "in"))
    assert session.label == "MR1"


def test_moving_gives_the_new_row(
    xnat: XNAT, client: XNATClient, prearchive: Prearchive, tmp_path: Path
) -> None:
    xnat.has_project("P1")
    xnat.has_project("P2")
    moved = prearchive.move(stage(client, tmp_path / "in"), "P2")
    assert (moved.project, moved.name, moved.status) == ("P2", "MR1", "READY")
    assert prearchive.entries("P1") == []


def test_a_move_that_is_answered_without_an_address_is_looked_up(
    xnat: XNAT, client: XNATClient, prearchive: Prearchive, tmp_path: Path
) -> None:
    def silence(request: Request, response: Response) -> None:
        if request.method == "POST" and "newProject" in request.args:
            response.data = b""

    xnat.has_project("P1")
    xnat.has_project("P2")
    row = stage(client, tmp_path / "in")
    xnat.app.after(silence)
    assert prearchive.move(row, "P2").id == row.id.replace("P1", "P2")


@pytest.mark.parametrize("before", ["/xnat", "https://x.org/xnat"])
def test_the_address_of_a_row_may_have_more_before_it(
    before: str, xnat: XNAT, client: XNATClient, prearchive: Prearchive, tmp_path: Path
) -> None:
    def lengthen(request: Request, response: Response) -> None:
        if response.data.startswith(b"/data/"):
            response.data = before.encode() + response.data

    xnat.has_project("P1")
    xnat.has_project("P2")
    row = stage(client, tmp_path / "in")
    xnat.app.after(lengthen)
    assert prearchive.build(row).status == "READY"
    assert prearchive.archive(prearchive.move(row, "P2")).label == "MR1"


@pytest.mark.parametrize("address", ["https://{host}{path}", "{path}/"])
def test_a_proxy_that_points_elsewhere_has_moved_nothing(
    address: str, xnat: XNAT, client: XNATClient, prearchive: Prearchive, tmp_path: Path
) -> None:
    def redirect(request: Request) -> Response | None:
        if request.method == "POST" and "newProject" in request.args:
            return Response(
                status=301,
                headers={"Location": address.format(host=request.host, path=request.path)},
            )
        return None

    xnat.has_project("P1")
    xnat.has_project("P2")
    row = stage(client, tmp_path / "in")
    xnat.before(redirect)
    with pytest.raises(XNATCtlError, match="redirected"):
        prearchive.move(row, "P2")
    assert [entry.id for entry in prearchive.entries("P1")] == [row.id]


def test_deleting_removes_the_row(
    xnat: XNAT, client: XNATClient, prearchive: Prearchive, tmp_path: Path
) -> None:
    xnat.has_project("P1")
    entry = stage(client, tmp_path / "in")
    prearchive.delete(entry)
    assert prearchive.find(entry) is None
    with pytest.raises(ResourceNotFoundError):
        prearchive.delete(entry)


def test_success_without_an_address_is_a_failure(
    xnat: XNAT, client: XNATClient, prearchive: Prearchive, tmp_path: Path
) -> None:
    xnat.has_project("P1")
    entry = stage(client, tmp_path / "in")
    xnat.fails("POST", "/data/services/archive", 200, body="Unable to archive: disk full")
    with pytest.raises(StagingError, match="disk full"):
        prearchive.archive(entry)


def test_an_archived_session_is_found_without_an_address(
    xnat: XNAT, client: XNATClient, prearchive: Prearchive, tmp_path: Path
) -> None:
    xnat.has_project("P1")
    entry = stage(client, tmp_path / "in")
    xnat.loses("POST", "/data/services/archive", 200)
    assert prearchive.archive(entry).label == "MR1"


def test_labels_with_dots_are_addressed_so_that_the_server_does_not_see_a_file_type() -> None:
    entry = PrearchiveEntry(project="P1", timestamp="20240502_101500123", name="a.b c")
    assert entry_path(entry).endswith("/20240502_101500123/a%2Eb%20c")


def test_what_is_no_address_of_a_row_is_refused() -> None:
    with pytest.raises(XNATCtlError, match="no address"):
        entry_of_uri("/data/archive/projects/P1/subjects/S1/experiments/E1")
