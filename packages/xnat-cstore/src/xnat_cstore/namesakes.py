"""Files with one SOP Instance UID, of which a receiver keeps only one."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from xnat_core.dicom_files import LocalFile
from xnat_core.errors import UploadError, XNATCtlError
from xnat_core.files import BLOCK
from xnat_core.scratch import Scratch
from xnat_cstore.delivery import Delivered
from xnat_cstore.instance import Instance, read_instance

T = TypeVar("T")

_SCHEMA = "CREATE TABLE first (uid TEXT PRIMARY KEY, path BLOB NOT NULL) WITHOUT ROWID;"


@dataclass(frozen=True, slots=True)
class Known:
    """An instance that need not be sent: an equal one was, or is on its way."""

    instance: Instance


def told_apart(items: Iterable[T | Instance]) -> Iterator[T | Instance | Known | Delivered]:
    """The items as they come; of instances with one UID, the first.

    Another with the same data set is known, one with a different data set a failure.
    """
    with closing(_Paths()) as paths:
        for item in items:
            if isinstance(item, Instance) and (first := paths.add(item)) is not None:
                yield _judged(item, first)
            else:
                yield item


def _judged(instance: Instance, first: Path) -> Known | Delivered:
    try:
        if _has_data_set_of(instance, first):
            return Known(instance)
        raise UploadError(
            f"{instance.path} and {first} differ, but have the same SOP Instance UID "
            f"{instance.uid}: only one of them can be right, and the receiver keeps only one",
            instance.path,
        )
    except XNATCtlError as error:
        return Delivered(instance, error=error)


def _has_data_set_of(instance: Instance, path: Path) -> bool:
    try:
        found = path.stat()
        place = found.st_dev, found.st_ino
        first = read_instance(LocalFile(path, found.st_size, found.st_mtime_ns, place))
        if first is None or first.pair != instance.pair:
            return False
        with path.open("rb") as one, instance.path.open("rb") as other:
            one.seek(first.offset)
            other.seek(instance.offset)
            while block := one.read(BLOCK):
                if block != other.read(BLOCK):
                    return False
            return not other.read(1)
    except OSError as error:
        raise UploadError(f"{error.filename}: {error.strerror}", instance.path) from error


class _Paths:
    """The file in which each UID was met first."""

    def __init__(self) -> None:
        # It is filled on the thread that looks for files.
        self._db = Scratch(_SCHEMA, "upload")

    def close(self) -> None:
        self._db.close()

    def add(self, instance: Instance) -> Path | None:
        """The path of an earlier instance with this UID; None where there is none."""
        new = instance.uid, os.fsencode(instance.path)
        if self._db.execute("INSERT OR IGNORE INTO first VALUES (?,?)", new).rowcount:
            return None
        ((path,),) = self._db.rows("SELECT path FROM first WHERE uid=?", new[:1])
        return Path(os.fsdecode(path))
