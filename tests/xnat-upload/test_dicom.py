"""xnat-upload dicom: into the archive and into the prearchive."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from support.uploads import Uploader

HERE = ("-P", "P1", "-S", "S1", "-E", "E1")


def digests(files: list[Path]) -> set[str]:
    return {hashlib.md5(path.read_bytes()).hexdigest() for path in files}


def stored(upload: Uploader) -> set[str]:
    scans = upload.archived().values()
    return {hashlib.md5(data).hexdigest() for files in scans for data in files.values()}


def test_a_folder_becomes_an_archived_session(upload: Uploader) -> None:
    files = upload.series(series=1) + upload.series(series=2, instances=5)
    ran = upload(upload.folder, *HERE)
    assert ran.status == 0, ran.err
    assert stored(upload) == digests(files)
    assert {id: len(found) for id, found in upload.archived().items()} == {"1": 3, "2": 5}
    session = upload.xnat.store.items.experiment_in("P1", "E1")
    assert session is not None
    assert ran.record["kind"] == "session"
    assert ran.record["id"] == session.id
    assert ran.record["uri"] == f"/data/experiments/{session.id}"
    assert (ran.record["subject"], ran.record["label"]) == ("S1", "E1")
    assert (ran.record["files"], ran.record["instances"], ran.record["scans"]) == (8, 8, 2)
    assert ran.record["bytes"] == sum(path.stat().st_size for path in files)
    assert (ran.record["outcome"], ran.record["verified"], ran.record["landed"]) == (
        "done",
        True,
        "archive",
    )


def test_every_instance_travels_under_a_name_made_of_its_uid(upload: Uploader) -> None:
    upload.series()
    upload(upload.folder, *HERE)
    assert all(
        name.removesuffix(".dcm").replace(".", "").isdigit() for name in upload.archived()["1"]
    )


def test_the_prearchive_keeps_it_when_asked_to(upload: Uploader) -> None:
    upload.series(series=1)
    upload.series(series=2)
    ran = upload(upload.folder, *HERE, "--prearchive")
    assert ran.status == 0, ran.err
    (row,) = upload.staged()
    assert row.status == "READY"
    assert upload.archived() == {}
    assert ran.record["kind"] == "prearchive"
    assert (ran.record["project"], ran.record["timestamp"], ran.record["name"]) == (
        row.project,
        row.timestamp,
        row.name,
    )
    assert (ran.record["files"], ran.record["landed"], ran.record["status"]) == (
        6,
        "prearchive",
        "READY",
    )


@pytest.mark.parametrize("way", ["--direct-archive", "--prearchive"])
def test_the_same_command_again_sends_nothing(upload: Uploader, way: str) -> None:
    upload.series()
    upload(upload.folder, *HERE, way)
    before = len(upload.imports())
    ran = upload(upload.folder, *HERE, way)
    assert (ran.status, ran.record["outcome"], ran.record["files"]) == (0, "skipped", 0)
    assert len(upload.imports()) == before


def test_only_what_is_missing_is_sent(upload: Uploader) -> None:
    upload.series(series=1)
    upload(upload.folder, *HERE)
    upload.series(series=2, instances=2)
    ran = upload(upload.folder, *HERE)
    assert ran.status == 0, ran.err
    assert (ran.record["files"], ran.record["instances"]) == (2, 5)
    assert {id: len(found) for id, found in upload.archived().items()} == {"1": 3, "2": 2}
