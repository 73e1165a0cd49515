"""Resources and their files: listed, filled and compared, fetched and checked, removed."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest
from werkzeug.wrappers import Request, Response

from support.pretending import pretends
from support.sandbox import XNAT
from xnat_core.client import XNATClient
from xnat_core.errors import (
    DownloadError,
    InvalidIdentifierError,
    OperationError,
    ResourceExistsError,
    ResourceNotFoundError,
    ServerError,
    UploadError,
)
from xnat_core.models import Resource
from xnat_core.services.homes import Home
from xnat_core.services.lookup import find_session
from xnat_core.services.resource_files import files_of, files_of_resource
from xnat_core.services.resources import (
    ResourceService,
    address_of,
    found_again,
    resources_of,
)


@pytest.fixture
def resources(client: XNATClient) -> ResourceService:
    return ResourceService(client)


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
    xnat.before(pretends("DELETE"))
    with pytest.raises(OperationError, match="'B' is still there"):
        resources.delete("MR1", "B", project="P1")


def test_a_file_is_uploaded_as_it_is(
    xnat: XNAT, resources: ResourceService, tmp_path: Path
) -> None:
    session = xnat.has_session("P1", "S1", "MR1", {"1": {}})
    file = tmp_path / "a.nii.gz"
    file.write_bytes(bytes(range(256)))
    assert resources.upload_file("MR1", "NIFTI", file, "1", "P1") == {
        "success": True,
        "file": str(file),
        "size": 256,
        "extracted": False,
    }
    scan = xnat.store.items.scan(session.id, "1")
    assert scan is not None
    assert xnat.files(scan, "NIFTI") == {"a.nii.gz": bytes(range(256))}
    assert xnat.requests("PUT")[-1].args["inbody"] == "true"


@pytest.mark.parametrize("name", ["a b.txt", "Müller.txt", "50%.txt", "a+b#1.txt"])
def test_a_name_that_no_url_can_carry_arrives_as_it_is(
    xnat: XNAT, resources: ResourceService, tmp_path: Path, name: str
) -> None:
    session = xnat.has_session("P1", "S1", "MR1")
    (tmp_path / name).write_bytes(b"abc")
    resources.upload_file("MR1", "R", tmp_path / name, project="P1")
    assert xnat.files(session, "R") == {name: b"abc"}


def test_a_file_that_is_there_is_not_replaced_unasked(
    xnat: XNAT, resources: ResourceService, tmp_path: Path
) -> None:
    session = xnat.has_session("P1", "S1", "MR1", resources={"R": {"a.txt": b"old"}})
    file = tmp_path / "a.txt"
    file.write_bytes(b"new")
    with pytest.raises(ResourceExistsError, match=r"'R/a\.txt' already exists with other content"):
        resources.upload_file("MR1", "R", file, project="P1")
    assert xnat.files(session, "R") == {"a.txt": b"old"}
    resources.upload_file("MR1", "R", file, project="P1", overwrite=True)
    assert xnat.files(session, "R") == {"a.txt": b"new"}
    # The same file again is what was asked for.
    assert resources.upload_file("MR1", "R", file, project="P1")["success"]


def test_a_file_that_the_server_ignored_is_an_error(xnat: XNAT, tmp_path: Path) -> None:
    xnat.has_session("P1", "S1", "MR1", resources={"R": {}})
    (tmp_path / "a.txt").write_bytes(b"a")
    with (
        XNATClient(xnat.url, *xnat.has_user("bob", P1="collaborator")) as client,
        pytest.raises(UploadError, match="the server did not store it"),
    ):
        ResourceService(client).upload_file("MR1", "R", tmp_path / "a.txt", project="P1")


def test_an_archive_is_unpacked(xnat: XNAT, resources: ResourceService, tmp_path: Path) -> None:
    session = xnat.has_session("P1", "S1", "MR1")
    file = tmp_path / "my data.tar.gz"
    with tarfile.open(file, "w:gz") as tar:
        info = tarfile.TarInfo("sub/a.txt")
        info.size = 3
        tar.addfile(info, io.BytesIO(b"abc"))
    assert resources.upload_file("MR1", "R", file, project="P1", extract=True)["extracted"]
    assert xnat.files(session, "R") == {"sub/a.txt": b"abc"}
    (tmp_path / "a.rar").touch()
    with pytest.raises(UploadError, match="unpacks only"):
        resources.upload_file("MR1", "R", tmp_path / "a.rar", project="P1", extract=True)


def test_a_folder_is_uploaded_with_its_folders(
    xnat: XNAT, resources: ResourceService, tmp_path: Path
) -> None:
    session = xnat.has_session("P1", "S1", "MR1")
    (tmp_path / "d" / "sub").mkdir(parents=True)
    (tmp_path / "d" / "a.txt").write_bytes(b"a")
    (tmp_path / "d" / "sub" / "b ü.txt").write_bytes(b"bb")
    result = resources.upload_directory("MR1", "R", tmp_path / "d", project="P1")
    assert (result["success"], result["files"], result["size"]) == (True, 2, 3)
    assert xnat.files(session, "R") == {"a.txt": b"a", "sub/b ü.txt": b"bb"}


def test_what_is_no_file_and_no_folder(
    xnat: XNAT, resources: ResourceService, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    xnat.has_session("P1", "S1", "MR1")
    with pytest.raises(FileNotFoundError):
        resources.upload_file("MR1", "R", tmp_path / "no", project="P1")
    with pytest.raises(NotADirectoryError):
        resources.upload_directory("MR1", "R", tmp_path / "no", project="P1")
    with pytest.raises(UploadError, match="no files in it"):
        resources.upload_directory("MR1", "R", tmp_path / "empty", project="P1")


def test_several_files_are_uploaded_and_the_failures_counted(
    xnat: XNAT, resources: ResourceService, tmp_path: Path
) -> None:
    session = xnat.has_session("P1", "S1", "MR1")
    (tmp_path / "a.txt").write_bytes(b"a")
    summary = resources.upload(
        project="P1", session="MR1", resource="R", files=[tmp_path / "a.txt", tmp_path / "no.txt"]
    )
    assert (summary.success, summary.succeeded, summary.failed) == (False, 1, 1)
    assert "no.txt: no such file" in summary.errors[0]
    assert xnat.files(session, "R") == {"a.txt": b"a"}


def test_a_resource_is_fetched_and_checked(
    xnat: XNAT, resources: ResourceService, tmp_path: Path
) -> None:
    xnat.has_session("P1", "S1", "MR1", resources={"R": {"a.txt": b"a", "sub/b c.txt": b"bb"}})
    summary = resources.download(project="P1", session="MR1", resource="R", dest=tmp_path / "out")
    assert (summary.success, summary.verified, summary.total_files) == (True, True, 2)
    assert (tmp_path / "out" / "sub" / "b c.txt").read_bytes() == b"bb"


def test_a_resource_with_files_of_which_none_is_listed_is_not_fetched_as_empty(
    xnat: XNAT, resources: ResourceService, tmp_path: Path
) -> None:
    xnat.has_session("P1", "S1", "E1", resources={"NOTES": {"a.txt": b"a"}})
    nothing = b'{"ResultSet":{"Result":[]}}'
    xnat.before(lambda r: Response(nothing) if r.path.endswith("/NOTES/files") else None)
    with pytest.raises(DownloadError, match="lists no files, but counts 1 in resource NOTES"):
        resources.download("E1", "NOTES", tmp_path / "notes", project="P1")


def test_of_names_that_are_one_on_this_disk_only_the_first_is_fetched(
    xnat: XNAT, resources: ResourceService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xnat_core.archive.paths._is_found_in_other_case", lambda path: True)
    xnat.has_session("P1", "S1", "MR1", resources={"R": {"A.txt": b"A", "a.txt": b"a"}})
    summary = resources.download(project="P1", session="MR1", resource="R", dest=tmp_path / "out")
    assert (summary.success, summary.succeeded, summary.failed) == (False, 1, 1)
    assert "the same name on this disk as A.txt" in summary.errors[0]
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["A.txt"]


def test_a_file_with_other_bytes_is_not_kept(
    xnat: XNAT, resources: ResourceService, tmp_path: Path
) -> None:
    xnat.has_session("P1", "S1", "MR1", resources={"R": {"a.txt": b"a", "b.txt": b"b"}})

    def corrupted(request: Request) -> Response | None:
        return Response(b"x") if request.path.endswith("/files/a.txt") else None

    xnat.before(corrupted)
    summary = resources.download(project="P1", session="MR1", resource="R", dest=tmp_path / "out")
    assert (summary.success, summary.verified, summary.failed) == (False, False, 1)
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["b.txt"]


def test_an_archive_member_name_cannot_leave_the_folder(
    xnat: XNAT, resources: ResourceService, tmp_path: Path
) -> None:
    session = xnat.has_session("P1", "S1", "MR1", resources={"R": {"a.txt": b"a"}})
    where = f"/data/experiments/{session.id}/resources/R/files"
    rows = [{"Name": "x", "Size": "1", "URI": f"{where}/../../x", "collection": "R"}]
    xnat.server.expect_request(where).respond_with_json({"ResultSet": {"Result": rows}})
    summary = resources.download(project="P1", session="MR1", resource="R", dest=tmp_path / "out")
    assert summary.failed == 1
    assert "leads out of the folder" in summary.errors[0]


def test_the_folder_travels_as_one_archive_in_one_request(
    xnat: XNAT, resources: ResourceService, tmp_path: Path
) -> None:
    xnat.has_session("P1", "S1", "MR1")
    (tmp_path / "d").mkdir()
    for name in ("a.txt", "b.txt"):
        (tmp_path / "d" / name).write_bytes(b"a")
    resources.upload_directory("MR1", "R", tmp_path / "d", project="P1")
    sent = xnat.requests("PUT")
    assert len(sent) == 1
    assert zipfile.ZipFile(io.BytesIO(xnat.body(sent[0]))).namelist() == ["a.txt", "b.txt"]


def test_the_name_of_one_file_is_not_taken_for_a_list_of_letters(
    xnat: XNAT, resources: ResourceService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = xnat.has_session("P1", "S1", "MR1")
    monkeypatch.chdir(tmp_path)
    for name in ("ab", "a"):
        Path(name).write_text(name)
    assert resources.upload("MR1", "NOTES", "ab", "P1").success
    assert xnat.files(session, "NOTES") == {"ab": b"ab"}


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
