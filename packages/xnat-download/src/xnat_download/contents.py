"""What is in an archive of many resources, held against the listing."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

from xnat_core.archive import ArchiveMember, read_zip
from xnat_core.archive.local import DAMAGE
from xnat_core.archive.paths import safe_join
from xnat_core.errors import IntegrityError, PathValidationError, explain
from xnat_core.files import size_and_md5
from xnat_core.parallel import check_stop
from xnat_download.counts import Counts
from xnat_download.inventory import FETCHED, MISSING, File, Group
from xnat_download.manifest import NAME, entries
from xnat_download.members import (
    is_of_another_scan,
    labels_in,
    originals,
    read_name,
    scan_candidates,
)

if TYPE_CHECKING:
    from xnat_download.download import Download

# Members that name no session.
_TOPLESS = ("scans", "resources")


class Contents:
    """The files of some resources, ticked off as they are found in one archive.

    With `by_digest` a file counts only where the server's digest proves that it is this one: the
    same name and size has the neighbour of a scan, too.
    """

    def __init__(
        self, download: Download, groups: tuple[Group, ...], *, by_digest: bool = False
    ) -> None:
        self._download = download
        self._by_digest = by_digest
        self._inventory = download.inventory
        self._groups = groups
        self._scans = {group.place.scan for group in groups if group.place.scan}
        self._surplus = 0
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        for group in self._groups:
            self._inventory.forget(group.number)

    def read(self, blocks: Iterable[bytes] | IO[bytes]) -> None:
        """Read a zip to its end, checking sizes, digests and all that a zip says of itself.

        Raises DownloadError for one that is damaged, IntegrityError for one with other files.
        """
        for member in read_zip(blocks):
            check_stop()
            if member.kind != "directory":
                self._tick_off(member)

    def is_noted(self, path: Path) -> bool:
        """Whether the manifest beside a zip says that all files are in it, and its directory, too.

        Raises IntegrityError for a zip without one.
        """
        try:
            with zipfile.ZipFile(path) as archive:
                there = {(info.filename, info.file_size) for info in archive.infolist()}
        except DAMAGE as error:
            raise IntegrityError(f"{path}: {error}") from error
        groups = {group.uri: group for group in self._groups}
        for entry in entries(path.parent / NAME):
            if entry["local_path"] != path.name:
                continue
            size, digest = entry.get("size"), entry.get("digest")
            group = groups.get(str(entry.get("uri")).partition("/files/")[0])
            file = group and self._inventory.find(group.number, str(entry.get("path")))
            known = file and file.size in (None, size) and file.digest in (None, digest)
            if file and known and (entry.get("member"), size) in there:
                self._inventory.mark(file.id, FETCHED)
                self._inventory.mark_member(file.id, str(entry["member"]))
        return not self._missing()

    def require_all(self, path: Path) -> None:
        """Raise IntegrityError when a listed file is not in it."""
        missing = [
            file
            for group in self._groups
            for file in _first(self._inventory.files(group.number, MISSING))
        ]
        if missing:
            raise IntegrityError(
                f"{path}: {self._missing()} of the listed files are not in it as listed, one is "
                f"{missing[0].path}"
            )

    def _missing(self) -> int:
        return sum(self._inventory.total(group.number, MISSING)[0] for group in self._groups)

    def count(self, *, bytes: int = 0, state: int = FETCHED) -> None:
        """Add what was found to the counts of the object."""
        counts = Counts(bytes=bytes, surplus=self._surplus)
        for group in self._groups:
            for file in self._inventory.files(group.number):
                self._count(counts, group, file, state)
        self._download.add(counts)

    def _count(self, counts: Counts, group: Group, file: File, state: int) -> None:
        verified = file.digest is not None and file.md5 == file.digest
        counts.files += state == FETCHED
        counts.skipped += state != FETCHED
        counts.verified += verified
        counts.unverifiable += file.digest is None
        self._inventory.mark(file.id, state)
        if self._download.engine.options.each:
            self._download.tell(group, file, state, verified=verified)

    def _tick_off(self, member: ArchiveMember) -> None:
        size, md5 = size_and_md5(member.blocks())
        found = self._candidates(member.name, size)
        unproven = () if self._by_digest else (None,)
        right = [file for file in found if file.digest in (md5, *unproven)]
        if found and not right:
            raise IntegrityError(f"{member.name}: MD5 should be {found[0].digest}, received {md5}")
        self._mark(right[0] if right else None, member.name, md5)

    def _mark(self, file: File | None, name: str, md5: str | None) -> None:
        if file is not None:
            self._inventory.mark(file.id, FETCHED, md5)
            self._inventory.mark_member(file.id, name)
            return
        try:
            safe_join(self._download.engine.tree.out, name)
        except PathValidationError as error:
            raise IntegrityError(f"an entry of the archive: {error.message}") from error
        self._surplus += 1

    def _candidates(self, name: str, size: int) -> list[File]:
        """The listed files that an entry can be and none was so far; those with digest first."""
        parsed = read_name(name)
        if parsed is None:
            return []
        found = []
        for group in self._groups:
            place = group.place
            if is_of_another_scan(parsed, place):
                continue
            if place.scan is not None and len(self._groups) > 1:
                if parsed.resource not in (group.label, group.uri.rpartition("/")[2]):
                    continue
                if parsed.scan is None:
                    continue
            scan = (parsed.scan, place.scan) if parsed.scan and place.scan else None
            labels = labels_in(parsed, place)
            for path in originals(parsed.path, scan, labels, self._scans):
                file = self._inventory.find(group.number, path)
                if file and file.state == MISSING and file.size in (None, size):
                    found.append(file)
        return sorted(found, key=lambda file: file.digest is None)


def _first(files: Iterator[File]) -> Iterator[File]:
    for file in files:
        yield file
        return


def stranger_in(path: Path, groups: tuple[Group, ...], label: str | None = None) -> str | None:
    """A member of an earlier archive that cannot be of these resources, in whatever state they
    were; None also for what is no whole archive. `label` is another one that their session has.

    Raises XNATCtlError where the disk does not tell: the archive must not be replaced.
    """
    places = [(_tops(group) | {label}, group.place.scan, group.label) for group in groups]
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except DAMAGE:
        return None
    except OSError as error:
        raise explain(error) from error
    for name in names:
        if name.endswith("/"):
            continue
        found = read_name(name)
        if found is None:
            return name
        scans = scan_candidates(found.scan) if found.scan is not None else [None]
        top = name.partition("/")[0]
        if not any(
            (top in tops or top in _TOPLESS) and scan in scans and label == found.resource
            for tops, scan, label in places
        ):
            return name
    return None


def _tops(group: Group) -> set[str | None]:
    """What the first folder of a member may be."""
    place = group.place
    tops = {place.session or place.subject or place.project, place.session_id or place.subject_id}
    return tops | ({place.owner, place.owner_id} if place.level == "assessor" else set())
