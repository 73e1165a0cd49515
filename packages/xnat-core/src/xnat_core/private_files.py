"""Files that hold secrets: readable by their owner only, and never half written."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import tempfile
from pathlib import Path


def make_private_dir(folder: Path) -> None:
    """Make a directory with mode 0700; one that exists keeps its mode. Raises OSError."""
    if not folder.is_dir():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The umask may have taken bits away that the owner needs.
        folder.chmod(0o700)


def refuse_special(path: Path) -> None:
    """Raise OSError for what no file can stand for: a device, a pipe, a socket.

    A rename would put a file in its place: for root, in that of `/dev/null`.
    """
    with contextlib.suppress(FileNotFoundError):
        mode = path.lstat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode)):
            raise OSError(errno.EINVAL, "not a regular file")


def write_private(path: Path, data: bytes) -> None:
    """Replace the file by `data`, mode 0600, at once or not at all. Raises OSError.

    A symbolic link is followed, so that a configuration kept elsewhere stays there.
    """
    target = Path(os.path.realpath(path))
    refuse_special(target)
    make_private_dir(target.parent)
    # mkstemp creates with 0600 whatever the umask says: there is no moment of wider access.
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
