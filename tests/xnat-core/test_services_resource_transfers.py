"""Files of resources: filled and compared, fetched and checked."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest
from werkzeug.wrappers import Request, Response

from support.sandbox import XNAT
from xnat_core.client import XNATClient
from xnat_core.errors import DownloadError, ResourceExistsError, UploadError
from xnat_core.services.resources import ResourceService


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
