"""Nothing outside OUT is ever written, and nothing that is refused goes unsaid."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import pytest
from werkzeug.wrappers import Request, Response

from support.downloads import Downloader

A_TAR = "MR1/scans/1-T1w/resources/DICOM/files"


def tar_of(*members: tuple[str, bytes], links: dict[str, str] | None = None) -> bytes:
    """A tar with these members, whatever they are called."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
    return buffer.getvalue()


def answers_tar(download: Downloader, body: bytes) -> None:
    """Every tar that is asked for is this one."""

    def hook(request: Request) -> Response | None:
        return Response(body, 200) if "format=tar" in request.full_path else None

    download.xnat.before(hook)


def lists(download: Downloader, *files: tuple[str, int, str]) -> None:
    """Every listing of files tells of these: path, size, digest."""
    rows = ",".join(
        f'{{"Name":"{path.rpartition("/")[2]}","Size":"{size}","collection":"DICOM",'
        f'"URI":"/data/experiments/XNAT_E00001/scans/1/resources/1/files/{path}",'
        f'"digest":"{digest}"}}'
        for path, size, digest in files
    )

    def hook(request: Request) -> Response | None:
        if request.path.endswith("/files") and "format=json" in request.full_path:
            return Response(f'{{"ResultSet":{{"Result":[{rows}]}}}}', 200)
        return None

    download.xnat.before(hook)


@pytest.fixture
def one_file(download: Downloader) -> Downloader:
    """A session with one file."""
    download.xnat.has_session("P1", "S1", "MR1", {"1": {"a.dcm": b"right"}})
    return download


@pytest.mark.parametrize(
    "name",
    [
        "../../evil",
        f"{A_TAR}/../../../../../../../evil",
        "/evil",
        f"{A_TAR}/..\\evil",
        f"{A_TAR}/x\ny",
        "C:/evil",
        f"{A_TAR}/{'n' * 300}",
    ],
)
def test_a_member_that_leads_astray_is_a_failed_record(one_file: Downloader, name: str) -> None:
    before = {*one_file.out.parent.rglob("*")}
    answers_tar(one_file, tar_of((name, b"evil"), (f"{A_TAR}/a.dcm", b"right")))
    ran = one_file.session("MR1")
    assert ran.status == 2
    assert ran.of("file")[0]["name"] == name
    assert one_file.files() == {"MR1/scans/1/resources/DICOM/files/a.dcm": b"right"}
    grown = {path for path in one_file.out.parent.rglob("*") if one_file.out not in path.parents}
    assert not {path for path in grown - before if "evil" in path.name}


def test_a_link_in_an_archive_is_refused(one_file: Downloader, tmp_path: Path) -> None:
    link = {f"{A_TAR}/link": str(tmp_path)}
    answers_tar(one_file, tar_of((f"{A_TAR}/a.dcm", b"right"), links=link))
    ran = one_file.session("MR1")
    assert ran.status == 2
    assert "a link or device" in ran.err
    assert not (one_file.out / "MR1/scans/1/resources/DICOM/files/link").is_symlink()


def test_a_listed_file_that_comes_as_a_link_is_asked_for_itself(one_file: Downloader) -> None:
    answers_tar(one_file, tar_of(links={f"{A_TAR}/a.dcm": "/etc/passwd"}))
    ran = one_file.session("MR1")
    assert ran.status == 0, ran.err
    assert list(one_file.files().values()) == [b"right"]


def test_members_that_were_not_listed_are_not_written_and_counted(one_file: Downloader) -> None:
    answers_tar(one_file, tar_of((f"{A_TAR}/a.dcm", b"right"), (f"{A_TAR}/new", b"new")))
    ran = one_file.session("MR1")
    assert (ran.status, ran.record["surplus"]) == (0, 1)
    assert "not in the listing" in ran.err
    assert list(one_file.files().values()) == [b"right"]


def test_a_member_that_comes_twice_is_taken_once(one_file: Downloader) -> None:
    member = (f"{A_TAR}/a.dcm", b"right")
    answers_tar(one_file, tar_of(member, (member[0], b"wrong"), member))
    ran = one_file.session("MR1")
    assert (ran.status, ran.record["files"]) == (0, 1)
    assert list(one_file.files().values()) == [b"right"]


@pytest.mark.parametrize(
    "path", ["../evil", "a/../../../../../../../evil", "/evil", "x\\\\y", "n" * 300, "..", "a/.."]
)
def test_a_listed_path_that_leads_astray_is_a_failed_record(
    one_file: Downloader, path: str
) -> None:
    md5 = hashlib.md5(b"right").hexdigest()
    lists(one_file, (path, 4, ""), ("a.dcm", 5, md5))
    ran = one_file.session("MR1")
    assert ran.status == 2
    assert len(ran.of("file")) == 1
    assert list(one_file.files()) == ["MR1/scans/1/resources/DICOM/files/a.dcm"]
    assert not list(one_file.out.parent.rglob("evil"))


def test_a_link_inside_out_is_not_followed(one_file: Downloader, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (one_file.out / "MR1").mkdir(parents=True)
    (one_file.out / "MR1/scans").symlink_to(elsewhere)
    ran = one_file.session("MR1")
    assert ran.status == 2
    assert "is a link" in ran.err
    assert not list(elsewhere.iterdir())


def test_the_folder_of_a_session_is_not_a_link_either(one_file: Downloader, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    one_file.out.mkdir()
    (one_file.out / "MR1").symlink_to(elsewhere)
    assert one_file.session("MR1").status == 2
    assert not list(elsewhere.iterdir())


def test_a_link_in_the_place_of_a_file_is_replaced(one_file: Downloader, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_bytes(b"right")
    path = one_file.out / "MR1/scans/1/resources/DICOM/files/a.dcm"
    path.parent.mkdir(parents=True)
    path.symlink_to(precious)
    assert one_file.session("MR1").status == 0
    assert not path.is_symlink()
    assert precious.read_bytes() == b"right"


def test_out_itself_may_be_a_link(one_file: Downloader, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    one_file.out.symlink_to(tmp_path / "disk")
    assert one_file.session("MR1").status == 0


def test_a_file_listed_twice_is_one_file(one_file: Downloader) -> None:
    md5 = hashlib.md5(b"right").hexdigest()
    lists(one_file, ("a.dcm", 5, md5), ("a.dcm", 5, md5))
    ran = one_file.session("MR1")
    assert (ran.status, ran.record["files"]) == (0, 1)


def test_a_file_listed_twice_with_other_facts_is_refused(one_file: Downloader) -> None:
    md5 = hashlib.md5(b"right").hexdigest()
    lists(one_file, ("a.dcm", 5, md5), ("a.dcm", 6, "0" * 32))
    ran = one_file.session("MR1")
    assert ran.status == 8
    assert "lists it twice" in ran.err


def test_a_file_where_a_folder_must_be_is_said(one_file: Downloader) -> None:
    lists(one_file, ("a.dcm", 5, ""), ("a.dcm/b", 4, ""))
    ran = one_file.session("MR1")
    assert ran.status == 1
    assert list(one_file.files().values()) == [b"right"]


def test_a_file_called_like_a_part_of_another_stays(download: Downloader) -> None:
    files = {".foo.12-abcdef01.part": b"data", "foo": b"x"}
    download.xnat.has_session("P1", "S1", "MR1", {"1": files})
    for _ in range(2):
        assert download.session("MR1").status == 0
        assert download.files("MR1/scans/1/resources/DICOM/files") == files


def test_what_the_disk_refuses_does_not_stop_the_other_files(download: Downloader) -> None:
    files = {"a": b"a", "b/c": b"c", "d": b"d"}
    download.xnat.has_session("P1", "S1", "MR1", {"1": files})
    folder = download.out / "MR1/scans/1/resources/DICOM/files"
    folder.mkdir(parents=True)
    (folder / "b").touch()
    ran = download.session("MR1")
    assert ran.status == 1
    assert [record["path"] for record in ran.of("file")] == ["b/c"]
    assert download.files("MR1/scans/1/resources/DICOM/files") == {"a": b"a", "b": b"", "d": b"d"}


def test_a_member_whose_name_is_no_text_is_not_written(one_file: Downloader) -> None:
    name = f"{A_TAR}/\udcff.dcm"
    answers_tar(one_file, tar_of((name, b"x"), (f"{A_TAR}/a.dcm", b"right")))
    ran = one_file.session("MR1")
    assert (ran.status, ran.record["surplus"]) == (0, 1)
    assert list(one_file.files().values()) == [b"right"]


@pytest.mark.parametrize("label", ["..", ".", "a/b", "/abs"])
def test_a_label_that_is_no_folder_name_is_refused(one_file: Downloader, label: str) -> None:
    record = {**one_file.record("MR1"), "label": label}
    ran = one_file.records(record)
    assert ran.status == 2
    assert one_file.files() == {}


@pytest.mark.parametrize("other", ["d//a", "d/./a", "./d/a"])
@pytest.mark.parametrize("words", [(), ("--layout", "{session}/{path}")])
def test_two_ways_to_write_a_name_are_one_name(
    one_file: Downloader, other: str, words: tuple[str, ...]
) -> None:
    bodies = {"d/a": b"one", other: b"two"}
    lists(one_file, *((path, 3, hashlib.md5(data).hexdigest()) for path, data in bodies.items()))
    answers_tar(one_file, tar_of(*((f"{A_TAR}/{path}", data) for path, data in bodies.items())))
    ran = one_file.session("MR1", *words)
    assert ran.status in (1, 2)
    assert [*one_file.files().values()] in ([], [b"one"])
    assert "d/a" in ran.err
