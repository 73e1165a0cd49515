"""Images of other names and other bytes: counted, told apart, or refused; never doubled."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom import dcmread

from support.uploads import Uploader
from xnat_sandbox.samples import write_series

HERE = ("-P", "P1", "-S", "S1", "-E", "E1")


def archive_as(upload: Uploader, files: list[bytes], uid: str) -> None:
    """A session with one scan of this series UID, whose files have names of another client."""
    scans = {"1": {f"IM{number}": data for number, data in enumerate(files)}}
    session = upload.xnat.has_session("P1", "S1", "E1", scans=scans)
    items = upload.xnat.store.items
    (scan,) = items.scans(session.id)
    items.update_scan(scan.number, fields={"UID": uid}, user="admin")


def rewritten(path: Path) -> bytes:
    """The same instance as a server that anonymizes keeps it."""
    return path.read_bytes().replace(b"SANDBOX", b"XXXXXXX")


@pytest.mark.parametrize("tells", [True, False])
def test_a_part_of_a_series_that_cannot_be_told_apart_is_not_doubled(
    upload: Uploader, tells: bool
) -> None:
    files = upload.series(instances=3)
    archive_as(upload, list(map(rewritten, files[:2])), dcmread(files[0]).SeriesInstanceUID)
    if not tells:
        upload.xnat.fails("GET", "/data/services/dicomdump", 404, times=99)
    ran = upload(upload.folder, *HERE)
    assert (ran.status, upload.imports()) == (1, [])
    assert "scan 1 holds 2 files under names that cannot be told from the 3 here" in ran.err


def test_the_other_part_of_a_series_is_sent(upload: Uploader, tmp_path: Path) -> None:
    files = upload.series(instances=3)
    others = write_series(tmp_path / "others", instances=5)[3:]
    uid = dcmread(files[0]).SeriesInstanceUID
    archive_as(upload, [path.read_bytes() for path in others], uid)
    ran = upload(upload.folder, *HERE)
    assert (ran.status, upload.count()) == (0, 5), ran.err
    assert ran.record["files"] == 3


def test_anonymized_images_of_a_scan_without_a_uid_are_not_doubled(
    upload: Uploader, tmp_path: Path
) -> None:
    upload.series(instances=3)
    theirs = write_series(tmp_path / "theirs", instances=2, study_uid="9.9.9", series_uid="9.9.9.1")
    archive_as(upload, [path.read_bytes() for path in theirs], "")
    ran = upload(upload.folder, *HERE)
    assert (ran.status, upload.imports()) == (1, [])
    assert "scan 1 holds 2 files under names that cannot be told from the 3 here" in ran.err


@pytest.mark.parametrize("mode", ["tar", "gradual"])
@pytest.mark.parametrize("more", [(), ("--overwrite", "none")])
def test_a_whole_series_is_known_also_when_not_all_of_it_is_found_at_first(
    upload: Uploader, monkeypatch: pytest.MonkeyPatch, mode: str, more: tuple[str, ...]
) -> None:
    monkeypatch.setattr("xnat_upload.gradual.LOOK_AHEAD", 1)
    files = upload.series(instances=3)
    archive_as(upload, list(map(rewritten, files)), dcmread(files[0]).SeriesInstanceUID)
    upload.xnat.fails("GET", "/data/services/dicomdump", 404, times=99)
    ran = upload(upload.folder, *HERE, "--mode", mode, *more)
    assert (ran.status, ran.record["outcome"], upload.imports()) == (0, "skipped", []), ran.err


@pytest.mark.parametrize("mode", ["tar", "zip"])
@pytest.mark.parametrize(("more", "landed"), [((), "archive"), (("--prearchive",), "prearchive")])
def test_a_file_that_is_answered_for_and_not_kept_is_missed(
    upload: Uploader, mode: str, more: tuple[str, ...], landed: str
) -> None:
    files = upload.series(instances=3)
    rejected = files[1].read_bytes()
    upload.xnat.settings.anonymize = lambda path: path.read_bytes() != rejected
    ran = upload(upload.folder, *HERE, "--mode", mode, "-w", 1, *more)
    assert len(upload.imports()) < 3
    assert (ran.status, ran.record["outcome"], ran.record["landed"]) == (1, "failed", landed)
    assert "the server does not list 1 of 3 files" in ran.err
