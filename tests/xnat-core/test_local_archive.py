"""Archives on this machine are read for an upload."""

from __future__ import annotations

import gzip
import io
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from xnat_core.archive import open_archive
from xnat_core.errors import UploadError

CONTENTS = {"S1/a.dcm": b"1" * 3_000_000, "S1/Größe.dcm": b"", "b": b"2"}


def packed(path: Path, link: bool = False) -> Path:
    """Make the archive that the suffix says."""
    if path.name.lower().endswith(".zip"):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in CONTENTS.items():
                archive.writestr(name, content)
            if link:
                info = zipfile.ZipInfo("link")
                info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
                archive.writestr(info, "/etc/passwd")
        return path
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content in CONTENTS.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        if link:
            member = tarfile.TarInfo("link")
            member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
            tar.addfile(member)
    gzipped = path.name.endswith("gz")
    path.write_bytes(gzip.compress(out.getvalue()) if gzipped else out.getvalue())
    return path


SUFFIXES = pytest.mark.parametrize("name", ["s.zip", "s.tar", "s.tar.gz", "s.tgz", "S.ZIP"])


@SUFFIXES
def test_every_member_comes_out(tmp_path: Path, name: str) -> None:
    found = {}
    for member in open_archive(packed(tmp_path / name)):
        found[member.name] = b"".join(member.blocks())
        assert (member.kind, member.size) == ("file", len(found[member.name]))
    assert found == CONTENTS


@SUFFIXES
def test_links_are_told_before_their_bytes_and_have_none(tmp_path: Path, name: str) -> None:
    *_, last = open_archive(packed(tmp_path / name, link=True))
    assert (last.name, last.kind) == ("link", "link")


@SUFFIXES
def test_a_cut_archive_is_named(tmp_path: Path, name: str) -> None:
    path = packed(tmp_path / name)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UploadError, match=f"{path}: ") as error:
        for member in open_archive(path):
            list(member.blocks())
    assert error.value.file_path == path


def test_a_damaged_member_is_named(tmp_path: Path) -> None:
    path = tmp_path / "s.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("S1/a.dcm", b"precious")
    path.write_bytes(path.read_bytes().replace(b"precious", b"precioux"))
    archive = open_archive(path)
    member = next(archive)
    assert member.size == 8
    with pytest.raises(UploadError, match=r"s\.zip: S1/a\.dcm: Bad CRC-32"):
        list(member.blocks())


@pytest.mark.parametrize("name", ["s.zip", "s.tar", "s.tgz"])
def test_what_is_no_archive_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(UploadError, match="No such file or directory"):
        list(open_archive(tmp_path / name))
    (tmp_path / name).write_bytes(b"not an archive")
    with pytest.raises(UploadError, match=f"{tmp_path / name}: "):
        list(open_archive(tmp_path / name))


def test_other_suffixes_are_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(UploadError, match=r"s\.rar: not one of \.zip, \.tar, \.tar\.gz, \.tgz"):
        open_archive(tmp_path / "s.rar")


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_with_any_byte_damaged_is_named_or_read(tmp_path: Path, method: int) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("ü.dcm", b"abc" * 20)
    whole = path.read_bytes()
    for position in range(len(whole)):
        path.write_bytes(whole[:position] + b"\xff" + whole[position + 1 :])
        try:
            for member in open_archive(path):
                b"".join(map(bytes, member.blocks()))
        except UploadError as error:
            assert str(path) in error.message


def test_a_member_without_a_name_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", b"1")
    path.write_bytes(path.read_bytes().replace(b"a1PK", b"\x001PK").replace(b"aPK", b"\0PK"))
    with pytest.raises(UploadError, match=r"x\.zip: damaged"):
        list(open_archive(path))
