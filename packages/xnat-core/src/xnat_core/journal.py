"""What a server has taken of one upload, remembered on disk until the upload is complete.

A session that is still being received cannot be listed on the server; after a kill only the journal
knows what need not be sent again. It is a file of JSON lines to which is only added, so that a kill
at any moment costs at most the last line, and a power cut what was taken in the last second, which
is sent again then.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any

import orjson

from xnat_core.errors import ConfigurationError, OperationError
from xnat_core.presence import exists
from xnat_core.private_files import make_private_dir, refuse_special
from xnat_core.user_paths import state_dir

if TYPE_CHECKING:
    from filelock import BaseFileLock

FORGOTTEN_AFTER_DAYS = 60
_SECONDS_BETWEEN_SYNCS = 1.0

_tidied: set[Path] = set()
"""The folders in which this process has looked for old journals: once, not for each of thousands of
sessions."""


class JournalBusy(OperationError):
    """Another process is sending the same."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A file that the server has taken.

    `name` is what it is called there, `place` where it went (a URI of the server), `digest` its MD5
    as it was sent; `path`, `size` and `mtime_ns` tell whether the local file is still the same.
    `study` is the UID of its study, where that was noted.
    """

    name: str
    path: str
    size: int
    mtime_ns: int
    digest: str
    place: str
    study: str = ""


class Journal:
    """The journal of one target, which `parts` name: server, project, session and so on.

    Enter it to hold it: two runs for one target exclude each other, the second raises JournalBusy.
    Where nothing can be written it remembers nothing and hinders nobody.
    """

    def __init__(self, *parts: str, folder: Path | None = None) -> None:
        self.parts = parts
        self.age = math.inf
        """Seconds since something was written to it, as it was entered; infinite for a new one."""
        self._folder = folder
        self._path: Path | None = None
        self._file: IO[bytes] | None = None
        self._lock: BaseFileLock | None = None
        self._is_forgotten = False
        self._is_torn = False
        self._writing = threading.Lock()
        self._syncing = threading.Lock()
        self._is_synced = True
        self._last_sync = -math.inf

    def __enter__(self) -> Journal:
        with contextlib.suppress(ConfigurationError, OSError, NotImplementedError):
            folder = self._folder or state_dir() / "uploads"
            make_private_dir(folder)
            self._open(folder)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._sync(0)
            self._file.close()
            self._file = None
        if self._lock is not None:
            with contextlib.suppress(OSError, RuntimeError):
                if self._is_forgotten:
                    # While it is held: who opens it now sees that it has lost its name.
                    Path(self._lock.lock_file).unlink(missing_ok=True)
            with contextlib.suppress(OSError, RuntimeError):
                self._lock.release()

    # --- reading ------------------------------------------------------------------------------

    def accepted(self) -> Iterator[Accepted]:
        """What has been taken so far, oldest first; a file may come again with newer facts."""
        for entry in self._entries():
            with contextlib.suppress(TypeError):
                yield Accepted(**entry)

    def facts(self) -> dict[str, Any]:
        """What was noted about this upload; empty for one that has not begun."""
        found: dict[str, Any] = {}
        for entry in self._entries():
            if isinstance(entry.get("facts"), dict):
                found.update(entry["facts"])
        return found

    # --- writing ------------------------------------------------------------------------------

    def add(self, accepted: Iterable[Accepted]) -> None:
        """Remember files: a kill cannot change that when this returns. Safe from any thread.

        The first are on the disk then, others a second later or at the end: a network file system
        takes longer for that than a server for a file.
        """
        self._append(b"".join(map(_line, accepted)))
        self._sync(_SECONDS_BETWEEN_SYNCS)

    def note(self, facts: Mapping[str, Any]) -> None:
        """Remember something about this upload; it is on the disk when this returns."""
        self._append(orjson.dumps({"facts": dict(facts)}) + b"\n")
        self._sync(0)

    def forget(self) -> None:
        """The upload is complete: nothing needs to be known any longer."""
        if self._file is not None:
            self._file.close()
            self._file = None
        if self._path is not None:
            with contextlib.suppress(OSError):
                self._path.unlink()
                self._is_forgotten = True

    # --- inside -------------------------------------------------------------------------------

    def _open(self, folder: Path) -> None:
        import filelock

        if folder not in _tidied:
            _tidied.add(folder)
            _forget_old(folder)
        key = hashlib.sha256(orjson.dumps(self.parts)).hexdigest()[:32]
        lock = filelock.FileLock(folder / f"{key}.lock", mode=0o600)
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            raise JournalBusy(
                "upload", f"{'/'.join(self.parts[1:])}: another process is sending this session now"
            ) from None
        self._lock = lock
        self._path = folder / f"{key}.ndjson"
        with contextlib.suppress(FileNotFoundError):
            self.age = max(0.0, time.time() - self._path.stat().st_mtime)
        refuse_special(self._path)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._file = os.fdopen(descriptor, "r+b", buffering=0)
        if self._path.stat().st_size == 0:
            self._append(orjson.dumps({"target": self.parts}) + b"\n")
        else:
            # The line that a kill cut short must not swallow the next one.
            self._append(b"\n")

    def _append(self, lines: bytes) -> None:
        if self._file is None or not lines:
            return
        # With a full disk the upload goes on, only a repeated one will know less.
        with contextlib.suppress(OSError), self._writing:
            # The line that a full disk cut short must not swallow this one.
            view = memoryview(b"\n" + lines if self._is_torn else lines)
            self._is_torn = True
            while view:
                view = view[self._file.write(view) :]
            self._is_torn = self._is_synced = False

    def _sync(self, seconds: float) -> None:
        """See to it that all lines are on the disk, unless that was done within so many seconds."""
        # While another thread does it, lines may wait for the next time, but not for the last.
        if self._file is None or not self._syncing.acquire(blocking=not seconds):
            return
        try:
            if not self._is_synced and time.monotonic() - self._last_sync >= seconds:
                self._is_synced = True
                with contextlib.suppress(OSError):
                    os.fsync(self._file.fileno())
                    self._last_sync = time.monotonic()
        finally:
            self._syncing.release()

    def _entries(self) -> Iterator[dict[str, Any]]:
        if self._path is None:
            return
        # One that cannot be read, as what another user's run has left, hinders nobody either.
        with contextlib.suppress(OSError):
            refuse_special(self._path)
            with self._path.open("rb") as file:
                for line in file:
                    with contextlib.suppress(orjson.JSONDecodeError):
                        entry = orjson.loads(line)
                        if isinstance(entry, dict):
                            yield entry


def _line(one: Accepted) -> bytes:
    facts = {name: getattr(one, name) for name in Accepted.__slots__}
    # A name that is not Unicode has no JSON; here it is only for people.
    bare = one.path.encode("utf-8", "surrogateescape")
    facts["path"] = bare.decode("utf-8", "backslashreplace")
    return orjson.dumps(facts) + b"\n"


def _forget_old(folder: Path) -> None:
    """Remove journals that nobody has come back for; those in use have been written to since.

    With them go the locks that were made as long ago and have no journal any more.
    """
    import filelock

    oldest = time.time() - FORGOTTEN_AFTER_DAYS * 86400
    for path in folder.glob("*.ndjson"):
        with contextlib.suppress(OSError):
            if path.stat().st_mtime < oldest:
                path.unlink()
    for path in folder.glob("*.lock"):
        with contextlib.suppress(OSError, filelock.Timeout, NotImplementedError):
            if path.stat().st_mtime < oldest and not exists(path.with_suffix(".ndjson")):
                with filelock.FileLock(path, mode=0o600).acquire(timeout=0):
                    path.unlink()
