"""Whether there is something of a name on the disk."""

from __future__ import annotations

import errno
from pathlib import Path

_NOTHING = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


def exists(path: Path) -> bool:
    """Whether a path leads to something. Raises OSError when the disk does not tell.

    `Path.exists` takes that for a no from Python 3.14 on, and what is there might be written over.
    """
    try:
        path.stat()
    except ValueError:
        # A null character: no file has such a name.
        return False
    except OSError as error:
        if error.errno in _NOTHING:
            return False
        raise
    return True
