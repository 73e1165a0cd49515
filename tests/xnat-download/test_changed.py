"""What has changed on the server since, though not in size."""

from __future__ import annotations

from pathlib import Path

import pytest
from werkzeug.wrappers import Request, Response

from support.downloads import Downloader
from xnat_core.files import md5_of
from xnat_download import disk

LAYOUTS = [(), ("--layout", "{session}/{path}"), ("--layout", "{path}")]


def changes(download: Downloader, data: bytes) -> None:
    """The file is another one of the same size."""
    session = download.xnat.store.items.experiment_in("P1", "MR1")
    assert session is not None
    scan = download.xnat.store.items.scans(session.id)[0]
    download.xnat.has_resource(scan, "DICOM", {"sub/a": data})


@pytest.mark.parametrize("words", LAYOUTS)
def test_a_file_of_the_same_size_is_fetched_when_the_manifest_has_another_digest(
    download: Downloader, words: tuple[str, ...]
) -> None:
    download.xnat.has_session("P1", "S1", "MR1", {"1": {"sub/a": b"old", "b": b"b"}})
    assert download.session("MR1", *words).status == 0
    changes(download, b"new")
    assert download.session("MR1", *words, "--dry-run").record["files"] == 1
    ran = download.session("MR1", *words)
    assert (ran.record["files"], ran.record["skipped"]) == (1, 1)
    assert sorted(download.files().values()) == [b"b", b"new"]
    assert download("check", download.out).status == 0
    assert download.session("MR1", *words).record["outcome"] == "skipped"


def test_a_file_that_came_before_its_manifest_was_written_is_there(download: Downloader) -> None:
    download.xnat.has_session("P1", "S1", "MR1", {"1": {"sub/a": b"old"}})
    assert download.session("MR1").status == 0
    changes(download, b"new")
    (path,) = download.out.rglob("a")
    path.write_bytes(b"new")
    assert download.session("MR1").record["outcome"] == "skipped"
    assert download("check", download.out).status == 0


def test_what_was_unpacked_from_an_older_archive_is_replaced(download: Downloader) -> None:
    download.xnat.has_session("P1", "S1", "MR1", {"1": {"sub/a": b"old"}})
    words = ("session", "-P", "P1", "-E", "MR1", "--out", download.out, "--keep-zips")
    assert download(*words).status == 0
    changes(download, b"new")
    assert download(*words).status == 0
    (path,) = download.out.rglob("a")
    assert path.read_bytes() == b"new"
    assert download("check", download.out).status == 0


def test_a_file_that_no_manifest_knows_is_compared_by_its_content(download: Downloader) -> None:
    """Its run was killed, or failed in another file; since then it has changed on the server."""
    download.xnat.has_session("P1", "S1", "MR1", {"1": {"sub/a": b"old", "b": b"b"}})
    assert download.session("MR1").status == 0
    (download.out / "MR1/manifest.ndjson").rename(download.out / "MR1/.manifest.ndjson.part")
    changes(download, b"new")
    ran = download.session("MR1")
    assert (ran.record["files"], ran.record["skipped"]) == (1, 1)
    assert sorted(download.files().values()) == [b"b", b"new"]
    assert download("check", download.out).status == 0


def test_what_a_failed_run_has_noted_is_not_read_again(
    download: Downloader, monkeypatch: pytest.MonkeyPatch
) -> None:
    download.xnat.has_session("P1", "S1", "MR1", {"1": {"sub/a": b"old", "b": b"b"}})
    lost = [True]

    def refuse(request: Request) -> Response | None:
        gone = lost[0] and request.path.endswith("/files/b")
        return Response(status=404) if gone or "format=tar" in request.full_path else None

    def noted(path: Path) -> str:
        read.append(path)
        return md5_of(path)

    read: list[Path] = []
    monkeypatch.setattr(disk, "md5_of", noted)
    download.xnat.before(refuse)
    assert download.session("MR1").of("session")[0]["files"] == 1
    for _ in range(2):
        assert download.session("MR1").of("session")[0]["skipped"] == 1
    assert not read
    assert download.session("MR1", "--verify").of("session")[0]["skipped"] == len(read) == 1
    changes(download, b"new")
    assert download.session("MR1").of("session")[0]["files"] == 1
    assert list(download.files().values()) == [b"new"]
    assert not (download.out / "MR1/manifest.ndjson").exists()
    lost[0] = False
    assert download.session("MR1").record["skipped"] == 1
    assert download("check", download.out).status == 0
    assert not list(download.out.rglob("*.part"))
