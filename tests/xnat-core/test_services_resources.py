"""Resources and their files: listed, made and removed."""

from __future__ import annotations

from pathlib import Path

import pytest
from werkzeug.wrappers import Response

from support.pretending import pretends
from support.sandbox import XNAT
from xnat_core.client import XNATClient
from xnat_core.errors import (
    DownloadError,
    InvalidIdentifierError,
    OperationError,
    ResourceNotFoundError,
    ServerError,
)
from xnat_core.models import Resource
from xnat_core.services.homes import Home
from xnat_core.services.lookup import find_session
from xnat_core.services.resource_files import files_of, files_of_resource
from xnat_core.services.resources import ResourceService, address_of, found_again, resources_of


def test_a_session_and_its_scans_have_resources_of_their_own(
    xnat: XNAT, resources: ResourceService
) -> None:
    session = xnat.has_session(
        "P1", "S1", "MR1", {"1": {"a.dcm": b"abc"}}, resources={"NOTES": {"n.txt": b"hi"}}
    )
    of_session = resources.list(project="P1", session="MR1")
    of_scan = resources.list("MR1", "1", "P1")
    assert [(r.label, r.file_count, r.file_size, r.scan_id) for r in of_session] == [
        ("NOTES", 1, 2, None)
    ]
    assert [(r.label, r.format, r.content, r.scan_id) for r in of_scan] == [
        ("DICOM", "DICOM", "RAW", "1")
    ]
    assert of_scan[0].uri == f"/data/experiments/{session.id}/scans/1/resources/DICOM"


def test_everything_below_a_session_is_one_request(xnat: XNAT, client: XNATClient) -> None:
    files = {str(n): {"a.dcm": b"abc"} for n in (10, 2)}
    xnat.has_session("P1", "S1", "MR1", files, resources={"NOTES": {"n.txt": b"hi"}})
    home = Home.of_session(find_session(client, "MR1", "P1"))
    before = len(xnat.requests())
    found = resources_of(client, home, everything=True)
    assert [(r.scan_id, r.label, r.category) for r in found] == [
        (None, "NOTES", "resources"),
        ("2", "DICOM", "scans"),
        ("10", "DICOM", "scans"),
    ]
    assert len(list(files_of(client, home))) == 3
    assert len(xnat.requests()) == before + 2


def test_counts_may_be_blank_and_labels_missing(xnat: XNAT, resources: ResourceService) -> None:
    session = xnat.has_session("P1", "S1", "MR1")
    rows = [
        {"xnat_abstractresource_id": "7", "label": "", "file_count": "", "file_size": "n/a"},
        {"xnat_abstractresource_id": "8", "label": "my data", "file_count": "3.0"},
        {"xnat_abstractresource_id": "9", "label": "123"},
        {"label": "PLAIN"},
    ]
    where = f"/data/experiments/{session.id}/resources"
    xnat.server.expect_request(where).respond_with_json({"ResultSet": {"Result": rows}})
    found = {r.id: (r.label, r.file_count, r.file_size, r.uri) for r in resources.list(session.id)}
    assert found == {
        "7": ("", None, None, f"{where}/7"),
        "8": ("my data", 3, None, f"{where}/8"),
        "9": ("123", None, None, f"{where}/9"),
        None: ("PLAIN", None, None, f"{where}/PLAIN"),
    }
    assert resources.get(session.id, "7").id == "7"


def test_an_unknown_resource_is_not_an_empty_one(xnat: XNAT, resources: ResourceService) -> None:
    xnat.has_session("P1", "S1", "MR1", resources={"NOTES": {}})
    assert resources.list_files("MR1", "NOTES", project="P1") == []
    for ask in (resources.get, resources.list_files, resources.delete):
        with pytest.raises(ResourceNotFoundError, match="resource 'MR1/NOPE' not found"):
            ask("MR1", "NOPE", project="P1")
    assert xnat.requests("DELETE") == []


def test_a_resource_that_has_gone_since_it_was_listed(xnat: XNAT, client: XNATClient) -> None:
    session = xnat.has_session("P1", "S1", "MR1")
    gone = Resource(id="99", label="NOPE", uri=f"/data/experiments/{session.id}/resources/NOPE")
    with pytest.raises(ResourceNotFoundError, match="resource 'NOPE' not found"):
        list(files_of_resource(client, gone))
    lost = Resource(label="NOPE", uri="/data/experiments/XNAT_E99999/resources/NOPE")
    with pytest.raises(ResourceNotFoundError, match="resource 'NOPE' not found"):
        list(files_of_resource(client, lost))


def test_a_resource_that_the_server_fails_to_list_is_not_gone(
    xnat: XNAT, client: XNATClient
) -> None:
    session = xnat.has_session("P1", "S1", "MR1", resources={"NOTES": {"n.txt": b"n"}})
    resource = Resource(label="NOTES", uri=f"/data/experiments/{session.id}/resources/NOTES")
    xnat.before(lambda asked: Response(status=500) if "/resources" in asked.path else None)
    with pytest.raises(ServerError):
        list(files_of_resource(client, resource))


def test_an_empty_listing_of_a_resource_that_has_files_is_not_believed(
    xnat: XNAT, resources: ResourceService, tmp_path: Path
) -> None:
    xnat.has_session("P1", "S1", "MR1", resources={"NOTES": {"n.txt": b"n"}})
    nothing = Response('{"ResultSet":{"Result":[]}}', content_type="application/json")
    xnat.before(lambda asked: nothing if asked.path.endswith("/files") else None)
    with pytest.raises(DownloadError, match="counts 1 in resource NOTES"):
        resources.download("MR1", "NOTES", tmp_path, project="P1")


def test_files_have_paths_sizes_digests_and_parents(xnat: XNAT, resources: ResourceService) -> None:
    session = xnat.has_session("P1", "S1", "MR1", {"1": {"sub/a.dcm": b"abc"}})
    record = resources.list_files("MR1", "DICOM", "1", "P1")[0].to_record()
    uri = str(record.pop("uri"))
    assert record == {
        "kind": "file",
        "project": "P1",
        "subject": "S1",
        "subject_id": session.subject_id,
        "session": "MR1",
        "session_id": session.id,
        "scan": "1",
        "resource": "DICOM",
        "name": "a.dcm",
        "path": "sub/a.dcm",
        "size": 3,
        "digest": "900150983cd24fb0d6963f7d28e17f72",
        "format": "DICOM",
        "content": "RAW",
    }
    assert uri.endswith("/files/sub/a.dcm")


def test_files_of_an_unknown_session_are_not_found(xnat: XNAT, client: XNATClient) -> None:
    home = Home(("experiments", "XNAT_E99999"), ("session", "XNAT_E99999"))
    with pytest.raises(ResourceNotFoundError, match="session 'XNAT_E99999' not found"):
        list(files_of(client, home))


def test_a_resource_is_made_once(xnat: XNAT, resources: ResourceService) -> None:
    xnat.has_session("P1", "S1", "MR1")
    made = resources.create("MR1", "NIFTI", project="P1", format="NIFTI", content="converted")
    assert (made.label, made.format, made.content) == ("NIFTI", "NIFTI", "converted")
    assert resources.create("MR1", "NIFTI", project="P1").id == made.id
    with pytest.raises(InvalidIdentifierError, match="path separators"):
        resources.create("MR1", "a/b", project="P1")


def test_a_resource_is_deleted(xnat: XNAT, resources: ResourceService) -> None:
    session = xnat.has_session("P1", "S1", "MR1", resources={"A": {"a": b"a"}, "B": {}})
    assert resources.delete("MR1", "A", project="P1")
    assert [r.label for r in resources.list(session.id)] == ["B"]
    # One that has a label goes by that; its number may be meant as the label of another.
    (left,) = resources.list(session.id)
    with pytest.raises(ResourceNotFoundError):
        resources.delete("MR1", str(left.id), project="P1")
    xnat.before(pretends("DELETE"))
    with pytest.raises(OperationError, match="'B' is still there"):
        resources.delete("MR1", "B", project="P1")


def test_a_label_of_digits_wins_over_the_number_of_another_resource(
    xnat: XNAT, client: XNATClient
) -> None:
    session = xnat.has_session("P1", "S1", "MR1")
    named = xnat.has_resource(session, "2", {})
    numbered = xnat.has_resource(session, "0", {})
    assert (named.number, numbered.number) == (1, 2)
    home = Home.of_session(find_session(client, "MR1", "P1"))
    assert address_of(client, home, "2") == "1"


def test_the_files_of_a_scan_are_not_those_of_scans_whose_type_is_its_id(
    xnat: XNAT, client: XNATClient, resources: ResourceService, tmp_path: Path
) -> None:
    session = xnat.has_session("P1", "S1", "MR1")
    xnat.has_scan(session, "2", {"a.dcm": b"other", "b.dcm": b"b"}, type="T1w")
    xnat.has_scan(session, "T1w", {"a.dcm": b"own"}, type="localizer")
    assert [file.path for file in resources.list_files("MR1", "DICOM", "T1w", "P1")] == ["a.dcm"]
    sent = tmp_path / "b.dcm"
    sent.write_bytes(b"b")
    # A write needs one scan and no more, so the server finds none here.
    with pytest.raises(ResourceNotFoundError):
        resources.upload_file("MR1", "DICOM", sent, "T1w", "P1")


def test_a_resource_of_a_scan_is_not_found_again_in_one_whose_type_is_its_id(
    xnat: XNAT, client: XNATClient
) -> None:
    session = xnat.has_session("P1", "S1", "MR1")
    where = f"/data/experiments/{session.id}/scans/T1w/resources"
    rows = [
        {"label": "DICOM", "xnat_abstractresource_id": number, "category": "scans", "cat_id": scan}
        for number, scan in (("1", "2"), ("2", "T1w"))
    ]
    told = xnat.server.expect_request(where)
    told.respond_with_json({"ResultSet": {"Result": rows}})
    resource = Resource(label="DICOM", uri=f"{where}/DICOM")
    assert found_again(client, resource).id == "2"
    told.respond_with_json({"ResultSet": {"Result": rows[:1]}})
    with pytest.raises(ResourceNotFoundError):
        found_again(client, resource)


def test_the_resource_of_a_session_that_is_gone_is_not_that_of_its_subject(
    xnat: XNAT, client: XNATClient
) -> None:
    # On a route through project and subject the server goes on with what it has found of it.
    xnat.has_resource(xnat.has_subject("P1", "S1"), "NOTES", {"n.txt": b"of the subject"})
    where = "/data/projects/P1/subjects/S1/experiments/GONE/resources/NOTES"
    with pytest.raises(ResourceNotFoundError, match="resource 'NOTES' not found"):
        list(files_of_resource(client, Resource(label="NOTES", uri=where)))
