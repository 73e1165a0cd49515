"""DICOM files that appear under their name when they are whole, or not at all."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from xnat_core.dicom_files import BACKUP
from xnat_core.errors import DicomError
from xnat_core.files import atomic_write, copy_blocks, md5_of
from xnat_core.presence import exists
from xnat_dicom.pixels import let_go
from xnat_dicom.reading import damage

if TYPE_CHECKING:
    from pydicom.dataset import FileDataset


def write(dataset: FileDataset, target: Path, *, instead_of: os.stat_result | None = None) -> int:
    """Write `target`, in its place if it is still the file `instead_of`; returns its size.

    Such a one gives the new file its mode and owner, and is replaced when that is on the disk.
    Raises XNATCtlError.
    """
    from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian

    implicit, little = dataset.original_encoding
    if "TransferSyntaxUID" not in dataset.file_meta and not implicit:
        dataset.file_meta.TransferSyntaxUID = (
            ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        )
    with atomic_write(target, sync=instead_of is not None) as part, damage(target):
        # The library wants a file that it can seek in; nothing is written through `part`.
        dataset.save_as(part.path, enforce_file_format=True)
        let_go(dataset)
        if instead_of is not None:
            _take_after(part.path, instead_of)
            if _state(target.stat()) != _state(instead_of):
                raise DicomError(f"{target}: was changed by another program meanwhile", target)
        return part.path.stat().st_size


def back_up(path: Path) -> Path:
    """Copy a file to its name with `.bak`, where an earlier copy is never overwritten.

    Raises DicomError when there is another one already.
    """
    backup = path.with_name(path.name + BACKUP)
    with damage(path):
        if exists(backup):
            if backup.is_file() and md5_of(backup) == md5_of(path):
                return backup
            raise DicomError(f"{backup}: is there already and differs from the file", path)
        with path.open("rb") as file, atomic_write(backup, sync=True, new=True) as part:
            copy_blocks(file, [part])
            _take_after(part.path, path.stat())
    return backup


def _state(found: os.stat_result) -> tuple[int, ...]:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _take_after(path: Path, like: os.stat_result) -> None:
    with suppress(OSError):
        os.chown(path, like.st_uid, like.st_gid)
    path.chmod(stat.S_IMODE(like.st_mode))
