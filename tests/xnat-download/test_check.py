"""Folders are audited by their manifests."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from support.downloads import Downloader
from support.kept import named


def test_check_finds_nothing_wrong_with_a_download(session: Downloader) -> None:
    session(*named(session, "--session-resources"))
    ran = session("--check", session.out)
    assert (ran.status, ran.record["kind"]) == (0, "session")
    assert (ran.record["files"], ran.record["verified"]) == (5, 5)
    assert not [r for r in session.xnat.requests() if r.path == "/check"]


def test_check_names_what_is_missing_changed_and_surplus(session: Downloader) -> None:
    session(*named(session))
    files = session.out / "MR1/scans/1/resources/DICOM/files"
    (files / "a.dcm").write_bytes(b"b" * 3000)
    (files / "1/b").unlink()
    (files / "1-T1w/b").write_bytes(b"longer")
    (files / "new").touch()
    ran = session("check", session.out)
    assert ran.status == 8
    told = {r["local_path"].rpartition("files/")[2]: r["error"]["message"] for r in ran.of("file")}
    assert {path: text.rpartition(": ")[2].split()[0] for path, text in told.items()} == {
        "a.dcm": "MD5",
        "1/b": "missing",
        "1-T1w/b": "size",
        "new": "not",
    }
    assert ran.of("session")[0]["outcome"] == "failed"


def test_what_has_a_manifest_of_its_own_is_not_surplus_above(session: Downloader) -> None:
    record = session.record("MR1")
    session.records(record)
    inner = session.out / "MR1/again"
    assert session("--out", inner, records=[record]).status == 0
    ran = session("check", session.out)
    assert (ran.status, [r["verified"] for r in ran.of("session")]) == (0, [4, 4])
    (inner / "MR1/new").touch()
    ran = session("check", session.out)
    assert (ran.status, len(ran.of("file"))) == (8, 1)


@pytest.mark.parametrize("verb", ["check", "extract"])
def test_a_folder_that_cannot_be_read_is_not_left_out_in_silence(
    session: Downloader, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    session(*named(session))
    locked = session.out / "locked"
    locked.mkdir()
    scandir = os.scandir

    def refuse(folder: Any) -> Any:
        if Path(folder) == locked:
            raise PermissionError(errno.EACCES, "Permission denied", str(folder))
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    ran = session(verb, session.out, *["--recursive"] * (verb == "extract"))
    assert ran.status == 1
    assert "locked: Permission denied" in ran.err


def test_check_looks_into_kept_archives(session: Downloader) -> None:
    session(*named(session, "--zip"))
    assert session("check", session.out).record["verified"] == 4
    path = session.out / "MR1/scans.zip"
    data = bytearray(path.read_bytes())
    data[data.index(b"aaaa") + 5] ^= 1
    path.write_bytes(data)
    assert session("check", session.out).status == 8


def test_check_needs_something_to_check_by(session: Downloader) -> None:
    session.out.mkdir()
    assert session("check", session.out).status == 8
    (session.out / "manifest.ndjson").touch()
    assert session("check", session.out).status == 8
    assert session("check", session.out / "nowhere").status == 2


@pytest.mark.parametrize("words", [("check",), ("extract",), ("--check",)])
def test_a_folder_that_is_none_is_told_from_one_that_is_not_there(
    words: tuple[str], session: Downloader
) -> None:
    session.out.mkdir()
    file = session.out / "scans.zip"
    file.touch()
    assert session(*words, file).err == f"xnat-download: {file}: must be a directory\n"
    assert session(*words, f"{file}x").err == f"xnat-download: {file}x: does not exist\n"


def test_a_file_in_the_place_of_the_folder_is_told(session: Downloader) -> None:
    session.out.touch()
    answer = session(*named(session))
    assert (answer.status, answer.err) == (
        2,
        f"xnat-download: {session.out}: must be a directory\n",
    )


@pytest.mark.parametrize("damage", ["{nonsense", "[" * 100_000, "1" * 5000])
def test_a_manifest_that_is_damaged_fails_the_audit(session: Downloader, damage: str) -> None:
    session(*named(session))
    path = session.out / "MR1/manifest.ndjson"
    path.write_text(f"{damage}\n{path.read_text()}")
    ran = session("check", session.out)
    assert ran.status == 8
    assert "line 1 is not the record of a file" in ran.err


def test_the_manifest_grows_with_further_downloads(session: Downloader) -> None:
    session(*named(session, "-s", "1"))
    session(*named(session, "-s", "2-MR1"))
    ran = session("check", session.out)
    assert (ran.status, ran.record["files"]) == (0, 4)


def test_a_file_that_the_server_no_longer_has_leaves_the_manifest(session: Downloader) -> None:
    session(*named(session))
    session.xnat.store.database.execute("DELETE FROM file WHERE path='a.dcm'")
    gone = session.out / "MR1/scans/1/resources/DICOM/files/a.dcm"
    session(*named(session))
    assert session("check", session.out).record["files"] == 4
    gone.unlink()
    session(*named(session))
    assert session("check", session.out).record["files"] == 3


def test_the_manifest_is_the_same_after_the_same_download(session: Downloader) -> None:
    session(*named(session))
    path = session.out / "MR1/manifest.ndjson"
    before = path.read_bytes()
    session(*named(session, "--workers", 3))
    assert path.read_bytes() == before


def test_without_digests_the_manifest_has_those_that_came(session: Downloader) -> None:
    session.xnat.store.database.execute("UPDATE file SET digest=''")
    session(*named(session))
    session(*named(session))
    text = (session.out / "MR1/manifest.ndjson").read_text()
    entries = [json.loads(line) for line in text.splitlines()]
    assert all(len(entry["digest"]) == 32 and entry["unverifiable"] for entry in entries)
    assert session("check", session.out).record["verified"] == 4
