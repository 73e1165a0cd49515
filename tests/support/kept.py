"""A session whose archives are kept, unpacked and audited."""

from __future__ import annotations

import zipfile
from pathlib import Path

from support.downloads import Downloader

SCANS = {"1": {"a.dcm": b"a" * 3000, "1/b": b"one", "1-T1w/b": b"two"}, "2-MR1": {"c": b"c"}}
FILES = {
    f"scans/{scan}/resources/DICOM/files/{path}": data
    for scan, files in SCANS.items()
    for path, data in files.items()
}


def named(session: Downloader, *words: object) -> tuple[object, ...]:
    """The words that download the session by its name."""
    return ("session", "-E", "MR1", "-P", "P1", "--out", session.out, *words)


def names(path: Path) -> list[str]:
    """The entries of a zip."""
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()
