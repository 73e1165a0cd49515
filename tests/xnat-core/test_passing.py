"""Archives made of files that pass: exact lengths, and nothing that differs from its listing."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xnat_core.archive import Expected, PassingFile, PassingTar, PassingZip, read_ahead
from xnat_core.archive.passing import Arrivals
from xnat_core.errors import DownloadError, IntegrityError
from xnat_core.files import Block

NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=150).filter(
    lambda name: "/" not in name and name not in (".", "..")
)
FILES = st.dictionaries(NAMES, st.binary(max_size=2000), min_size=1, max_size=5)


def listed(files: Mapping[str, bytes]) -> list[Expected]:
    return [
        Expected(name, len(data), hashlib.md5(data).hexdigest()) for name, data in files.items()
    ]


def arriving(files: Mapping[str, bytes]) -> Callable[[], Arrivals]:
    """The files in another order than they are listed, a few bytes at a time."""
    by_name = {one.name: one for one in listed(files)}

    def open() -> Arrivals:
        for name, data in reversed([*files.items()]):
            yield by_name[name], pieces(data)

    return open


def pieces(data: bytes) -> Iterator[Block]:
    for start in range(0, len(data), 700):
        yield memoryview(data)[start : start + 700]


def whole(body: Iterable[Block]) -> bytes:
    return b"".join(bytes(block) for block in body)


@given(FILES)
def test_a_tar_is_as_long_as_it_says_and_holds_every_file(files: dict[str, bytes]) -> None:
    body = PassingTar(listed(files), arriving(files))
    data = whole(body)
    assert len(data) == body.length
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        found = {one.name: (tar.extractfile(one) or io.BytesIO()).read() for one in tar}
    assert found == files


@given(FILES)
def test_a_zip_of_files_of_unknown_size_holds_every_file(files: dict[str, bytes]) -> None:
    unknown = {name: Expected(name, None) for name in files}

    def open() -> Arrivals:
        for name, data in files.items():
            yield unknown[name], pieces(data)

    body = PassingZip(list(unknown.values()), open)
    with zipfile.ZipFile(io.BytesIO(whole(body))) as archive:
        assert archive.testzip() is None
        assert {info.filename: archive.read(info) for info in archive.infolist()} == files


@pytest.mark.parametrize("sent", [b"longer than listed", b"short", b"OTHER BYTES"])
def test_a_file_that_is_not_as_listed_breaks_the_body(sent: bytes) -> None:
    files = {"a": b"other bytes", "b": b"x"}
    (a, _) = expected = listed(files)

    def open() -> Arrivals:
        yield a, pieces(sent)

    with pytest.raises(IntegrityError, match="a: not as listed"):
        whole(PassingTar(expected, open))


def test_a_file_that_does_not_come_breaks_the_body() -> None:
    files = {"a": b"1", "b": b"2"}
    with pytest.raises(DownloadError, match="b: 1 listed files did not come"):
        whole(PassingTar(listed(files), arriving({"a": b"1"})))


def test_the_last_block_of_a_file_waits_until_it_has_been_checked() -> None:
    (expected,) = listed({"a": b"x" * 1400})
    left: list[Block] = []

    def open() -> Arrivals:
        yield expected, pieces(b"x" * 1399 + b"y")

    with pytest.raises(IntegrityError):
        left.extend(PassingFile(expected, open))
    assert sum(map(len, left)) < 1400


def test_an_error_of_the_source_comes_through_the_buffer() -> None:
    def broken() -> Iterator[Block]:
        yield b"1"
        raise DownloadError("cut")

    blocks = read_ahead(broken())
    assert next(blocks) == b"1"
    with pytest.raises(DownloadError, match="cut"):
        next(blocks)


def test_the_buffer_holds_no_more_than_its_room() -> None:
    taken = [0]

    def endless() -> Iterator[Block]:
        while True:
            taken[0] += 1
            yield b"x"

    blocks = read_ahead(endless(), room=3)
    next(blocks)
    blocks.close()
    assert taken[0] <= 6
