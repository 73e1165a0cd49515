"""What runs that were killed have left in folders that many objects of a run share.

Records of files, and layouts that put sessions side by side, come back to the same folder again and
again. It is read once: to look through it anew for each would take the square of their number.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from pathlib import Path

from xnat_download.partial import left_parts

# Objects that are open at the same time mostly have fewer folders.
_MANY = 64

Parts = dict[str, set[Path]]


def parts_in(folder: Path) -> Parts:
    """The partial files in a folder by the `part_stem` of their files: several, after several runs
    that were killed."""
    found: Parts = defaultdict(set)
    for stem, part in left_parts(folder):
        found[stem].add(part)
    return found


class Leftovers:
    """The partial files of shared folders, as they were when the run first came there."""

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
                self._folders[folder] = parts_in(folder)
            return self._folders[folder].pop(stem, set())

    def spare(self, path: Path, stem: str) -> None:
        """Not a partial file called so, but data that looks like one."""
        with self._lock:
            self._folders.get(path.parent, {}).get(stem, set()).discard(path)
