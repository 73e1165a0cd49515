"""From paths and records to instances, and what is wrong with the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from xnat_core.dicom_files import LocalFile, LostLinks, is_backup, is_other, may_be_dicom, walk
from xnat_core.errors import DicomParseError, UploadError, XNATCtlError
from xnat_core.records import Record, RecordError, failed, path_of
from xnat_cstore.instance import Instance, read_instance, shown


def in_paths(paths: Iterable[Path], lost: LostLinks) -> Iterator[Instance | Record]:
    """The instances at and below paths, and a failed record for each file that is broken.

    Files that do not look like DICOM are passed over below a directory, and are broken when they
    are named themselves. So is a directory without DICOM, as a disk that is not mounted, among
    others. `lost` counts links that lead nowhere.
    """
    barren: list[XNATCtlError] = []
    found = False
    for path in paths:
        troubles: list[XNATCtlError] = []
        empty = True
        for item in _below(path, troubles, lost):
            empty = False
            yield from _told(troubles)
            yield item
        if empty and not troubles:
            barren.append(UploadError(f"no DICOM files in {path}", path))
        found = found or not empty or bool(troubles)
        yield from _told(troubles)
    # Where nothing was found at all, that is told at once.
    yield from _told(barren if found else [])


def in_records(
    records: Iterable[Record], keep: Callable[[Instance, Record], Any], lost: LostLinks
) -> Iterator[Instance | Record]:
    """The instances that records of kind `dicom` name by `path`, a file or a folder.

    `keep` is told which record an instance came from.
    """
    for record in records:
        path = path_of(record)
        troubles: list[XNATCtlError] = []
        if path is None:
            yield failed(record, RecordError("the record has no path"))
            continue
        empty = True
        for item in _below(Path(path), troubles, lost):
            empty = False
            if isinstance(item, Instance):
                keep(item, record)
                yield item
            else:
                yield {**record, **item}
        if empty and not troubles:
            troubles.append(UploadError(f"no DICOM files in {path}"))
        for trouble in troubles:
            yield failed(record, trouble)


def _below(
    path: Path, troubles: list[XNATCtlError], lost: LostLinks
) -> Iterator[Instance | Record]:
    if is_other(path):
        troubles.append(UploadError(f"{path}: neither a file nor a folder", path))
        return
    for found in walk([path], troubles.append, lost):
        named = found.path == path
        if named or not is_backup(found.path):
            yield from _one(found, named=named)


def _one(found: LocalFile, *, named: bool) -> Iterator[Instance | Record]:
    try:
        instance = read_instance(found)
        if instance is not None:
            yield instance
        elif named:
            raise DicomParseError(found.path, "a DICOMDIR is no instance")
    except (DicomParseError, UploadError) as error:
        if named or isinstance(error, UploadError) or _looks_like_dicom(found.path):
            yield failed({"kind": "dicom", "path": shown(found.path)}, error)


def _looks_like_dicom(path: Path) -> bool:
    try:
        return may_be_dicom(path)
    except UploadError:
        return True


def _told(troubles: list[XNATCtlError]) -> Iterator[Record]:
    while troubles:
        trouble = troubles.pop(0)
        path = getattr(trouble, "file_path", None)
        yield failed({"kind": "dicom", "path": shown(Path(path)) if path else None}, trouble)
