"""Names from an archive or a server as local paths: inside the folder, or not at all."""

from __future__ import annotations

import os
import re
import tempfile
import unicodedata
from pathlib import Path, PurePosixPath

from xnat_core.errors import PathValidationError
from xnat_core.presence import exists

_LONGEST_COMPONENT = 255
_DRIVE = re.compile(r"[A-Za-z]:")


def safe_join(root: Path, name: str) -> Path:
    """Return the path of `name` (with `/` between its parts) below `root`.

    Raises `PathValidationError` for what could lead elsewhere or mislead: an absolute name, `..`, a
    drive letter, a backslash, control characters, a part of more than 255 bytes, a link among the
    folders on the way. Nothing is repaired: a name bent into shape may overwrite another file. Only
    `.` and doubled slashes are dropped, as every system does.
    """
    if not name or name.startswith("/") or _DRIVE.match(name):
        raise PathValidationError(name, "empty, or not relative to the folder")
    if "\\" in name:
        raise PathValidationError(name, "backslash in the name")
    if any(unicodedata.category(character) == "Cc" for character in name):
        raise PathValidationError(repr(name), "control character in the name")
    parts = PurePosixPath(name).parts
    if not parts or ".." in parts:
        raise PathValidationError(name, "leads out of the folder")
    path = root
    for part in parts:
        if path is not root and path.is_symlink():
            raise PathValidationError(name, f"{path} is a link")
        path = path / part
        _check_length(name, part)
    return path


def _check_length(name: str, part: str) -> None:
    try:
        encoded = os.fsencode(part)
    except UnicodeEncodeError as error:
        raise PathValidationError(ascii(name), "not a name in Unicode") from error
    if len(encoded) > _LONGEST_COMPONENT:
        raise PathValidationError(
            name, f"a part of the name has more than {_LONGEST_COMPONENT} bytes"
        )


class CaseCollisions:
    """Finds names that would be one file, in memory that grows with their number.

    With `fold`, also those that are one on the usual disks of macOS and Windows.
    """

    def __init__(self, *, fold: bool) -> None:
        self._fold = fold
        self._names: dict[str, str] = {}

    def add(self, name: str) -> str | None:
        """Remember a name; return the earlier one that it collides with, if any."""
        key = folded(name) if self._fold else name
        earlier = self._names.get(key)
        if earlier is None:
            self._names[key] = name
        return earlier


def folded(name: str) -> str:
    """The same text for all names that are one on the usual disks of macOS and Windows."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


def is_case_insensitive(folder: Path) -> bool:
    """Tell whether an existing folder holds `a` and `A` for one file; makes a file to try.

    What is there already tells it for a folder that nothing can be written to.
    """
    try:
        with tempfile.NamedTemporaryFile(prefix=".case-", dir=folder) as file:
            return _is_found_in_other_case(Path(file.name))
    except OSError:
        return any(_is_found_in_other_case(path) for path in folder.iterdir())


def _is_found_in_other_case(path: Path) -> bool:
    other = path.with_name(path.name.swapcase())
    return other.name != path.name and exists(other) and other.samefile(path)
