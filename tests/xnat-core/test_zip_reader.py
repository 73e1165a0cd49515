"""A zip is read as it arrives, and a zip that is not whole is never taken for one."""

from __future__ import annotations

import io
import stat
import struct
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.memory import PEAK
from xnat_core.archive import ArchiveMember, Member, ZipStream, read_zip
from xnat_core.errors import DownloadError

NAMES = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/\\"),
    min_size=1,
    max_size=300,
)


class Unseekable(io.BytesIO):
    """Makes zipfile write descriptors behind the bytes."""

    def seekable(self) -> bool:
        return False

    def seek(self, *_: Any) -> int:
        raise OSError

    def tell(self) -> int:
        raise OSError


def packed(contents: dict[str, bytes], method: int, out: io.BytesIO | None = None) -> bytes:
    out = out or io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return out.getvalue()


def cut_in(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


def unpacked(members: Iterator[ArchiveMember]) -> dict[str, bytes]:
    found = {}
    for member in members:
        found[member.name] = b"".join(member.blocks())
        assert member.size in (None, len(found[member.name]))
    return found


METHODS = pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
SEEKABLE = pytest.mark.parametrize("out", [io.BytesIO, Unseekable])


@METHODS
@SEEKABLE
@given(
    contents=st.dictionaries(NAMES, st.binary(max_size=2000), max_size=5),
    size=st.integers(1, 3000),
)
def test_what_the_standard_library_packs_comes_out(
    method: int, out: type[io.BytesIO], contents: dict[str, bytes], size: int
) -> None:
    assert unpacked(read_zip(cut_in(packed(contents, method, out()), size))) == contents


@pytest.mark.parametrize("compress", [False, True])
@given(contents=st.lists(st.binary(max_size=2000), max_size=4))
def test_what_we_pack_comes_out(compress: bool, contents: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        members = []
        for number, content in enumerate(contents):
            path = Path(folder) / str(number)
            path.write_bytes(content)
            members.append(Member.of(path, path.name))
        found = unpacked(read_zip(iter(ZipStream(members, compress=compress))))
    assert found == {str(number): content for number, content in enumerate(contents)}


@SEEKABLE
@pytest.mark.parametrize("size", [(1 << 20) - 1, 1 << 20, (1 << 20) + 1, (5 << 20) + 5])
def test_members_that_unpack_to_much_more_end_where_they_end(
    out: type[io.BytesIO], size: int
) -> None:
    contents = {"zeros": bytes(size), "after": b"2"}
    assert unpacked(read_zip([packed(contents, zipfile.ZIP_DEFLATED, out())])) == contents


@METHODS
@SEEKABLE
def test_a_zip_inside_a_zip_does_not_end_its_member(method: int, out: type[io.BytesIO]) -> None:
    inner = packed({"a": b"1" * 100, "b": b""}, zipfile.ZIP_STORED, Unseekable())
    inner += b"PK\7\x08" * 5 + b"PK\7"
    contents = {"inner.zip": inner, "after": b"2"}
    for size in (1, 2, 3, 5, 4096):
        assert unpacked(read_zip(cut_in(packed(contents, method, out()), size))) == contents


@METHODS
@SEEKABLE
def test_a_cut_at_any_byte_is_told(method: int, out: type[io.BytesIO]) -> None:
    data = packed({"a": b"1" * 600, "n" * 200: b"2", "c": b""}, method, out())
    for length in range(len(data)):
        with pytest.raises(DownloadError, match=r"cut short|damaged"):
            unpacked(read_zip(cut_in(data[:length], 300)))


@METHODS
@SEEKABLE
def test_a_flipped_bit_in_the_bytes_is_told_by_name(method: int, out: type[io.BytesIO]) -> None:
    data = bytearray(packed({"session/a.dcm": b"0123456789" * 10}, method, out()))
    data[47] ^= 1
    with pytest.raises(DownloadError, match=r"session/a\.dcm"):
        unpacked(read_zip([bytes(data)]))


@METHODS
@SEEKABLE
def test_no_flipped_bit_changes_a_name_or_a_byte_unnoticed(
    method: int, out: type[io.BytesIO]
) -> None:
    contents = {"a": b"1" * 40, "b": b"2" * 30}
    data = packed(contents, method, out())
    for place in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[place // 8] ^= 1 << place % 8
        try:
            found = unpacked(read_zip([bytes(flipped)]))
        except DownloadError:
            continue
        assert found == contents, f"bit {place}"


def test_the_other_members_can_be_had_when_one_is_damaged() -> None:
    data = bytearray(packed({"a": b"1" * 100, "b": b"2" * 100}, zipfile.ZIP_STORED))
    data[60] ^= 1
    members = read_zip([bytes(data)])
    with pytest.raises(DownloadError, match="a: damaged, its checksum or size differs"):
        list(next(members).blocks())
    assert b"".join(next(members).blocks()) == b"2" * 100
    assert list(members) == []


@METHODS
@SEEKABLE
@given(patch=st.binary(min_size=1, max_size=300), place=st.integers(0, 600))
def test_a_damaged_archive_never_raises_another_error(
    method: int, out: type[io.BytesIO], patch: bytes, place: int
) -> None:
    data = bytearray(packed({"a": b"1" * 100, "b": b"2" * 90}, method, out()))
    data[place : place + len(patch)] = patch
    try:
        for member in read_zip([bytes(data)]):
            b"".join(member.blocks())
    except DownloadError:
        pass


@given(st.binary(max_size=300))
def test_rubbish_is_refused_with_an_error_of_ours(data: bytes) -> None:
    with pytest.raises(DownloadError):
        unpacked(read_zip([data]))
    with pytest.raises(DownloadError):
        unpacked(read_zip([b"PK\3\4" + data]))


def test_an_archive_of_nothing_is_whole() -> None:
    assert unpacked(read_zip([packed({}, zipfile.ZIP_STORED)])) == {}


def test_a_comment_belongs_to_the_archive_and_more_bytes_do_not() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.comment = b"made by a scanner"
        archive.writestr("a", b"1")
    assert unpacked(read_zip([out.getvalue()])) == {"a": b"1"}
    with pytest.raises(DownloadError, match="bytes behind its end"):
        unpacked(read_zip([out.getvalue() + b"<html>500"]))
    with pytest.raises(DownloadError, match="cut short in its comment"):
        unpacked(read_zip([out.getvalue()[:-1]]))


def test_a_directory_that_lists_other_members_is_told() -> None:
    data = packed({"a": b"1", "b": b"2"}, zipfile.ZIP_STORED)
    for old, new in ((b"PK\1\2", 46), (b"PK\1\2", 16)):
        changed = bytearray(data)
        changed[data.rindex(old) + new] ^= 1
        with pytest.raises(DownloadError, match="its directory lists other members"):
            unpacked(read_zip([bytes(changed)]))


@pytest.mark.parametrize("place", [8, 10, 12, 16])
def test_an_end_record_that_lies_is_told(place: int) -> None:
    data = bytearray(packed({"a": b"1"}, zipfile.ZIP_STORED))
    data[data.rindex(b"PK\5\6") + place] ^= 1
    if place == 8:
        # The number of members on this disk: no reader of one-part archives looks at it.
        assert unpacked(read_zip([bytes(data)])) == {"a": b"1"}
        return
    with pytest.raises(DownloadError, match="its end record is of another directory"):
        unpacked(read_zip([bytes(data)]))


def test_directories_are_told() -> None:
    data = packed({"folder/": b"", "folder/a": b"1"}, zipfile.ZIP_STORED)
    assert [m.kind for m in read_zip([data])] == ["directory", "file"]


def test_a_link_is_refused_when_the_directory_tells_of_it() -> None:
    info = zipfile.ZipInfo("link")
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(DownloadError, match="link: a link, not a file"):
        unpacked(read_zip([out.getvalue()]))


def test_encryption_and_rare_methods_are_refused_by_name() -> None:
    plain = packed({"a": b"1"}, zipfile.ZIP_STORED)
    encrypted, rare = bytearray(plain), bytearray(plain)
    encrypted[6], rare[8] = encrypted[6] | 1, 12
    with pytest.raises(DownloadError, match="a: encrypted"):
        unpacked(read_zip([bytes(encrypted)]))
    with pytest.raises(DownloadError, match="a: compression method 12 is not supported"):
        unpacked(read_zip([bytes(rare)]))


def test_names_without_the_unicode_flag_are_utf8_or_else_code_page_437() -> None:
    data = packed({"aa": b"1"}, zipfile.ZIP_STORED)
    for raw, name in (("ü".encode(), "ü"), (b"\x81b", "üb")):
        assert unpacked(read_zip([data.replace(b"aa", raw)])) == {name: b"1"}


def zip64(descriptor: bytes, flags: int, method: int, content: bytes, extra: bytes) -> bytes:
    """A zip of one member `a`, its sizes where the test wants them."""
    raw = content
    if method:
        compressor = zlib.compressobj(1, zlib.DEFLATED, -15)
        raw = compressor.compress(content) + compressor.flush()
    sizes = (0xFFFFFFFF, 0xFFFFFFFF) if extra else (0, 0)
    crc = 0 if flags else zlib.crc32(content)
    local = struct.pack(
        "<4sHHHHHLLLHH", b"PK\3\4", 45, flags, method, 0, 0, crc, *sizes, 1, len(extra)
    )
    member = local + b"a" + extra + raw + descriptor
    facts = (zlib.crc32(content), len(raw), len(content), 1, 0, 0, 0, 0, 0, 0)
    central = (
        struct.pack("<4sHHHHHHLLLHHHHHLL", b"PK\1\2", 45, 45, flags, method, 0, 0, *facts) + b"a"
    )
    end = struct.pack("<4sHHHHLLH", b"PK\5\6", 0, 0, 1, 1, len(central), len(member), 0)
    return member + central + end


@pytest.mark.parametrize(
    ("method", "layout"),
    [(0, "<4sLLL"), (0, "<4sLQQ"), (8, "<4sLLL"), (8, "<4sLQQ"), (8, "<LLL"), (8, "<LQQ")],
)
@pytest.mark.parametrize("content", [b"", b"some bytes" * 9])
def test_descriptors_of_every_shape_are_read(method: int, layout: str, content: bytes) -> None:
    compressor = zlib.compressobj(1, zlib.DEFLATED, -15)
    raw = compressor.compress(content) + compressor.flush() if method else content
    mark = [b"PK\7\x08"] if "4s" in layout else []
    descriptor = struct.pack(layout, *mark, zlib.crc32(content), len(raw), len(content))
    data = zip64(descriptor, 8, method, content, b"")
    assert unpacked(read_zip([data])) == {"a": content}


def test_a_stored_member_with_an_unmarked_descriptor_is_refused() -> None:
    descriptor = struct.pack("<LLL", zlib.crc32(b"bytes"), 5, 5)
    with pytest.raises(DownloadError, match="a: the archive is cut short in it"):
        unpacked(read_zip([zip64(descriptor, 8, 0, b"bytes", b"")]))


def test_sizes_in_a_zip64_field_are_read() -> None:
    field = struct.pack("<HHHHQQ", 7, 0, 1, 16, 5, 5)
    assert unpacked(read_zip([zip64(b"", 0, 0, b"bytes", field)])) == {"a": b"bytes"}
    for wrong in (struct.pack("<HHQ", 1, 8, 5), struct.pack("<HHQ7x", 1, 15, 5), field[:-1]):
        with pytest.raises(DownloadError, match="damaged: a ZIP64 field"):
            unpacked(read_zip([zip64(b"", 0, 0, b"bytes", wrong)]))


@pytest.mark.parametrize(("method", "length"), [(0, 5), (8, 7)])
def test_sizes_before_the_bytes_must_be_those_behind_them(method: int, length: int) -> None:
    descriptor = struct.pack("<4sLLL", b"PK\7\x08", zlib.crc32(b"bytes"), length, 5)
    right, wrong = (struct.pack("<HHQQ", 1, 16, size, length) for size in (5, 6))
    assert unpacked(read_zip([zip64(descriptor, 8, method, b"bytes", right)])) == {"a": b"bytes"}
    with pytest.raises(DownloadError, match="a: damaged, its checksum or size differs"):
        list(next(read_zip([zip64(descriptor, 8, method, b"bytes", wrong)])).blocks())


def test_a_small_zip_of_gigabytes_passes_through_little_memory() -> None:
    program = (
        PEAK
        + """
import io, zipfile
from xnat_core.archive import read_zip
out = io.BytesIO()
with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
    with archive.open("zeros", "w") as file:
        for _ in range(1 << 9):
            file.write(bytes(1 << 20))
before = peak()
for member in read_zip([out.getvalue()]):
    sizes = [len(block) for block in member.blocks()]
assert sum(sizes) == 1 << 29 and max(sizes) <= 1 << 20
print(peak() - before)
"""
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert int(run.stdout) < 16 * 1024, "grew by that many KiB"


def test_more_than_65535_members_are_read(tmp_path: Path) -> None:
    (one := tmp_path / "one").write_bytes(b"1")
    members = [Member(one, str(number), 1) for number in range(66_000)]
    assert sum(1 for _ in read_zip(iter(ZipStream(members)))) == 66_000


@pytest.mark.parametrize("page", [b"<html>", b"\r\n<!DOCTYPE html><title>XNAT</title>"])
def test_a_web_page_is_called_one(page: bytes) -> None:
    with pytest.raises(DownloadError, match="a web page came instead of an archive"):
        list(read_zip([page]))


@pytest.mark.parametrize("place", [32, 40, 48, 64])
def test_a_64_bit_end_record_that_lies_is_told(place: int) -> None:
    data = packed({"a": b"1"}, zipfile.ZIP_STORED)
    begin, end = data.index(b"PK\1\2"), data.index(b"PK\5\6")
    record = struct.pack("<4sQHHIIQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, end - begin, begin)
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, end, 1)
    whole = bytearray(data[:end] + record + locator + data[end:])
    assert unpacked(read_zip([bytes(whole)])) == {"a": b"1"}
    whole[end + place] ^= 1
    with pytest.raises(DownloadError, match="its end record is of another directory"):
        unpacked(read_zip([bytes(whole)]))
