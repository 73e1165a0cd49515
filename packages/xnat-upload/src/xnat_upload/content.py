"""The bytes of instances, in files of their own and in archives."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from xnat_core import files
from xnat_core.archive import Member, open_archive
from xnat_core.archive.members import ArchiveMember
from xnat_core.errors import UploadError, explain
from xnat_core.files import SentFile
from xnat_upload.inventory import Instance


class Cursor:
    """An archive that is read onwards from member to member; going back begins anew."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._members: Iterator[ArchiveMember] | None = None
        self._next = 0

    def member(self, index: int) -> ArchiveMember:
        """The member at a position. Raises UploadError when the archive is damaged before it."""
        if self._members is None or index < self._next:
            self.close()
            self._members = open_archive(self.path)
        for member in self._members:
            self._next += 1
            if self._next == index + 1:
                return member
        raise UploadError(f"{self.path}: changed while it was being sent", self.path)

    def close(self) -> None:
        """Let go of the file."""
        self._members = None
        self._next = 0


class Cursors:
    """Cursors of the archives that were asked for last, at most so many open at once."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: dict[Path, Cursor] = {}

    def of(self, path: Path) -> Cursor:
        """The cursor of an archive."""
        cursor = self._open.pop(path, None) or Cursor(path)
        self._open[path] = cursor
        if len(self._open) > self._most:
            self._open.pop(next(iter(self._open))).close()
        return cursor


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundMember(Member):
    """A member of an outgoing archive whose name was made of what was read in its file.

    Files of a series are often of one size: another one that has got its path meanwhile would go
    under its name.
    """

    mtime_ns: int

    def open(self) -> SentFile:
        """Open it for sending; raises UploadError when it has been changed or replaced."""
        return SentFile(self.path, self.size, self.mtime_ns)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedMember(FoundMember):
    """The same of one that comes from another archive, which was last written at `mtime_ns`."""

    cursor: Cursor
    index: int

    def open(self) -> SentFile:
        """Read on to it; members are asked for in the order they have in their archive."""
        return _ArchivedContent(self)


class _ArchivedContent(SentFile):
    """Its bytes, held to the size that was found when the archive was looked through."""

    def __init__(self, member: ArchivedMember) -> None:
        self.path = member.path
        self.size = member.size
        self._member = member
        self._require_same()
        self._blocks = member.cursor.member(member.index).blocks()
        self._rest = memoryview(b"")
        self._left = member.size

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._rest = memoryview(b"")

    def readinto(self, buffer: memoryview) -> int:
        if not self._rest:
            self._rest = next(self._blocks, memoryview(b""))
        count = min(len(buffer), len(self._rest))
        if not count:
            raise self._other_size()
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        self._left -= count
        return count

    def rewind(self) -> None:
        self._blocks = self._member.cursor.member(self._member.index).blocks()
        self._rest, self._left = memoryview(b""), self.size

    def check(self) -> None:
        # The reader compares the checksum when it comes to the end.
        if self._left or self._rest or next(self._blocks, None) is not None:
            raise self._other_size()
        self._require_same()

    def _require_same(self) -> None:
        try:
            found = self.path.stat()
        except OSError as error:
            raise UploadError(f"{self.path}: {error.strerror}", self.path) from error
        if found.st_mtime_ns != self._member.mtime_ns:
            raise self._other_size()

    def _other_size(self) -> UploadError:
        return UploadError(f"{self.path}: changed while it was being sent", self.path)


def members_of(
    instances: Iterable[Instance],
    folders: dict[int, str],
    cursors: dict[Path, Cursor] | None = None,
) -> Iterator[Member]:
    """Members of an outgoing archive, in a folder per series; `cursors` are used where given.

    The server takes the last part of a name for the file name, which is the one that it has for the
    instance already, if any.
    """
    cursors = {} if cursors is None else cursors
    for instance in instances:
        name = f"{folders[instance.series]}/{instance.held_as or instance.name}"
        seconds = max(0, instance.mtime_ns // 1_000_000_000)
        if instance.member is None:
            yield FoundMember(
                instance.path, name, instance.size, seconds, mtime_ns=instance.mtime_ns
            )
            continue
        cursor = cursors.setdefault(instance.path, Cursor(instance.path))
        yield ArchivedMember(
            path=instance.path,
            name=name,
            size=instance.size,
            mtime=seconds,
            mtime_ns=instance.mtime_ns,
            cursor=cursor,
            index=instance.member,
        )


class Digests:
    """MD5s of instances; quick for members of archives that are asked for in their order."""

    def __init__(self) -> None:
        # Two, as the members of two archives may be compared with each other.
        self._cursors = Cursors(2)
        self._lock = threading.Lock()

    def __call__(self, instance: Instance) -> str:
        """The MD5 of an instance. Raises UploadError."""
        if instance.member is None:
            try:
                return files.md5_of(instance.path)
            except OSError as error:
                raise explain(error) from error
        with self._lock:
            member = self._cursors.of(instance.path).member(instance.member)
            digest = files.new_md5()
            for block in member.blocks():
                digest.update(block)
        return digest.hexdigest()
