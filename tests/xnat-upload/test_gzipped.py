"""DICOM files that are compressed one by one: no server reads them, and none is left in silence."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import pytest

from support.uploads import Uploader
from xnat_upload.exam_folder import look_into
from xnat_upload.sorting import counts_as_dicom

HERE = ("-P", "P1", "-S", "S1", "-E", "E1")


def gzipped(file: Path, name: str) -> Path:
    target = file.with_name(name)
    target.write_bytes(gzip.compress(file.read_bytes()))
    file.unlink()
    return target


@pytest.mark.parametrize("name", ["x.dcm.gz", "x.IMA.GZ"])
def test_they_are_told_of(upload: Uploader, name: str) -> None:
    upload.series(series=1)
    gzipped(upload.series(series=2)[0], name)
    ran = upload(upload.folder, *HERE)
    assert (ran.status, upload.count()) == (0, 5)
    assert f"{upload.folder}: gzipped DICOM files (1) were not looked into" in ran.err


def test_those_in_an_archive_are_told_of(upload: Uploader) -> None:
    file, lone = upload.series(instances=2)
    inside = gzipped(lone, "x.dcm.gz")
    packed = upload.folder.parent / "s.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(file, "s1/1.dcm")
        archive.write(inside, "s1/x.dcm.gz")
    ran = upload(packed, *HERE)
    assert (ran.status, upload.count()) == (0, 1)
    assert "gzipped DICOM files (1)" in ran.err


def test_they_are_not_attached_to_a_session_as_they_are(upload: Uploader) -> None:
    file = gzipped(upload.series()[0], "x.dcm.gz")
    assert counts_as_dicom(file)
    assert look_into(upload.folder, "MISC").resources == {}


@pytest.mark.parametrize("name", ["brain.nii.gz", "brain.img.gz", "log.gz", "dcm.gz", ".gz"])
def test_what_else_is_gzipped_is_none_of_them(upload: Uploader, name: str) -> None:
    upload.series()
    (upload.folder / name).write_bytes(gzip.compress(b"x"))
    ran = upload(upload.folder, *HERE)
    assert (ran.status, "gzipped" in ran.err) == (0, False)
