"""What the disk does not tell of is not taken for something that is not there."""

from __future__ import annotations

import errno
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest

from support.downloads import Downloader
from support.kept import named
from xnat_core.errors import XNATCtlError
from xnat_download.contents import stranger_in
from xnat_download.disk import Tree
from xnat_download.manifest import NOTE, Manifests, entries
from xnat_download.places import Place
from xnat_download.selection import Selection


def stale(path: object, *more: object, **options: object) -> Any:
    raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), str(path))


def closed(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Nobody may look into that folder."""
    scandir = os.scandir

    def refuse(where: Any) -> Any:
        if Path(where) == folder:
            raise PermissionError(errno.EACCES, "Permission denied", str(where))
        return scandir(where)

    monkeypatch.setattr(os, "scandir", refuse)


def test_check_tells_of_a_folder_among_the_data_that_it_cannot_look_into(
    session: Downloader, monkeypatch: pytest.MonkeyPatch
) -> None:
    session(*named(session))
    folder = session.out / "MR1/scans/1/resources/DICOM/files/more"
    folder.mkdir()
    closed(monkeypatch, folder)
    ran = session("check", session.out)
    assert ran.status == 1
    assert (ran.of("file")[0]["local_path"], "Permission denied" in ran.err) == (str(folder), True)


def test_an_archive_that_cannot_be_looked_into_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "a.zip"
    monkeypatch.setattr(zipfile, "ZipFile", stale)
    with pytest.raises(XNATCtlError, match="tale"):
        stranger_in(archive, ())


def test_the_entry_of_a_file_that_the_disk_does_not_tell_of_is_kept(
    session: Downloader, monkeypatch: pytest.MonkeyPatch
) -> None:
    session(*named(session))
    manifest = session.out / "MR1/manifest.ndjson"
    (before, *others) = entries(manifest)
    lstat = os.lstat

    def fail(path: Any, **options: Any) -> os.stat_result:
        return stale(path) if str(path).endswith(before["local_path"]) else lstat(path, **options)

    manifests = Manifests(Tree(session.out), None)
    manifests.insert("MR1", others[0])
    with monkeypatch.context() as failing:
        failing.setattr(os, "lstat", fail)
        manifests._write("MR1", Selection())
    assert before in list(entries(manifest))


def test_the_note_of_a_folder_that_cannot_be_looked_into_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It tells whose the files in there are."""
    manifests = Manifests(Tree(tmp_path), None)
    place = Place("session", session="MR1", session_id="XNAT_E00001")
    manifests.occupy("MR1", place, "https://x.example.org", "")
    (tmp_path / "MR1/scans").mkdir()
    closed(monkeypatch, tmp_path / "MR1/scans")
    manifests.write()
    assert (tmp_path / "MR1" / NOTE).exists()
