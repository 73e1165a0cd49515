"""Files whose names leave no room for the mark of a partial one."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.downloads import Downloader
from xnat_core.files import part_stem
from xnat_download.leftovers import Leftovers
from xnat_download.partial import Partial, remove_left_of

LONG = ["x" * 255, "ü" * 127, "x" * 240 + ".nii.gz"]
DATA = bytes(range(256)) * (1 << 15)


def left_behind(final: Path) -> Path:
    """A partial file that a dead run has left."""
    part = Partial(final)
    part.write(DATA)
    part.close()
    return part.path


@pytest.mark.parametrize("name", LONG)
def test_what_is_left_of_it_is_taken_over(tmp_path: Path, name: str) -> None:
    path = left_behind(tmp_path / name)
    part = Partial(tmp_path / name, resume=True)
    assert (part.path, part.size) == (path, len(DATA))


@pytest.mark.parametrize("name", LONG)
def test_what_is_left_of_it_is_removed(tmp_path: Path, name: str) -> None:
    left_behind(tmp_path / name)
    remove_left_of(tmp_path / name)
    assert list(tmp_path.glob(".*")) == []


def test_a_name_that_begins_alike_is_another(tmp_path: Path) -> None:
    one, other = tmp_path / ("x" * 250 + ".a"), tmp_path / ("x" * 250 + ".b")
    path = left_behind(one)
    assert Partial(other, resume=True).size == 0
    assert Leftovers().take(tmp_path, part_stem(one.name)) == {path}


@pytest.mark.parametrize("words", [(), ("--layout", "{session}/{path}")])
def test_its_download_goes_on_where_a_run_was_killed(
    download: Downloader, words: tuple[str, ...]
) -> None:
    name, whole = "x" * 240 + ".nii.gz", DATA + b"more"
    download.xnat.has_session("P1", "S1", "MR1", {"1": {name: whole, "small": b"x"}})
    folder = download.out / "MR1" / ("" if words else "scans/1/resources/DICOM/files")
    left_behind(folder / name)
    # Where nothing is there yet all of it comes in one stream.
    (folder / "small").write_bytes(b"x")
    ran = download.session("MR1", *words)
    assert ran.status == 0, ran.err
    asked = [request for request in download.xnat.requests("GET") if request.path.endswith(name)]
    assert [request.headers.get("Range") for request in asked] == [f"bytes={len(DATA)}-"]
    below = folder.relative_to(download.out).as_posix()
    assert download.files(below) == {name: whole, "small": b"x"}
