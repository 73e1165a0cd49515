"""A tar is read as it arrives, and a tar that is not whole is never taken for one."""

from __future__ import annotations

import gzip
import io
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.memory import PEAK
from xnat_core.archive import ArchiveMember, read_tar
from xnat_core.errors import DownloadError, UploadError

NAMES = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/"), min_size=1, max_size=300
).filter(lambda name: name.strip("."))


def packed(contents: dict[str, bytes], format: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format) as tar:
        for name, content in contents.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def cut_in(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


def unpacked(members: Iterator[ArchiveMember]) -> dict[str, bytes]:
    found = {}
    for member in members:
        assert member.kind == "file"
        found[member.name] = b"".join(member.blocks())
        assert len(found[member.name]) == member.size
    return found


@given(
    st.dictionaries(NAMES, st.binary(max_size=2000), max_size=5),
    st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]),
    st.integers(1, 3000),
    st.booleans(),
)
def test_what_the_standard_library_packs_comes_out(
    contents: dict[str, bytes], format: int, size: int, zipped: bool
) -> None:
    data = packed(contents, format)
    data = gzip.compress(data) if zipped else data
    assert unpacked(read_tar(cut_in(data, size))) == contents


def test_a_file_object_will_do() -> None:
    assert unpacked(read_tar(io.BytesIO(packed({"a": b"1"})))) == {"a": b"1"}


def test_a_ustar_name_has_its_prefix() -> None:
    name = "folder/" * 20 + "file"
    assert unpacked(read_tar([packed({name: b"1"}, tarfile.USTAR_FORMAT)])) == {name: b"1"}


def test_names_that_are_not_unicode_come_out_as_python_writes_them() -> None:
    data = packed({"\udce4.dcm": b"1"})
    assert unpacked(read_tar([data])) == {"\udce4.dcm": b"1"}


@pytest.mark.parametrize("format", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_sizes_beyond_8_gib_are_read(format: Literal[1, 2]) -> None:
    info = tarfile.TarInfo("large")
    info.size = 9 << 30
    (member,) = [next(read_tar([info.tobuf(format)]))]
    assert member.size == 9 << 30


def test_kinds_are_told_and_only_files_have_bytes() -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for type, name in [
            (tarfile.DIRTYPE, "folder"),
            (tarfile.SYMTYPE, "symbolic"),
            (tarfile.LNKTYPE, "hard"),
            (tarfile.CHRTYPE, "device"),
            (tarfile.FIFOTYPE, "pipe"),
            (tarfile.REGTYPE, "file"),
        ]:
            info = tarfile.TarInfo(name)
            # Some writers note the size of what a link leads to, and bring no bytes.
            info.type, info.linkname, info.size = type, "/etc/passwd", 5 * (type in b"12")
            tar.addfile(info)
    found = [(m.name, m.kind, b"".join(m.blocks())) for m in read_tar([out.getvalue()])]
    assert found == [
        ("folder/", "directory", b""),
        ("symbolic", "link", b""),
        ("hard", "link", b""),
        ("device", "other", b""),
        ("pipe", "other", b""),
        ("file", "file", b""),
    ]


def test_a_file_with_holes_is_no_file() -> None:
    """Its bytes are those between the holes: as a file they would be another one."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name in ("by its type", "by its header", "whole"):
            info = tarfile.TarInfo(name)
            info.type = tarfile.GNUTYPE_SPARSE if name == "by its type" else tarfile.REGTYPE
            info.pax_headers = {"GNU.sparse.major": "1"} if name == "by its header" else {}
            tar.addfile(info)
    found = {member.name: member.kind for member in read_tar([out.getvalue()])}
    assert found == {"by its type": "sparse", "by its header": "sparse", "whole": "file"}


def test_bytes_that_nobody_wanted_are_passed_over() -> None:
    data = packed({"a": b"1" * 700, "b": b"2" * 700, "c": b"3" * 700})
    found = {}
    for member in read_tar(cut_in(data, 100)):
        if member.name == "b":
            found["b"] = b"".join(member.blocks())
        else:
            next(member.blocks())
    assert found == {"b": b"2" * 700}


def test_the_bytes_of_a_member_that_has_gone_by_are_not_empty_but_an_error() -> None:
    first, _ = list(read_tar([packed({"a": b"1", "b": b"2"})]))
    with pytest.raises(RuntimeError, match="the bytes of a have gone by"):
        first.blocks()


@pytest.mark.parametrize("zipped", [False, True])
def test_a_cut_at_any_byte_is_told(zipped: bool) -> None:
    data = packed({"a": b"1" * 600, "n" * 200: b"2", "c": b""})
    end = len(data.rstrip(b"\0")) // 512 * 512 + 1024
    data = gzip.compress(data[: end + 1024]) if zipped else data[: end + 512]
    for length in range(len(data)):
        if not zipped and length == end:
            continue  # One record of zeros at the very end is a mark, too: everything is there.
        with pytest.raises(DownloadError, match="cut short"):
            unpacked(read_tar(cut_in(data[:length], 300)))


def test_an_archive_cut_between_members_is_told_after_its_members() -> None:
    data = packed({"a": b"1", "b": b"2"})[: 4 * 512]
    members = read_tar([data])
    assert [next(members).name, next(members).name] == ["a", "b"]
    with pytest.raises(DownloadError, match="cut short in a header, or before its end mark"):
        next(members)


def test_a_cut_names_the_member_and_what_is_missing() -> None:
    data = packed({"session/a.dcm": bytes(700)})[: 512 + 300]
    with pytest.raises(DownloadError, match=r"session/a.dcm: .* cut short, 400 bytes are missing"):
        unpacked(read_tar([data]))


@pytest.mark.parametrize("place", range(0, 512, 7))
def test_a_flipped_bit_in_a_header_is_told(place: int) -> None:
    data = bytearray(packed({"a": b"1"}))
    data[place] ^= 0x40
    with pytest.raises(DownloadError, match=r"damaged|cut short"):
        unpacked(read_tar([bytes(data)]))


@given(st.binary(max_size=3000))
def test_rubbish_is_refused_with_an_error_of_ours(data: bytes) -> None:
    with pytest.raises(DownloadError):
        unpacked(read_tar([data]))


@given(st.binary(min_size=1, max_size=300), st.integers(0, 2000))
def test_a_damaged_archive_never_raises_another_error(patch: bytes, place: int) -> None:
    data = bytearray(packed({"n" * 150: b"1" * 100, "b": b"2"}))
    data[place : place + len(patch)] = patch
    try:
        for member in read_tar([bytes(data)]):
            b"".join(member.blocks())
    except DownloadError:
        pass


@pytest.mark.parametrize(
    "records",
    [b"0 path=a\n", b"-5 path=a\n", b"9 path=ab\n", b"x path=a\n", b"8 patha\n", b"99 a="],
)
def test_a_pax_header_that_lies_about_its_lengths_is_refused(records: bytes) -> None:
    info = tarfile.TarInfo("pax")
    info.type, info.size = tarfile.XHDTYPE, len(records)
    data = info.tobuf() + records.ljust(512, b"\0") + packed({"a": b"1"})
    with pytest.raises(DownloadError, match="damaged: a PAX header"):
        unpacked(read_tar([data]))


def test_a_header_of_gigabytes_is_not_read_to_memory() -> None:
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 3 << 30
    with pytest.raises(DownloadError, match="has a header of 3221225472 bytes"):
        unpacked(read_tar([info.tobuf(tarfile.GNU_FORMAT)]))


def test_global_pax_headers_hold_for_all_that_follow() -> None:
    out = io.BytesIO()
    headers = {"comment": "x", "path": "renamed"}
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT, pax_headers=headers) as tar:
        tar.addfile(tarfile.TarInfo("a"))
    assert [member.name for member in read_tar([out.getvalue()])] == ["renamed"]


def test_the_caller_chooses_the_error() -> None:
    with pytest.raises(UploadError, match="cut short"):
        unpacked(read_tar([], fail=UploadError))


def test_gigabytes_pass_through_little_memory() -> None:
    program = (
        PEAK
        + """
import tarfile
from xnat_core.archive import read_tar
block = bytes(1 << 20)
def archive():
    info = tarfile.TarInfo("large")
    info.size = 2 << 30
    yield info.tobuf()
    for _ in range(2 << 10):
        yield block
    yield bytes(1024)
before = peak()
for member in read_tar(archive()):
    assert sum(map(len, member.blocks())) == 2 << 30
print(peak() - before)
"""
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert int(run.stdout) < 16 * 1024, "grew by that many KiB"


def test_the_checksum_of_old_writers_that_summed_signed_bytes_is_taken() -> None:
    data = bytearray(packed({"ä": b"x"}, tarfile.GNU_FORMAT))
    header = data[:512]
    signed = sum(byte - 256 * (byte > 127) for byte in header[:148] + header[156:]) + 8 * 32
    data[148:156] = b"%06o\0 " % signed
    assert unpacked(read_tar([bytes(data)])) == {"ä": b"x"}


@pytest.mark.parametrize(
    "page", [b"<html>", b"\r\n<!DOCTYPE html><html><title>XNAT</title></html>"]
)
def test_a_web_page_is_called_one(page: bytes) -> None:
    with pytest.raises(DownloadError, match="a web page came instead of an archive"):
        list(read_tar([page]))


def test_members_behind_an_early_end_are_not_left_out_in_silence() -> None:
    data = packed({"a": b"1"})[:1024] + bytes(512) + packed({"b": b"2"})
    with pytest.raises(DownloadError, match="bytes after a record of zeros"):
        unpacked(read_tar([data]))


def test_a_header_that_tells_of_no_member_is_no_end() -> None:
    data = packed({"long" * 40: b"1"})
    head = data[: data.index(b"path=long") // 512 * 512 + 512]
    with pytest.raises(DownloadError, match="a header that has no member"):
        unpacked(read_tar([head + bytes(1024)]))


def test_a_size_that_is_no_number_is_damage() -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        info = tarfile.TarInfo("a")
        info.pax_headers = {"size": "one"}
        tar.addfile(info)
    with pytest.raises(DownloadError, match="a size in a PAX header"):
        unpacked(read_tar([out.getvalue()]))
