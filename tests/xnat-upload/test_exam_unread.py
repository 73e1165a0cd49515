"""What cannot be read whole is not attached to a session as if nobody were in it."""

from __future__ import annotations

import errno
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.uploads import Uploader
from xnat_core import dicom_files
from xnat_core.dicom_files import HEAD, LocalFile
from xnat_core.errors import UploadError
from xnat_core.files import md5_of
from xnat_sandbox.samples import write_series
from xnat_upload import exam_folder
from xnat_upload.cli import main
from xnat_upload.sorting import counts_as_dicom


def packed(folder: Path, *names: str) -> Path:
    """A zip whose first member is damaged, with an instance behind it under each name."""
    (instance,) = write_series(folder / "series", instances=1)
    archive = folder / "packed.zip"
    with zipfile.ZipFile(archive, "w") as target:
        target.writestr("cover.png", b"a picture")
        for name in names:
            target.write(instance, name)
    data = bytearray(archive.read_bytes())
    data[data.index(b"a picture")] ^= 1
    archive.write_bytes(data)
    return archive


@pytest.mark.parametrize("name", ["IM1.dcm", "IM1"])
def test_dicom_behind_a_damaged_member_of_a_zip_is_dicom(tmp_path: Path, name: str) -> None:
    assert counts_as_dicom(packed(tmp_path, name))


def test_a_damaged_zip_without_dicom_is_a_file_like_others(tmp_path: Path) -> None:
    assert not counts_as_dicom(packed(tmp_path))


@pytest.mark.parametrize("name", ["IM1.dcm", "IM1.IMA"])
def test_damaged_dicom_of_the_time_before_the_mark_is_dicom(tmp_path: Path, name: str) -> None:
    (instance,) = write_series(tmp_path / "series", patient="DOE", instances=1)
    old = instance.read_bytes()[HEAD:]
    cut = tmp_path / name
    cut.write_bytes(old[: old.index(b"DOE") + 3])
    assert counts_as_dicom(cut)


@pytest.mark.parametrize("name", ["packed.zip", "IM1.dcm"])
def test_what_the_disk_does_not_give_is_not_taken_for_something_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = packed(tmp_path, "IM1.dcm")
    if name != path.name:
        path = path.rename(tmp_path / name)
        # Without the mark of DICOM at its beginning its header is looked at.
        path.write_bytes(b"no magic")
    opened = Path.open

    def fail(self: Path, mode: str = "r", *more: Any, **options: Any) -> Any:
        if self == path and more:
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
        return opened(self, mode, *more, **options)

    def fail_zip(file: object, *more: Any) -> Any:
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    monkeypatch.setattr(Path, "open", fail)
    monkeypatch.setattr(zipfile, "ZipFile", fail_zip)
    with pytest.raises(UploadError, match="tale"):
        counts_as_dicom(path)


def test_a_file_that_goes_while_it_is_sent_costs_its_own_resource_alone(
    upload: Uploader, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload.series()
    for name in ("first", "second"):
        (upload.folder / name).mkdir()
        (upload.folder / name / f"{name}.txt").write_text(name)

    def gone(path: Path) -> str:
        if path.name == "first.txt":
            path.unlink()
        return md5_of(path)

    monkeypatch.setattr("xnat_core.services.filling.md5_of", gone)
    assert main(["exam", str(upload.folder), "-P", "P1", "-S", "S1", "-E", "E1"]) == 1
    (session,) = upload.xnat.rows("/data/projects/P1/experiments?format=json")
    rows = upload.xnat.rows(f"/data/experiments/{session['ID']}/resources?format=json")
    assert [row["label"] for row in rows] == ["second"]


def test_dicom_that_comes_into_a_folder_meanwhile_is_not_attached_as_it_is(
    upload: Uploader, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = upload.folder / "Physio"
    folder.mkdir(parents=True)
    (folder / "pulse.log").write_text("p")

    def walk(*words: Any) -> Iterator[LocalFile]:
        yield from dicom_files.walk(*words)
        write_series(folder, instances=1)

    monkeypatch.setattr(exam_folder, "walk", walk)
    found = exam_folder.look_into(upload.folder, "MISC").resources
    assert [member.name for member in found["Physio"]] == ["pulse.log"]


def test_a_link_in_a_folder_that_leads_nowhere_is_a_failure(upload: Uploader) -> None:
    folder = upload.folder / "Physio"
    folder.mkdir(parents=True)
    (folder / "lost.log").symlink_to("nowhere")
    with pytest.raises(UploadError, match=r"lost\.log: a link to nowhere, which is not there"):
        exam_folder.look_into(upload.folder, "MISC")
