"""A zip request body is read by Java as it arrives, and has the length it promised."""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import tempfile
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xnat_core.archive import Member, ZipStream, read_zip, zip_writer
from xnat_core.errors import UploadError
from xnat_core.files import BLOCK

NAMES = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/\\"),
    min_size=1,
    max_size=300,
)

JAVA_READER = """
import java.io.FileInputStream;
import java.io.PrintStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;

public class Reader {
    public static void main(String[] args) throws Exception {
        PrintStream out = new PrintStream(System.out, true, "UTF-8");
        byte[] buffer = new byte[1 << 20];
        try (ZipInputStream zip = new ZipInputStream(new FileInputStream(args[0]))) {
            for (ZipEntry entry; (entry = zip.getNextEntry()) != null;) {
                while (zip.read(buffer) > 0) {}
                out.println(entry.getCrc() + " " + entry.getName());
            }
        }
    }
}
"""


def sent(body: ZipStream) -> bytes:
    return b"".join(bytes(block) for block in iter(body))


def members(folder: Path, contents: dict[str, bytes]) -> list[Member]:
    made = []
    for number, (name, content) in enumerate(contents.items()):
        path = folder / str(number)
        path.write_bytes(content)
        made.append(Member.of(path, name))
    return made


def unpacked(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {info.filename: archive.read(info) for info in archive.infolist()}


def read_by_java(folder: Path, archive: Path) -> dict[str, int]:
    """Return the CRC of each member, which Java's ZipInputStream has compared with the bytes."""
    if shutil.which("java") is None or shutil.which("javac") is None:
        pytest.skip("no java and javac on this machine to judge with")
    (folder / "Reader.java").write_text(JAVA_READER)
    subprocess.run(["javac", "-d", folder, folder / "Reader.java"], check=True)
    run = subprocess.run(
        ["java", "-cp", folder, "Reader", archive], capture_output=True, text=True, check=True
    )
    lines = (line.split(" ", 1) for line in run.stdout.splitlines())
    return {name: int(crc) for crc, name in lines}


@pytest.mark.parametrize("compress", [False, True])
@given(contents=st.dictionaries(NAMES, st.binary(max_size=2000), max_size=5))
def test_what_goes_in_comes_out(compress: bool, contents: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        body = ZipStream(members(Path(folder), contents), compress=compress)
        data = sent(body)
    assert body.length == (None if compress else len(data))
    assert unpacked(data) == contents


@pytest.mark.parametrize("compress", [False, True])
def test_java_reads_it_as_it_arrives(tmp_path: Path, compress: bool) -> None:
    contents = {
        "plain.dcm": b"DICM" * 1000,
        "empty": b"",
        "with space/Größe.dcm": bytes(range(256)) * 9000,
        "n" * 300: b"x",
        "looks like a zip": b"PK\7\x08PK\3\4PK\1\2",
    }
    archive = tmp_path / "sent.zip"
    archive.write_bytes(sent(ZipStream(members(tmp_path, contents), compress=compress)))
    expected = {name: zlib.crc32(content) for name, content in contents.items()}
    assert read_by_java(tmp_path, archive) == expected


@pytest.mark.parametrize("compress", [False, True])
def test_java_and_we_read_members_beyond_4_gib(tmp_path: Path, compress: bool) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.truncate((4 << 30) + 5)
    (tmp_path / "small").write_bytes(b"after it")
    body = ZipStream(
        [Member.of(tmp_path / name, name) for name in ("large", "small")], compress=compress
    )
    archive = tmp_path / "sent.zip"
    total, zeros = 0, bytes(BLOCK)
    with archive.open("wb") as out:
        for block in body:
            total += len(block)
            # Zeros become a hole: the archive of 4 GiB takes no room on the disk.
            if bytes(block) == zeros:
                out.seek(len(block), io.SEEK_CUR)
            else:
                out.write(block)
    assert body.length in (None, total)
    with zipfile.ZipFile(archive) as read:
        assert [info.file_size for info in read.infolist()] == [(4 << 30) + 5, 8]
        assert read.read("small") == b"after it"
    with archive.open("rb") as read_as_it_comes:
        assert [member.name for member in read_zip(read_as_it_comes)] == ["large", "small"]
    assert read_by_java(tmp_path, archive)["small"] == zlib.crc32(b"after it")


def test_more_members_than_a_plain_zip_can_count(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"1")
    body = ZipStream([Member(tmp_path / "one", str(number), 1) for number in range(70_000)])
    data = sent(body)
    assert len(data) == body.length
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert len(archive.infolist()) == 70_000


@pytest.mark.parametrize("compress", [False, True])
def test_a_second_iteration_sends_the_same_bytes_again(tmp_path: Path, compress: bool) -> None:
    body = ZipStream(members(tmp_path, {"a": b"1" * 5000, "b": b"2"}), compress=compress)
    assert sent(body) == sent(body)


def test_stored_blocks_are_whole_however_small_the_files(tmp_path: Path) -> None:
    body = ZipStream(members(tmp_path, {f"{n}": bytes(700) for n in range(2000)}))
    assert {len(block) for block in list(iter(body))[:-1]} == {BLOCK}


@pytest.mark.parametrize("compress", [False, True])
def test_digests_are_told_as_members_finish(tmp_path: Path, compress: bool) -> None:
    told = {}
    sent(
        ZipStream(
            members(tmp_path, {"a": b"1" * 3_000_000}),
            compress=compress,
            on_digest=lambda member, md5: told.update({member.name: md5}),
        )
    )
    assert told == {"a": hashlib.md5(b"1" * 3_000_000).hexdigest()}


@pytest.mark.parametrize("compress", [False, True])
def test_a_file_of_another_size_is_named(tmp_path: Path, compress: bool) -> None:
    body = ZipStream(members(tmp_path, {"a": b"as it was"}), compress=compress)
    (tmp_path / "0").write_bytes(b"other")
    with pytest.raises(UploadError, match="/0: changed from 9 to 5 bytes"):
        sent(body)


def test_a_file_rewritten_after_its_crc_was_taken_is_named(tmp_path: Path) -> None:
    body = ZipStream(members(tmp_path, {"a": bytes(4 * BLOCK)}))
    blocks = iter(body)
    next(blocks)
    with (tmp_path / "0").open("r+b") as file:
        file.write(b"other bytes, same size")
    with pytest.raises(UploadError, match="/0: was written to while it was being sent"):
        list(blocks)


def test_names_that_a_zip_cannot_hold_are_refused_before_anything_is_sent(tmp_path: Path) -> None:
    with pytest.raises(UploadError, match="/0: its name is not Unicode"):
        ZipStream(members(tmp_path, {"\udce4": b""}))
    with pytest.raises(UploadError, match="/0: its name is too long for a zip"):
        ZipStream(members(tmp_path, {"x" * 65_536: b""}))


@pytest.mark.parametrize(
    ("mtime", "shown"),
    [
        (0, (1980, 1, 1, 0, 0, 0)),
        (10**11, None),
        (1 << 62, None),
        (-(1 << 62), None),
        (1_700_000_001, None),
    ],
)
def test_times_that_a_zip_cannot_hold_are_bent(
    tmp_path: Path, mtime: int, shown: tuple[int, ...] | None
) -> None:
    (tmp_path / "a").write_bytes(b"")
    data = sent(ZipStream([Member(tmp_path / "a", "a", 0, mtime)]))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        found = archive.infolist()[0].date_time
    assert shown is None or found == shown
    assert 1980 <= found[0] <= 2107


def test_an_archive_that_begins_beyond_4_gib_is_pointed_to_in_zip64() -> None:
    end = zip_writer._end(3, 100, 5 << 30)
    assert end.startswith(b"PK\6\6")
    assert end.endswith(b"\xff\xff\xff\xff\0\0")
