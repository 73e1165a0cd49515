"""What arrives otherwise than it was sent, on a server that says it rewrites nothing."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
from werkzeug.wrappers import Request, Response

from support.uploads import Uploader
from xnat_upload import damage

HERE = ("-P", "P1", "-S", "S1", "-E", "E1")
OVERWRITE = [(), *(("--overwrite", value) for value in ("none", "append", "delete"))]

Damage = Callable[[bytes], bytes]


def with_ending(ending: bytes) -> Damage:
    """Other pixels than those that were sent."""
    return lambda data: data[: -len(ending)] + ending


def damages(upload: Uploader, damage: Damage, *, only: bytes = b"", times: int = 0) -> None:
    """Have the server store what it receives otherwise: all or `only` this, so often each."""
    seen: dict[bytes, int] = {}

    def spoil(path: Path) -> bool:
        data = path.read_bytes()
        seen[data] = seen.get(data, 0) + 1
        if only in (b"", data) and (not times or seen[data] <= times):
            path.write_bytes(damage(data))
        return True

    upload.xnat.settings.anonymize = spoil


def heals(upload: Uploader) -> None:
    """From now on all is stored as it comes."""
    upload.xnat.settings.anonymize = lambda path: True


def archived(upload: Uploader) -> set[bytes]:
    """The contents of the only scan."""
    return set(upload.archived()["1"].values())


@pytest.mark.parametrize("mode", ["tar", "zip", "gradual"])
@pytest.mark.parametrize("everything", [False, True])
@pytest.mark.parametrize("overwrite", OVERWRITE, ids=" ".join)
def test_what_was_damaged_on_its_way_is_sent_again(
    upload: Uploader, mode: str, everything: bool, overwrite: tuple[str, ...]
) -> None:
    files = upload.series()
    damages(
        upload, with_ending(b"oops"), only=b"" if everything else files[1].read_bytes(), times=1
    )
    ran = upload(upload.folder, *HERE, "--mode", mode, *overwrite)
    assert (ran.status, ran.record["verified"]) == (0, True), ran.err
    assert archived(upload) == {path.read_bytes() for path in files}
    count = "3 files" if everything else "1 file"
    assert f"E1: {count} had another MD5 on the server than was sent; sent again" in ran.err
    assert upload.staged() == []


@pytest.mark.parametrize("overwrite", OVERWRITE, ids=" ".join)
def test_what_is_damaged_again_and_again_is_a_failure_that_a_repetition_mends(
    upload: Uploader, overwrite: tuple[str, ...]
) -> None:
    files = upload.series()
    count = itertools.count()
    damages(upload, lambda data: data[:-4] + b"%04d" % next(count), only=files[1].read_bytes())
    words = (upload.folder, *HERE, *overwrite)
    ran = upload(*words)
    assert ran.status == 8
    assert f"1 file has another MD5 on the server than was sent, {files[1]} for one;" in ran.err
    heals(upload)
    again = upload(*words)
    assert (again.status, again.record["verified"]) == (0, True), again.err
    assert archived(upload) == {path.read_bytes() for path in files}
    assert upload.staged() == []


def test_a_server_that_writes_in_its_own_way_is_tried_once_and_warned_of(upload: Uploader) -> None:
    upload.series()
    damages(upload, with_ending(b"same"))
    ran = upload(upload.folder, *HERE)
    assert (ran.status, ran.record["outcome"]) == (0, "done"), ran.err
    assert "changed all that could be compared (3 files" in ran.err
    before = len(upload.imports())
    assert upload(upload.folder, *HERE).record["outcome"] == "skipped"
    assert len(upload.imports()) == before


def test_of_many_only_a_sample_is_sent_again(
    upload: Uploader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(damage, "SAMPLE", 2)
    upload.series(instances=8)
    damages(upload, with_ending(b"same"))
    ran = upload(upload.folder, *HERE)
    assert (ran.status, ran.record["files"]) == (0, 10), ran.err
    assert "sent again" not in ran.err


def test_where_the_sample_was_damaged_the_rest_is_sent_again_too(
    upload: Uploader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(damage, "SAMPLE", 2)
    files = upload.series(instances=8)
    damages(upload, with_ending(b"oops"), times=1)
    ran = upload(upload.folder, *HERE)
    assert (ran.status, ran.record["verified"]) == (0, True), ran.err
    assert archived(upload) == {path.read_bytes() for path in files}


def test_what_differs_on_a_server_that_anonymizes_is_not_sent_again(upload: Uploader) -> None:
    headers = {"Content-Type": "text/plain"}
    upload.xnat.call("PUT", "/xapi/anonymize/site", data='(0010,0010) := "X"', headers=headers)
    files = upload.series()
    damages(upload, with_ending(b"same"), only=files[1].read_bytes())
    ran = upload(upload.folder, *HERE)
    assert (ran.status, ran.record["files"]) == (0, 3), ran.err
    assert "1 file has another MD5 on the server" in ran.err


def says_nothing(upload: Uploader) -> None:
    """The server does not tell whether it anonymizes."""

    def hook(request: Request) -> Response | None:
        return Response(status=403) if request.path.startswith("/xapi/anonymize") else None

    upload.xnat.before(hook)


def test_a_server_that_does_not_say_whether_it_rewrites_is_tried(upload: Uploader) -> None:
    says_nothing(upload)
    files = upload.series(instances=8)
    damages(upload, with_ending(b"oops"), times=1)
    ran = upload(upload.folder, *HERE)
    assert (ran.status, ran.record["verified"]) == (0, True), ran.err
    assert archived(upload) == {path.read_bytes() for path in files}


def test_one_that_rewrites_each_time_otherwise_and_does_not_say_so_is_believed(
    upload: Uploader,
) -> None:
    says_nothing(upload)
    upload.series(instances=8)
    count = itertools.count()
    damages(upload, lambda data: data[:-4] + b"%04d" % next(count))
    ran = upload(upload.folder, *HERE)
    assert (ran.status, ran.record["files"]) == (0, 8 + damage.FEW), ran.err
    assert "changed all that could be compared (8 files" in ran.err
