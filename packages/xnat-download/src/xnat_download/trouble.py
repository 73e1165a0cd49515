"""What stops a file, what stops an object, what stops the run."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

from xnat_core.errors import (
    AuthenticationError,
    OperationError,
    PermissionDeniedError,
    XNATCtlError,
)
from xnat_core.parallel import Stopped

# A disk on which nothing can be written any more.
_HOPELESS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


class DiskError(OperationError):
    """The local disk refused; `is_final` when it will refuse every other file, too."""

    def __init__(self, path: Path, error: OSError) -> None:
        super().__init__("write", f"{path}: {error.strerror or error}")
        self.is_final = error.errno in _HOPELESS


class Interrupted(XNATCtlError):
    """A body began to come, and broke off or was damaged: `error` tells how.

    What did not even begin has been repeated by the client; only broken bodies are repeated here.
    """

    def __init__(self, error: XNATCtlError) -> None:
        super().__init__(error.message)
        self.error = error


@contextlib.contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Errors of the system as DiskError naming the path."""
    try:
        yield
    except OSError as error:
        raise DiskError(path, error) from error


def stops_the_run(error: XNATCtlError) -> bool:
    """Whether everything else would fail, too: a full disk, a login that nobody can renew."""
    if isinstance(error, DiskError):
        return error.is_final
    if isinstance(error, AuthenticationError):
        return not isinstance(error, PermissionDeniedError)
    return isinstance(error, Stopped)
