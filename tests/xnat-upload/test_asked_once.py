"""What has just been seen is not asked for again: each request is a way to the server and back."""

from __future__ import annotations

from support.uploads import Uploader

HERE = ("-P", "P1", "-S", "S1", "-E", "E1")
SESSION = "/data/projects/P1/experiments/E1"


def asked(upload: Uploader, word: str = "/", since: int = 0) -> list[str]:
    requests = upload.xnat.requests("GET")[since:]
    return [request.path for request in requests if word in request.path]


def test_behind_the_direct_archive_nothing_is_asked_for_twice(upload: Uploader) -> None:
    upload.series(series=1, instances=3)
    assert upload(upload.folder, *HERE).status == 0
    assert asked(upload, SESSION) == [SESSION] * 2  # is it there before? has it come?
    assert len(asked(upload, "/files")) == 1
    # Its row has gone when it has come.
    paths = asked(upload)
    behind = paths[len(paths) - paths[::-1].index(SESSION) :]
    assert not any("/direct-archive/" in path for path in behind)


def test_what_is_there_is_looked_at_once(upload: Uploader) -> None:
    upload.series(series=1, instances=3)
    assert upload(upload.folder, *HERE).status == 0
    before = len(asked(upload))
    again = upload(upload.folder, *HERE)
    assert [record["outcome"] for record in again.records] == ["skipped"]
    assert len(asked(upload, SESSION, before)) == 1
    assert len(asked(upload, "/files", before)) == 1
    assert len(asked(upload, "/prearchive", before)) == 1


def test_what_waits_in_the_prearchive_is_looked_at_once(upload: Uploader) -> None:
    for number in (1, 2, 3):
        upload.series(series=number, instances=2)
    assert upload(upload.folder, *HERE, "--prearchive").status == 0
    before = len(asked(upload))
    again = upload(upload.folder, *HERE, "--prearchive")
    assert [record["outcome"] for record in again.records] == ["skipped"]
    assert len(asked(upload, "/files", before)) == 3
