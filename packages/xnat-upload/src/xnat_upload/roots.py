"""Which of several paths that were named have no DICOM, as a disk that is not mounted."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from xnat_core.dicom_files import is_other
from xnat_core.validation import ARCHIVE_SUFFIXES


class Roots:
    """The paths of one upload. Plain files are none of its business: sidecars may be named."""

    def __init__(self, paths: Iterable[Path]) -> None:
        named = dict.fromkeys(paths)
        # Of a single one it is told that nothing was found at all.
        self._left = dict.fromkeys(filter(_is_to_hold_some, named)) if len(named) > 1 else {}

    def seen(self, path: str | Path | None) -> None:
        """There is DICOM at a path, or something that has been told of."""
        if self._left and path is not None:
            for one in (Path(path), *Path(path).parents):
                self._left.pop(one, None)

    def barren(self) -> Iterator[tuple[Path, str]]:
        """Those at which nothing was seen, and how to say so."""
        for path in self._left:
            yield path, "neither a file nor a folder" if is_other(path) else "no DICOM found in it"


def _is_to_hold_some(path: Path) -> bool:
    is_archive = path.name.lower().endswith(ARCHIVE_SUFFIXES)
    return is_archive or os.path.isdir(path) or is_other(path)  # noqa: PTH112  # never raises
