"""The tree on the local disk: paths that stay inside it, and what is there already."""

from __future__ import annotations

import errno
import os
import re
import stat
import threading
from pathlib import Path

from xnat_core.archive.paths import folded, is_case_insensitive, safe_join
from xnat_core.errors import DownloadError, PathValidationError
from xnat_core.files import md5_of
from xnat_download.inventory import File, Group
from xnat_download.trouble import DiskError, disk_errors

_MANY = 4096
# A name that nothing can be wrong with; sessions have hundreds of thousands of them.
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}")


class Tree:
    """The folder OUT. Nothing outside of it is ever written, also not through a link inside."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self._lock = threading.Lock()
        self._folders: dict[str, Path] = {}
        self._owners: dict[str, str] = {}
        self._folds: bool | None = None

    def path(self, name: str) -> Path:
        """The path of `name`, which has `/` between its parts.

        Raises PathValidationError for names that lead out, and where a folder on the way is a link.
        """
        folder, _, last = name.rpartition("/")
        parent = self._folder(folder) if folder else self.out
        return parent / last if _PLAIN.fullmatch(last) else safe_join(parent, last or name)

    def path_of(self, group: Group, file: File) -> Path:
        """Where a file belongs."""
        return self.path(self.name_of(group, file))

    @staticmethod
    def name_of(group: Group, file: File) -> str:
        """The same, relative to OUT."""
        return file.dest if file.dest is not None else f"{group.folder}/{file.path}"

    @property
    def folds_case(self) -> bool:
        """Whether the disk takes `a` and `A` for one name."""
        with self._lock:
            if self._folds is None:
                self._folds = self.out.is_dir() and is_case_insensitive(self.out)
            return self._folds

    def claim(self, name: str, owner: str, advice: str, *, on_any_disk: bool = True) -> None:
        """Let the first that comes have a folder or file; raises DownloadError for any other.

        Names in which only the case differs are one: on any disk, or only where they are so.
        """
        key = folded(name) if on_any_disk or self.folds_case else name
        with self._lock:
            holder = self._owners.setdefault(key, owner)
        if holder != owner:
            raise DownloadError(
                f"{self.out / name} belongs to {holder} already, not to {owner}: {advice}"
            )

    def make(self) -> None:
        """Make OUT itself. Raises PathValidationError where something else has its name."""
        with disk_errors(self.out):
            try:
                self.out.mkdir(parents=True, exist_ok=True)
            except FileExistsError:
                raise PathValidationError(self.out, "must be a directory") from None

    def _folder(self, name: str) -> Path:
        with self._lock:
            known = self._folders.get(name)
        if known is not None:
            return known
        # A name below it, so that the folder itself is looked at, too.
        path = safe_join(self.out, f"{name}/-").parent
        with self._lock:
            if len(self._folders) >= _MANY:
                self._folders.clear()
            self._folders[name] = path
        return path


def size_on_disk(path: str) -> int | None:
    """The size of a file; None when there is none, or a link in its place.

    Raises DiskError where the disk does not tell, and for a device or a pipe: what is there must
    not be written over.
    """
    try:
        found = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise DiskError(Path(path), error) from error
    if stat.S_ISREG(found.st_mode):
        return found.st_size
    if stat.S_ISLNK(found.st_mode) or stat.S_ISDIR(found.st_mode):
        return None
    raise DiskError(Path(path), OSError(errno.EINVAL, "not a regular file"))


def is_there(path: Path, file: File, *, verify: bool) -> tuple[bool, str | None]:
    """Whether the file on disk is the listed one, and its MD5 if it was computed.

    By size; by size and MD5 with `verify`, and where the server does not know the size.
    """
    size = size_on_disk(str(path))
    if size is None or file.size not in (None, size):
        return False, None
    if file.size is None and file.digest is None:
        return False, None
    if not verify and file.size is not None:
        return True, None
    with disk_errors(path):
        md5 = md5_of(path)
    return file.digest in (None, md5), md5
