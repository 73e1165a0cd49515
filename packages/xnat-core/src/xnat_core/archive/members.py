"""What goes into an archive."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from xnat_core.bodies import size_of


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
        return cls(path, name, size_of(path), int(path.stat().st_mtime))


OnDigest = Callable[[Member, str], None]
