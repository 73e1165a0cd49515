"""What another run has staged beside ours, and series that are not to be confused."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from pydicom import dcmread

from support.imports import send_zip
from support.uploads import Uploader
from xnat_sandbox.samples import write_series
from xnat_upload.headers import read_file

HERE = ("-P", "P1", "-S", "S1", "-E", "E1")


def by_uid(files: Iterable[Path]) -> dict[str, bytes]:
    """Files under the names that uploads give them."""
    named = {}
    for path in files:
        header = read_file(path)
        assert header is not None
        named[f"{header.uid}.dcm"] = path.read_bytes()
    return named


def staged_beside(upload: Uploader, files: dict[str, bytes]) -> None:
    """What another run has brought of the same session at the same time, left in the prearchive."""
    answer = send_zip(
        upload.xnat,
        files,
        project="P1",
        subject="S1",
        session="E1",
        dest="/prearchive/projects/P1",
    )
    assert answer.status_code == 200


def test_what_another_run_has_brought_at_the_same_time_is_no_conflict(upload: Uploader) -> None:
    first = upload.series(series=1)
    upload(upload.folder, *HERE)
    second = upload.series(series=2)
    staged_beside(upload, by_uid([*first, *second]))
    before = len(upload.imports())
    ran = upload(upload.folder, *HERE, "--overwrite", "append")
    assert (ran.status, upload.staged(), upload.count()) == (0, [], 6), ran.err
    assert len(upload.imports()) == before


@pytest.mark.parametrize("words", [(), ("--overwrite", "append")])
@pytest.mark.parametrize("more", [False, True])
def test_what_another_run_has_staged_with_other_bytes_replaces_nothing(
    upload: Uploader, words: tuple[str, ...], more: bool
) -> None:
    files = upload.series(series=1)
    upload(upload.folder, *HERE)
    archived = upload.archived()
    here = by_uid(files)
    last = [*here][-1]
    staged_beside(upload, {**here, last: here[last][:-2] + b"xx"})
    if more:
        upload.series(series=2)
    for _ in range(2):
        ran = upload(upload.folder, *HERE, *words)
        assert (ran.status, len(upload.staged()), upload.archived()) == (1, 1, archived)
    assert "already exists with matching files" in ran.err


def test_series_of_one_number_are_not_taken_for_each_other(upload: Uploader) -> None:
    for letter in "ab":
        write_series(upload.folder / letter, instances=2, series_uid=f"1.2.3.{letter == 'b':d}")
    theirs = sorted((upload.folder / "b").iterdir())
    staged_beside(upload, {f"IM{n}": path.read_bytes() for n, path in enumerate(theirs)})
    ran = upload(upload.folder, *HERE, "--prearchive")
    assert (ran.status, len(upload.imports())) == (1, 1)
    assert "scan 1 holds 2 files under names that cannot be told from the 4 here" in ran.err


def test_a_series_without_a_uid_is_not_taken_for_every_scan(upload: Uploader) -> None:
    theirs = upload.series(series=1)
    staged_beside(upload, {f"IM{n}": path.read_bytes() for n, path in enumerate(theirs)})
    for path in theirs:
        path.unlink()
    for path in upload.series(series=7):
        dataset = dcmread(path)
        del dataset.SeriesInstanceUID
        dataset.save_as(path)
    ran = upload(upload.folder, *HERE, "--prearchive")
    assert (ran.status, ran.record["files"]) == (0, 3), ran.err
