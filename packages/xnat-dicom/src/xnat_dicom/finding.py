"""Which files a command is about: those named, those below folders, those of records."""

from __future__ import annotations

import stat
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from xnat_core.dicom_files import LocalFile, is_backup, is_other, may_be_dicom, walk
from xnat_core.errors import DicomError, XNATCtlError
from xnat_core.job import Job
from xnat_core.models import DicomFile
from xnat_core.records import Record, failed, path_of
from xnat_core.user_paths import expanded


class Finder:
    """Finds the DICOM files of one run and counts what it passes over.

    Below a folder only that is taken which has the name or the first bytes of DICOM; a file that
    is named is taken in any case. Backups and DICOMDIR, which is an index, are passed over.
    """

    def __init__(self, job: Job, *, recursive: bool) -> None:
        self.job = job
        self.recursive = recursive
        self.others = 0
        self.folders = 0
        self._troubles = 0

    def files(self, roots: Iterable[Path], *, deep: bool = False) -> Iterator[LocalFile]:
        """The DICOM files at and below `roots`, as they are met; `deep` enters all subfolders."""
        deep = deep or self.recursive
        for root in roots:
            if is_other(root):
                self._trouble(_other(root))
                continue
            for file in walk([root] if deep else self._shallow(root), self._trouble):
                if file.path == root or self._is_dicom(file.path):
                    yield file
                else:
                    self.others += 1

    def records(self, words: Iterable[str]) -> Iterator[Record]:
        """A record per file that the words name or, without words, standard input does."""
        named = tuple(words)
        if named and named != ("-",):
            roots = (expanded(word) for word in named)
            for root in roots:
                # An empty list is an answer; whoever checks or changes files named some.
                found = self.files([root]) if self.job.command.listing else self.some(root)
                yield from map(record_of, found)
            return
        for record in self.job.records("dicom"):
            path = path_of(record)
            if path is None:
                self.job.emit(failed(record, DicomError("the record has no path")))
            elif _is_folder(Path(path)):
                yield from self._in_folder(record, Path(path))
            elif is_other(Path(path)):
                # Whoever reads from a pipe waits for somebody to write.
                self.job.emit(failed(record, _other(Path(path))))
            else:
                yield record

    def _in_folder(self, record: Record, folder: Path) -> Iterator[Record]:
        """What a record of a series or study stands for: everything below its folder."""
        yield from map(record_of, self.some(folder, record, deep=True))

    def some(
        self, root: Path, record: Record | None = None, *, deep: bool = False
    ) -> Iterator[LocalFile]:
        """The DICOM files at and below `root`; a folder without any is a failed record."""
        folders, troubles = self.folders, self._troubles
        empty = True
        for file in self.files([root], deep=deep):
            empty = False
            yield file
        if empty and self._troubles == troubles:
            closed = self.folders > folders
            hint = ": -r enters its subfolders" if closed else ""
            error = DicomError(f"no DICOM files in {root}{hint}", root)
            self.job.emit(failed(record or DicomFile(path=str(root)).to_record(), error))

    def tell(self) -> None:
        """Say what was passed over, so that nobody takes a part for the whole."""
        if self.folders:
            self.job.console.warning(f"folders not entered: {self.folders}; -r enters them")
        if self.others:
            self.job.console.info(f"passed over, no DICOM instances or backups: {self.others}")

    def _shallow(self, root: Path) -> Iterator[Path]:
        """The root if it is a file, else the files directly in it."""
        if not _is_folder(root):
            yield root
            return
        try:
            paths = sorted(path for path in root.iterdir() if not path.name.startswith("."))
        except OSError as error:
            self._trouble(DicomError(f"{root}: {error.strerror}", root))
            return
        for path in paths:
            if _is_folder(path):
                self.folders += 1
            else:
                yield path

    def _is_dicom(self, path: Path) -> bool:
        if path.name.upper() == "DICOMDIR" or is_backup(path):
            return False
        try:
            return may_be_dicom(path)
        except XNATCtlError as error:
            self._trouble(error)
            return False

    def _trouble(self, error: XNATCtlError) -> None:
        path = getattr(error, "file_path", None)
        told = DicomError(error.message.removeprefix("upload: "), path)
        self._troubles += 1
        self.job.emit(failed(DicomFile(path=str(path) if path else None).to_record(), told))


def _other(path: Path) -> DicomError:
    return DicomError(f"{path}: neither a file nor a folder", path)


def record_of(file: LocalFile) -> Record:
    """The record of a file of which nothing has been read yet."""
    return DicomFile(path=str(file.path), bytes=file.size).to_record()


def _is_folder(path: Path) -> bool:
    """Whether there is a directory; what cannot be looked up is told where it is opened."""
    try:
        return is_folder(path)
    except DicomError:
        return False


def is_folder(path: Path) -> bool:
    """Whether there is a directory. Raises DicomError when there is nothing at all."""
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except OSError as error:
        raise DicomError(f"{path}: {error.strerror}", path) from error


@contextmanager
def without_remarks() -> Iterator[None]:
    """Keep the remarks of the DICOM library on odd but readable values off standard error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
