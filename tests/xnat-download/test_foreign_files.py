"""What lies between downloads and is none: it is left alone, whatever it is."""

from __future__ import annotations

import io
import os
import zipfile
from typing import Any

import pytest

from support.downloads import Downloader
from support.kept import named


def spoiled(session: Downloader) -> None:
    """Beside the session a zip with a name that is no text."""
    archive = session.out / "MR1/foreign.zip"
    with zipfile.ZipFile(archive, "w") as target:
        target.writestr("é", b"")
    archive.write_bytes(archive.read_bytes().replace("é".encode(), b"\xff\xfe"))


def test_a_zip_that_python_cannot_read_does_not_keep_others_from_being_unpacked(
    session: Downloader,
) -> None:
    session(*named(session, "--zip"))
    spoiled(session)
    ran = session("extract", session.out / "MR1")
    assert (ran.status, len(ran.records)) == (0, 1), ran.err
    assert (session.out / "MR1/foreign.zip").exists()


def test_an_archive_with_such_a_name_in_it_is_damaged(session: Downloader) -> None:
    session(*named(session, "--zip"))
    spoiled(session)
    (session.out / "MR1/foreign.zip").replace(session.out / "MR1/scans.zip")
    ran = session("check", session.out)
    assert (ran.status, "damaged" in ran.err) == (8, True), ran.err
    ran = session("extract", session.out / "MR1")
    assert (ran.status, "damaged" in ran.err) == (8, True), ran.err


@pytest.mark.parametrize(
    ("verb", "name", "status"), [("extract", "a.zip", 0), ("check", "manifest.ndjson", 1)]
)
def test_a_pipe_is_not_waited_for(
    session: Downloader, verb: str, name: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.out.mkdir()
    pipe = session.out / name
    os.mkfifo(pipe)
    opened = io.open

    def fail(path: Any, *more: Any, **options: Any) -> Any:
        assert str(path) != str(pipe), "this would wait for ever"
        return opened(path, *more, **options)

    monkeypatch.setattr(io, "open", fail)
    ran = session(verb, session.out)
    assert (ran.status, "not a regular file" in ran.err, "wait" in ran.err) == (
        status,
        verb == "check",
        False,
    )
