"""A large file that breaks off goes on where it was, if it is still the same."""

from __future__ import annotations

import gzip
import hashlib
import random

import pytest
from werkzeug.wrappers import Request, Response

from support.downloads import PAGE, Change, Downloader, Spoiler, becomes, breaks_at, ends_at

pytestmark = pytest.mark.usefixtures("digests")


RANDOM = random.Random(4)
BIG = RANDOM.randbytes(3_000_000)


def big(download: Downloader) -> dict[str, object]:
    """The record of one file of three megabytes."""
    session = download.xnat.has_session("P1", "S1", "MR1", resources={"BIG": {"b.bin": BIG}})
    return {
        **{"kind": "file", "path": "b.bin", "resource": "BIG", "size": len(BIG)},
        **{"uri": f"/data/experiments/{session.id}/resources/1/files/b.bin"},
        **{"session": "MR1", "session_id": session.id, "project": "P1"},
        "digest": hashlib.md5(BIG).hexdigest(),
    }


def ranges(download: Downloader) -> list[str]:
    """The Range headers of the requests for the file."""
    asked = download.xnat.requests("GET", "/data/experiments/XNAT_E00001/resources/1/files/b.bin")
    return [request.headers.get("Range", "") for request in asked]


def test_a_file_that_breaks_off_goes_on_where_it_was(download: Downloader) -> None:
    record = big(download)
    Spoiler(download.xnat, "b.bin", breaks_at(2_000_000), times=1, keep_length=True)
    ran = download.records(record)
    assert (ran.status, list(download.files().values())) == (0, [BIG]), ran.err
    assert ranges(download) == ["", "bytes=2000000-"]


def test_a_file_that_is_marked_as_compressed_comes_as_it_is(download: Downloader) -> None:
    record = big(download)
    gzipped = {"Content-Encoding": "gzip"}
    change = breaks_at(2_000_000)
    Spoiler(download.xnat, "b.bin", change, times=1, keep_length=True, headers=gzipped)
    Spoiler(download.xnat, "b.bin", lambda body: [body], keep_length=True, headers=gzipped)
    ran = download.records(record)
    assert (ran.status, list(download.files().values())) == (0, [BIG]), ran.err
    assert ranges(download) == ["", "bytes=2000000-"]


def test_a_file_that_is_compressed_on_its_way_is_unpacked(download: Downloader) -> None:
    record = big(download)
    gzipped = {"Content-Encoding": "gzip"}
    Spoiler(download.xnat, "b.bin", lambda body: [gzip.compress(body)], headers=gzipped)
    ran = download.records(record)
    assert (ran.status, list(download.files().values())) == (0, [BIG]), ran.err


def test_progress_resets_the_count_of_attempts(download: Downloader) -> None:
    record = big(download)
    Spoiler(download.xnat, "b.bin", breaks_at(250_000), times=11, keep_length=True)
    ran = download.records(record)
    assert (ran.status, list(download.files().values())) == (0, [BIG]), ran.err
    assert len(ranges(download)) == 12


def test_attempts_without_progress_are_bounded(download: Downloader) -> None:
    record = big(download)
    spoiler = Spoiler(download.xnat, "b.bin", breaks_at(0), times=99, keep_length=True)
    ran = download.records(record)
    assert ran.status == 4
    assert spoiler.seen <= 5 * 4
    assert download.files() == {}


def test_a_range_that_is_ignored_starts_over(download: Downloader) -> None:
    record = big(download)
    Spoiler(download.xnat, "b.bin", breaks_at(1_000_000), times=1, keep_length=True)

    def ignore(request: Request) -> Response | None:
        if request.headers.get("Range"):
            return Response(BIG, 200)
        return None

    download.xnat.before(ignore)
    ran = download.records(record)
    assert (ran.status, list(download.files().values())) == (0, [BIG]), ran.err


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Range": "bytes 0-9/3000000"},
        {"Content-Range": "bytes 1000000-1000009/77"},
        {"Content-Range": "nonsense"},
        {},
    ],
)
def test_a_wrong_part_is_not_appended(download: Downloader, headers: dict[str, str]) -> None:
    record = big(download)
    Spoiler(download.xnat, "b.bin", breaks_at(1_000_000), times=1, keep_length=True)
    left = [1]

    def lie(request: Request) -> Response | None:
        if request.headers.get("Range") and left.pop() if left else False:
            return Response(b"x" * 10, 206, headers)
        return None

    download.xnat.before(lie)
    ran = download.records(record)
    assert (ran.status, list(download.files().values())) == (0, [BIG]), ran.err


@pytest.mark.parametrize(
    "change", [ends_at(0.5), becomes(PAGE), becomes(b"", 0.0), becomes(b"extra", 1.0)]
)
def test_a_body_of_another_length_is_not_the_file(download: Downloader, change: Change) -> None:
    record = big(download)
    Spoiler(download.xnat, "b.bin", change, times=1)
    ran = download.records(record)
    assert (ran.status, list(download.files().values())) == (0, [BIG]), ran.err


def test_a_file_that_changed_since_it_was_listed_fails_with_8(download: Downloader) -> None:
    record = {**big(download), "digest": "0" * 32}
    ran = download.records(record)
    assert (ran.status, download.files()) == (8, {})
