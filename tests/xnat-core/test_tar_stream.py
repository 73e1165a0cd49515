"""A tar request body has the length it promised, and every tar reader reads it."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.memory import PEAK
from xnat_core.archive import Member, TarStream
from xnat_core.errors import UploadError
from xnat_core.files import BLOCK, SentFile

NAMES = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/"), min_size=1, max_size=300
).filter(lambda name: name.strip("."))


def sent(body: TarStream) -> bytes:
    return b"".join(bytes(block) for block in iter(body))


def unpacked(data: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(data), mode="r|") as tar:
        return {info.name: (tar.extractfile(info) or io.BytesIO()).read() for info in tar}


def members(folder: Path, contents: dict[str, bytes]) -> list[Member]:
    made = []
    for number, (name, content) in enumerate(contents.items()):
        path = folder / str(number)
        path.write_bytes(content)
        made.append(Member.of(path, name))
    return made


@given(st.dictionaries(NAMES, st.binary(max_size=2000), max_size=5))
def test_what_goes_in_comes_out_and_the_length_is_as_promised(contents: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        body = TarStream(members(Path(folder), contents))
        data = sent(body)
    assert len(data) == body.length
    assert unpacked(data) == contents


@pytest.mark.parametrize(
    "name", ["a b", "Müller/Größe.dcm", "x" * 100, "x" * 101, "y" * 300, "d/" * 80 + "f", "\udce4"]
)
def test_any_name_survives(tmp_path: Path, name: str) -> None:
    body = TarStream(members(tmp_path, {name: b"content"}))
    data = sent(body)
    assert len(data) == body.length
    assert unpacked(data) == {name: b"content"}


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, BLOCK - 512, BLOCK - 513, BLOCK, 3 * BLOCK])
def test_any_size_survives(tmp_path: Path, size: int) -> None:
    content = bytes(range(251)) * (size // 251 + 1)
    contents = {"before": b"b", "it": content[:size], "after": b"a"}
    body = TarStream(members(tmp_path, contents))
    data = sent(body)
    assert len(data) == body.length
    assert unpacked(data) == contents


def test_a_size_beyond_8_gib_goes_to_a_pax_header(tmp_path: Path) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.truncate(9 << 30)
    body = TarStream([Member.of(tmp_path / "large", "large")])
    first = bytes(next(iter(body)))
    info = tarfile.TarInfo.frombuf(first[:512], "utf-8", "strict")
    assert info.type == tarfile.XHDTYPE
    assert b" size=9663676416\n" in first[512:1024]
    assert body.length == 3 * 512 + (9 << 30) + 1024


def test_blocks_are_whole_however_small_the_files(tmp_path: Path) -> None:
    body = TarStream(members(tmp_path, {f"{n}": bytes(700) for n in range(2000)}))
    sizes = [len(block) for block in iter(body)]
    assert set(sizes[:-1]) == {BLOCK}
    assert sum(sizes) == body.length


def test_a_second_iteration_sends_the_same_bytes_again(tmp_path: Path) -> None:
    body = TarStream(members(tmp_path, {"a": b"1", "b": b"2"}))
    assert sent(body) == sent(body)


def test_a_block_may_be_kept(tmp_path: Path) -> None:
    body = TarStream(members(tmp_path, {"a": b"1" * BLOCK, "b": b"2" * BLOCK}))
    assert b"".join(list(iter(body))) == sent(body)


def test_no_members_make_an_empty_archive() -> None:
    assert sent(TarStream([])) == bytes(1024)


def test_digests_are_told_as_members_finish(tmp_path: Path) -> None:
    told = {}
    body = TarStream(
        members(tmp_path, {"a": b"1" * 3_000_000, "b": b""}),
        on_digest=lambda member, md5: told.update({member.name: md5}),
    )
    sent(body)
    assert told == {
        "a": hashlib.md5(b"1" * 3_000_000).hexdigest(),
        "b": hashlib.md5(b"").hexdigest(),
    }


@pytest.mark.parametrize("now", [b"longer than before", b"less", b""])
def test_a_file_of_another_size_is_named_and_never_padded(tmp_path: Path, now: bytes) -> None:
    body = TarStream(members(tmp_path, {"a": b"as it was"}))
    (tmp_path / "0").write_bytes(now)
    with pytest.raises(UploadError, match=f"{tmp_path}/0: changed from 9 to {len(now)} bytes") as e:
        sent(body)
    assert e.value.file_path == tmp_path / "0"


def test_a_file_that_shrinks_while_being_sent_is_named(tmp_path: Path) -> None:
    body = TarStream(members(tmp_path, {"a": bytes(4 * BLOCK)}))
    blocks = iter(body)
    next(blocks)
    (tmp_path / "0").write_bytes(b"")
    with pytest.raises(UploadError, match="/0: changed from 4194304 to 0 bytes"):
        list(blocks)


def test_a_file_that_grows_while_being_sent_is_named(tmp_path: Path) -> None:
    body = TarStream(members(tmp_path, {"a": bytes(4 * BLOCK)}))
    blocks = iter(body)
    next(blocks)
    with (tmp_path / "0").open("ab") as file:
        file.write(b"more")
    with pytest.raises(UploadError, match="/0: changed from 4194304 to 4194308 bytes"):
        list(blocks)


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    body = TarStream(members(tmp_path, {"a": b"1"}))
    (tmp_path / "0").unlink()
    with pytest.raises(UploadError, match="/0: No such file or directory"):
        sent(body)


def test_only_regular_files_become_members(tmp_path: Path) -> None:
    with pytest.raises(UploadError, match="not a regular file"):
        Member.of(tmp_path, "folder")
    with pytest.raises(UploadError, match="No such file or directory"):
        Member.of(tmp_path / "none", "none")


def test_gigabytes_pass_through_little_memory(tmp_path: Path) -> None:
    program = (
        PEAK
        + """
import sys
from pathlib import Path
from xnat_core.archive import Member, TarStream
path = Path(sys.argv[1])
with path.open("wb") as file:
    file.truncate(2 << 30)
body = TarStream([Member.of(path, "large")])
before = peak()
total = sum(len(block) for block in body)
assert total == body.length > 2 << 30, total
print(peak() - before)
"""
    )
    run = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "large")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(run.stdout) < 16 * 1024, "grew by that many KiB"


def test_a_member_may_bring_its_bytes_from_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"real")

    class Elsewhere(Member):
        def open(self) -> SentFile:
            return SentFile(tmp_path / "real", self.size)

    body = TarStream([Elsewhere(tmp_path / "no such file", "a", 4)])
    with tarfile.open(fileobj=io.BytesIO(sent(body))) as tar:
        content = tar.extractfile("a")
        assert content is not None and content.read() == b"real"
