"""Finding the instances below some paths, one after the other as they are met."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from xnat_core.archive import open_archive
from xnat_core.archive.members import ArchiveMember
from xnat_core.dicom_files import (
    LocalFile,
    LostLinks,
    Trouble,
    has_magic,
    head_of,
    is_backup,
    is_named_dicom,
    is_named_gzipped_dicom,
    may_be_dicom,
    walk,
)
from xnat_core.errors import DicomParseError, UploadError, XNATCtlError
from xnat_core.validation import ARCHIVE_SUFFIXES
from xnat_upload.content import Digests
from xnat_upload.headers import Header, read_blocks, read_file
from xnat_upload.inventory import Found, Instance, Inventory
from xnat_upload.roots import Roots


@dataclass(slots=True)
class Scan:
    """What a walk has come across; `copies` counts files that repeat another one byte for byte,
    `unopened` archives inside of others, `unnamed` those in folders that only a path would open,
    `gzipped` files that are compressed one by one, `damaged` files that begin as DICOM and cannot
    be read, `lost` links that lead nowhere.

    With `skip_damaged` a damaged instance is no failure. What is `attached` to the session as it is
    need not be readable at all.
    """

    inventory: Inventory
    trouble: Trouble
    skip_damaged: bool = False
    attached: Collection[Path] = ()
    copies: int = 0
    skipped: int = 0
    unopened: int = 0
    unnamed: int = 0
    gzipped: int = 0
    damaged: int = 0
    lost: LostLinks = field(default_factory=LostLinks)
    _copies: set[tuple[int, int]] = field(default_factory=set)
    _roots: Roots = field(default_factory=lambda: Roots(()))
    _md5_of: Digests = field(default_factory=Digests)

    def instances(self, roots: Iterable[Path]) -> Iterator[Instance]:
        """Add every instance at and below `roots` to the inventory and yield it.

        Directories are searched for files and for zips; a root may be an archive itself. What
        cannot be read is told to `trouble`, and the rest comes. So are directories and archives
        among several roots in which there is no DICOM.
        """
        roots = list(roots)
        self._roots = Roots(roots)
        yield from self._below(roots, frozenset(roots))
        for path, what in self._roots.barren() if self.inventory.studies else ():
            # It may have been looked through under another name.
            again = Scan(Inventory(), lambda error: None)
            with closing(again.inventory):
                if next(again.instances([path]), None) is None:
                    self.trouble(UploadError(f"{path}: {what}", path))

    def _tell(self, error: XNATCtlError) -> None:
        self._roots.seen(getattr(error, "file_path", None))
        self.trouble(error)

    def _below(self, roots: list[Path], named: frozenset[Path]) -> Iterator[Instance]:
        for file in walk(roots, self._tell, self.lost):
            name = file.path.name.lower()
            if name.endswith(ARCHIVE_SUFFIXES if file.path in named else ".zip"):
                yield from self._in_archive(file)
            elif not is_backup(file.path) or file.path in named:
                self.unnamed += name.endswith(ARCHIVE_SUFFIXES) and file.path not in self.attached
                yield from self._in_file(file)

    def _in_file(self, file: LocalFile) -> Iterator[Instance]:
        path = file.path
        if path.name.upper() == "DICOMDIR":
            return
        self.gzipped += is_named_gzipped_dicom(path.name)
        try:
            if not may_be_dicom(path):
                return
            header = self._header_in(path)
        except XNATCtlError as error:
            self._tell(error)
        else:
            if header is not None:
                yield from self._add(Found(path, file.size, file.mtime_ns, file.identity, header))

    def _in_archive(self, file: LocalFile) -> Iterator[Instance]:
        try:
            for index, member in enumerate(open_archive(file.path)):
                header = self._header_of(file.path, member)
                if header is not None:
                    yield from self._add(
                        Found(
                            file.path,
                            member.size or 0,
                            file.mtime_ns,
                            file.identity,
                            header,
                            index,
                        )
                    )
        except UploadError as error:
            if file.path not in self.attached:
                self._tell(error)

    def _header_of(self, archive: Path, member: ArchiveMember) -> Header | None:
        """The header of a member that is an instance; None for everything else."""
        # '..' is no hidden name: what was packed from beside the working directory begins with it.
        parts = [part for part in PurePosixPath(member.name).parts if part != ".."]
        hidden = not parts or any(part.startswith(".") or part == "__MACOSX" for part in parts)
        if member.kind == "sparse" and not hidden:
            reason = "a sparse file, of which only pieces are stored: unpack the archive first"
            self._tell(UploadError(f"{archive}: {member.name}: {reason}", archive))
        if member.kind != "file" or hidden or parts[-1].upper() == "DICOMDIR":
            return None
        blocks = member.blocks()
        head = next(blocks, memoryview(b""))
        self.unopened += member.name.lower().endswith(ARCHIVE_SUFFIXES)
        self.gzipped += is_named_gzipped_dicom(member.name)
        if not (is_named_dicom(member.name) or has_magic(head)):
            return None
        try:
            return read_blocks(f"{archive}: {member.name}", itertools.chain([head], blocks))
        except DicomParseError as error:
            self._damaged(archive, member.name, head, error)
            return None

    def _header_in(self, path: Path) -> Header | None:
        """The same of a file that may be DICOM."""
        try:
            return read_file(path)
        except DicomParseError as error:
            self._damaged(path, path.name, head_of(path), error)
            return None

    def _damaged(
        self, path: Path, name: str, head: bytes | memoryview, error: DicomParseError
    ) -> None:
        """A file that looks like DICOM and is not readable as such.

        `.img` is also a suffix of images that are no DICOM at all.
        """
        self._roots.seen(path)
        self.damaged += has_magic(head)
        other_format = name.lower().endswith(".img") and not has_magic(head)
        if self.skip_damaged or other_format or path in self.attached:
            self.skipped += 1
        else:
            self._tell(error)

    def _add(self, found: Found) -> Iterator[Instance]:
        self._roots.seen(found.path)
        instance = self.inventory.add(found)
        if instance is not None:
            yield instance
            return
        other, is_same_file = self.inventory.namesake(found)
        if is_same_file or found.identity in self._copies:
            return
        here = Instance(
            *(other.id, other.name, other.study, other.series, found.path, found.member),
            *(found.size, found.mtime_ns, "", ""),
        )
        if found.size == other.size and self._md5_of(here) == self._md5_of(other):
            self.copies += 1
            if found.member is None:
                self._copies.add(found.identity)
            return
        reason = (
            f"{here.where} and {other.where} differ, but have the same SOP Instance UID "
            f"{found.header.uid}: only one of them can be right"
        )
        self.inventory.leave_out(other, reason)
        self._tell(UploadError(reason, found.path))
