"""What goes into an archive, and what comes out of one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from xnat_core.bodies import regular
from xnat_core.files import Block, SentFile


@dataclass(frozen=True, slots=True)
class Member:
    """A local file and its name in the archive; `size` in bytes, `mtime` in seconds since 1970."""

    path: Path
    name: str
    size: int
    mtime: int = 0

    @classmethod
    def of(cls, path: Path, name: str) -> Member:
        """Look at the file; raises `UploadError` when it is not a regular one."""
        found = regular(path)
        return cls(path, name, found.st_size, int(found.st_mtime))

    def open(self) -> SentFile:
        """Open it for sending; a member that is elsewhere than in a file of its own overrides this.

        Raises `UploadError` when it is gone or has another size.
        """
        return SentFile(self.path, self.size)


OnDigest = Callable[[Member, str], None]

Kind = Literal["file", "sparse", "directory", "link", "other"]


class ArchiveMember:
    """One entry of an archive that is being read: `size` in bytes, None when not known beforehand.

    `name` is as the archive has it: only `safe_join` makes a path of it. Its bytes come once, and
    only until the next member is asked for. Whoever unpacks refuses kinds that are neither file nor
    directory; these have no bytes.
    """

    def __init__(
        self, name: str, size: int | None, kind: Kind, content: Iterator[memoryview]
    ) -> None:
        self.name = name
        self.size = size
        self.kind = kind
        self._content: Iterator[memoryview] | None = content

    def __repr__(self) -> str:
        return f"ArchiveMember({self.name!r}, {self.size}, {self.kind!r})"

    def blocks(self) -> Iterator[memoryview]:
        """Iterate over the bytes, at most 1 MiB at a time.

        Raises `DownloadError` (`UploadError` for a local archive) when the stream ends early, or
        the bytes are not those whose checksum the archive holds.
        """
        if self._content is None:
            raise RuntimeError(f"the bytes of {self.name} have gone by")
        content, self._content = self._content, None
        return content

    def close(self) -> None:
        """Give up the bytes; the reader that made the member calls this when it moves on."""
        self._content = None


def passed(
    name: str, size: int | None, kind: Kind, content: Iterator[Block]
) -> Iterator[ArchiveMember]:
    """Yield one member, then read to its end what its receiver has left."""
    # `map` hides the generator's `close`: a receiver that closes what it got must not end it.
    member = ArchiveMember(name, size, kind, map(memoryview, content))
    yield member
    member.close()
    for _ in content:
        pass
