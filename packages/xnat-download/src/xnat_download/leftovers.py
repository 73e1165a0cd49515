"""Partial files that runs that were killed have left among those of this run.

Records of files, and layouts that put sessions side by side, come back to the same folder again and
again. It is read once: to look through it anew for each would take the square of their number.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections import defaultdict
from pathlib import Path

from xnat_core.files import part_stem
from xnat_download.inventory import File
from xnat_download.manifest import NAME as MANIFEST
from xnat_download.partial import PART, WORTH_RESUMING, left_parts, remove_left

# Objects that are open at the same time mostly have fewer folders.
_MANY = 64

Parts = dict[str, set[Path]]


def _parts_in(folder: Path) -> Parts:
    """The partial files in a folder by the `part_stem` of their files: several, after several runs
    that were killed."""
    found: Parts = defaultdict(set)
    for stem, part in left_parts(folder):
        found[stem].add(part)
    return found


class Leftovers:
    """Those in folders that many objects share, as they were when the run first came there."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._folders: dict[Path, Parts] = {}

    def take(self, folder: Path, stem: str) -> set[Path]:
        """Those of one file, by its `part_stem`. Nobody else is given them; those beside are of
        other objects."""
        with self._lock:
            if folder not in self._folders:
                if len(self._folders) >= _MANY:
                    self._folders.clear()
                self._folders[folder] = _parts_in(folder)
            return self._folders[folder].pop(stem, set())

    def spare(self, path: Path, stem: str) -> None:
        """Not a partial file called so, but data that looks like one."""
        with self._lock:
            self._folders.get(path.parent, {}).get(stem, set()).discard(path)


class LeftOfResource:
    """Those beside the files of one resource.

    `own` is its folder, unless it is one of many in folders of which `shared` has been asked.
    """

    def __init__(self, own: Path, shared: Leftovers | None) -> None:
        self._own = own
        self._shared = shared
        self._folders: dict[Path, Parts] = {}

    def look(self, path: Path) -> None:
        """Learn what there is of a file, and that it is no partial file whatever its name."""
        folder, stem = path.parent, part_stem(path.name)
        if self._shared is not None:
            of_file = self._shared.take(folder, stem)
            self._folders.setdefault(folder, {}).setdefault(stem, set()).update(of_file)
        elif folder not in self._folders:
            self._folders[folder] = _parts_in(folder)
            if folder == self._own:
                # Another run may be writing it: unlike data, under the lock of the folder.
                self._folders[folder].pop(MANIFEST, None)
        meant = PART.fullmatch(path.name)
        if meant:
            # Somebody's upload has brought it to the server: it is data.
            self._folders[folder].get(meant[1], set()).discard(path)
            if self._shared is not None:
                self._shared.spare(path, meant[1])

    def claim(self, path: Path, file: File) -> bool:
        """Keep what there is of a file; gives whether it is worth resuming, else it is not kept."""
        parts, stem = self._folders[path.parent], part_stem(path.name)
        is_worth = any(_is_worth_resuming(file, part) for part in parts.get(stem, ()))
        if is_worth:
            del parts[stem]
        return is_worth

    def remove(self) -> None:
        """Remove what nobody has claimed, unless somebody writes it."""
        for parts in self._folders.values():
            for path in itertools.chain.from_iterable(parts.values()):
                remove_left(path)


def _is_worth_resuming(file: File, part: Path) -> bool:
    """Only what the digest will prove, and only where it saves something."""
    try:
        return file.digest is not None and os.lstat(part).st_size >= WORTH_RESUMING
    except OSError:
        return False
