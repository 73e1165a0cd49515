"""Scans: listed in natural order, marked, removed; never the session in their place."""

from __future__ import annotations

import json

import pytest
from werkzeug.wrappers import Request, Response

from support.pretending import pretends
from support.sandbox import XNAT
from xnat_core.client import XNATClient
from xnat_core.errors import (
    InvalidIdentifierError,
    OperationError,
    ResourceNotFoundError,
    ServerError,
    ValidationError,
)
from xnat_core.models import Session
from xnat_core.services.scans import ScanService, scans_of


@pytest.fixture
def scans(client: XNATClient) -> ScanService:
    return ScanService(client)


def ids(xnat: XNAT, session: str) -> list[str]:
    return [scan.id for scan in xnat.store.items.scans(session)]


def test_scan_2_comes_before_scan_10(xnat: XNAT, scans: ScanService) -> None:
    xnat.has_session("P1", "S1", "MR1", scans={"10": {}, "2": {}, "1-MR2": {}, "OT1": {}})
    assert [scan.id for scan in scans.list("MR1", "P1")] == ["1-MR2", "2", "10", "OT1"]


def test_a_scan_knows_its_parents(xnat: XNAT, scans: ScanService) -> None:
    session = xnat.has_session("P1", "S1", "MR1", scans={"1": {}})
    assert scans.list(project="P1", session="MR1")[0].to_record() == {
        "kind": "scan",
        "uri": f"/data/experiments/{session.id}/scans/1",
        "id": "1",
        "project": "P1",
        "subject": "S1",
        "subject_id": session.subject_id,
        "session": "MR1",
        "session_id": session.id,
        "type": "T1w",
        "quality": "usable",
        "modality": "MR",
        "xsi_type": "xnat:mrScanData",
    }


def test_scans_are_listed_with_the_columns_asked_for(xnat: XNAT, scans: ScanService) -> None:
    xnat.has_session("P1", "S1", "MR1", scans={"1": {}})
    found = scans.list("MR1", "P1", columns=["type"])
    assert [(scan.id, scan.type, scan.quality) for scan in found] == [("1", "T1w", None)]


def test_rows_may_lack_ids(xnat: XNAT, scans: ScanService) -> None:
    session = xnat.has_session("P1", "S1", "MR1")
    where = f"/data/experiments/{session.id}/scans"
    rows = [{"URI": f"{where}/4", "type": "T1w"}, {"ID": "5", "type": ""}]
    xnat.server.expect_request(where).respond_with_json({"ResultSet": {"Result": rows}})
    assert [(scan.id, scan.type) for scan in scans.list("MR1", "P1")] == [("4", "T1w"), ("5", None)]


def test_a_session_without_scans_has_none(xnat: XNAT, scans: ScanService) -> None:
    xnat.has_session("P1", "S1", "MR1")
    assert scans.list("MR1", "P1") == []


def test_a_session_that_is_gone_is_not_found(xnat: XNAT, client: XNATClient) -> None:
    with pytest.raises(ResourceNotFoundError, match="session 'XNAT_E99999' not found"):
        scans_of(client, Session(id="XNAT_E99999"))


def test_a_failing_server_is_not_taken_for_a_missing_session(
    xnat: XNAT, scans: ScanService
) -> None:
    session = xnat.has_session("P1", "S1", "MR1")
    xnat.fails("GET", f"/data/experiments/{session.id}/scans", 500)
    with pytest.raises(ServerError):
        scans.list("MR1", "P1")


def test_a_scan_is_found_with_what_is_in_it(xnat: XNAT, scans: ScanService) -> None:
    xnat.has_session("P1", "S1", "MR1", scans={"1": {"a.dcm": b"abc", "b.dcm": b"d"}})
    found = scans.get("MR1", "1", "P1")
    assert (found.scan_id, found.file_count, found.file_size) == ("1", 2, 4)
    with pytest.raises(ResourceNotFoundError, match="scan 'MR1/2' not found"):
        scans.get("MR1", "2", "P1")


def test_the_document_of_the_session_does_not_pass_for_a_scan(
    xnat: XNAT, scans: ScanService
) -> None:
    session = xnat.has_session("P1", "S1", "MR1", scans={"1": {}})
    where = f"/data/experiments/{session.id}"

    def fallen_back(request: Request) -> Response | None:
        if request.path == f"{where}/scans/1":
            item = {"data_fields": {"ID": session.id}, "children": [], "meta": {}}
            return Response(json.dumps({"items": [item]}), content_type="application/json")
        return None

    xnat.before(fallen_back)
    with pytest.raises(ResourceNotFoundError, match="scan 'MR1/1' not found"):
        scans.delete("MR1", "1", "P1")
    assert xnat.requests("DELETE") == []


def test_a_scan_is_deleted_through_the_accession_id(xnat: XNAT, scans: ScanService) -> None:
    session = xnat.has_session("P1", "S1", "MR1", scans={"1": {}, "2": {}})
    assert scans.delete(project="P1", session="MR1", scan="1", remove_files=True)
    assert ids(xnat, session.id) == ["2"]
    assert [r.path for r in xnat.requests("DELETE")] == [f"/data/experiments/{session.id}/scans/1"]


@pytest.mark.parametrize("scan", ["", "*", "ALL", "1,2", "..", "9"])
def test_only_one_scan_that_exists_is_deleted(xnat: XNAT, scans: ScanService, scan: str) -> None:
    xnat.has_session("P1", "S1", "MR1", scans={"1": {}, "2": {}})
    with pytest.raises((ResourceNotFoundError, ValidationError)):
        scans.delete("MR1", scan, "P1")
    assert xnat.requests("DELETE") == []


def test_a_delete_that_did_not_happen_is_an_error(xnat: XNAT, scans: ScanService) -> None:
    xnat.has_session("P1", "S1", "MR1", scans={"1": {}})
    xnat.before(pretends("DELETE"))
    with pytest.raises(OperationError, match="still there"):
        scans.delete("MR1", "1", "P1")


@pytest.mark.parametrize("parallel", [True, False])
def test_all_scans_are_deleted_with_a_star(xnat: XNAT, scans: ScanService, parallel: bool) -> None:
    session = xnat.has_session("P1", "S1", "MR1", scans={str(n): {} for n in range(1, 12)})
    told: list[tuple[int, int]] = []
    result = scans.delete_multiple(
        "MR1", "*", "P1", parallel=parallel, progress_callback=lambda *counts: told.append(counts)
    )
    assert result == {
        "deleted": [str(n) for n in range(1, 12)],
        "failed": [],
        "errors": [],
        "total": 11,
    }
    assert told[-1] == (11, 11)
    assert ids(xnat, session.id) == []


def test_one_scan_that_cannot_be_deleted_does_not_keep_the_rest(
    xnat: XNAT, scans: ScanService
) -> None:
    session = xnat.has_session("P1", "S1", "MR1", scans={"1": {}, "2": {}, "3": {}})
    xnat.fails("DELETE", f"/data/experiments/{session.id}/scans/2", 403)
    result = scans.delete_multiple("MR1", ["1", "2", "1", "9"], "P1")
    assert (result["deleted"], result["failed"], result["total"]) == (["1"], ["2", "9"], 3)
    assert sorted(result["errors"]) == [
        "scan 2: no permission to delete scan MR1/2: pretend failure",
        "scan 9: scan 'MR1/9' not found",
    ]
    assert ids(xnat, session.id) == ["2", "3"]


def test_quality_and_note_are_set_and_read_back(xnat: XNAT, scans: ScanService) -> None:
    xnat.has_session("P1", "S1", "MR1", scans={"1": {}})
    assert scans.set_quality("MR1", "1", "unusable", "P1")
    assert scans.set_note("MR1", "1", "moved; 100% <sure>", "P1")
    found = scans.get("MR1", "1", "P1")
    assert (found.quality, found.note) == ("unusable", "moved; 100% <sure>")


def test_the_key_travels_with_its_colon_and_slash(xnat: XNAT, scans: ScanService) -> None:
    xnat.has_session("P1", "S1", "MR1", scans={"1": {}})
    scans.set_quality("MR1", "1", "questionable", "P1")
    query = xnat.requests("PUT")[0].query_string.decode()
    assert "xnat:imageScanData/quality=questionable" in query
    assert "xsiType=xnat:mrScanData" in query.replace("%3A", ":")


def test_a_quality_that_was_not_stored_is_an_error(xnat: XNAT, scans: ScanService) -> None:
    xnat.has_session("P1", "S1", "MR1", scans={"1": {}})
    xnat.before(pretends("PUT"))
    with pytest.raises(OperationError, match="quality is 'usable', not 'unusable'"):
        scans.set_quality("MR1", "1", "unusable", "P1")


def test_quality_has_three_words(xnat: XNAT, scans: ScanService) -> None:
    with pytest.raises(ValidationError, match="usable, questionable, unusable"):
        scans.set_quality("MR1", "1", "good", "P1")


def test_rows_of_resources_are_those_of_the_server(xnat: XNAT, scans: ScanService) -> None:
    xnat.has_session("P1", "S1", "MR1", scans={"1": {"a.dcm": b"abc"}})
    row = scans.get_resources("MR1", "1", "P1")[0]
    assert (row["label"], row["file_count"]) == ("DICOM", "1")


def test_a_scan_that_is_named_by_a_number_is_refused(xnat: XNAT, scans: ScanService) -> None:
    xnat.has_session("P1", "S1", "MR1", scans={"1": {}})
    with pytest.raises(InvalidIdentifierError, match="invalid scan 1: must be text, not int"):
        scans.delete_multiple("MR1", [1], "P1")  # type: ignore[list-item]
    assert not xnat.requests("DELETE")
