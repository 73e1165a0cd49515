"""Bytes on disk: staged uploads, safe names, directory moves that survive a kill."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from .database import Database

BLOCK = 1 << 20

SCHEMA = """
CREATE TABLE IF NOT EXISTS pending_move (source TEXT NOT NULL, target TEXT NOT NULL);
"""


class Readable(Protocol):
    """Anything with read(size)."""

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes, none at the end."""


@dataclass(frozen=True, slots=True)
class Staged:
    """Bytes received but not yet part of anything."""

    path: Path
    size: int
    digest: str

    def discard(self) -> None:
        """Throw the bytes away; fine when they were taken over already."""
        self.path.unlink(missing_ok=True)


class _Digest:
    """An MD5 computed beside the writing, from the second block on in a thread of its own."""

    def __init__(self) -> None:
        self._digest = hashlib.md5(usedforsecurity=False)
        self._first = True
        self._worker: ThreadPoolExecutor | None = None
        self._pending: Future[None] | None = None

    def __enter__(self) -> _Digest:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._worker:
            self._worker.shutdown()

    def update(self, block: bytes) -> None:
        """Take a block in; the one before is done by then."""
        if self._first:
            self._first = False
            self._digest.update(block)
            return
        if self._worker is None:
            self._worker = ThreadPoolExecutor(1)
        if self._pending:
            self._pending.result()
        self._pending = self._worker.submit(self._digest.update, block)

    def result(self) -> str:
        """The digest of everything."""
        if self._pending:
            self._pending.result()
        return self._digest.hexdigest()


class Disk:
    """The directory tree of a store."""

    def __init__(self, root: Path, database: Database) -> None:
        self.root = root
        self.archive = root / "archive"
        self.prearchive = root / "prearchive"
        self.cache = root / "cache"
        self.staging = root / "staging"
        self._db = database
        self._moving = threading.Lock()
        shutil.rmtree(self.staging, ignore_errors=True)
        for directory in (self.archive, self.prearchive, self.cache, self.staging):
            directory.mkdir(parents=True, exist_ok=True)
        database.add_schema(SCHEMA)
        self._finish_moves()

    def stage(self, blocks: Iterable[bytes], *, checksum: bool = True) -> Staged:
        """Write blocks to a new file beside the archive, computing the MD5 on the way."""
        handle, name = tempfile.mkstemp(dir=self.staging)
        size = 0
        try:
            with os.fdopen(handle, "wb") as target, _Digest() as digest:
                for block in blocks:
                    if checksum:
                        digest.update(block)
                    target.write(block)
                    size += len(block)
                hexadecimal = digest.result() if checksum else ""
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        return Staged(Path(name), size, hexadecimal)

    def staging_directory(self) -> Path:
        """A new empty directory on the same file system, removed at the next start."""
        return Path(tempfile.mkdtemp(dir=self.staging))

    def move_directory(self, source: Path, target: Path) -> None:
        """Move a tree when the open transaction commits, merging into what is there.

        The move is noted in the transaction, so that a kill between commit and move is made good
        at the next start.
        """
        if source == target:
            return
        names = (str(source.relative_to(self.root)), str(target.relative_to(self.root)))
        with self._db.transaction():
            self._db.execute("INSERT INTO pending_move VALUES (?,?)", names)
            self._db.after_commit(self._finish_moves)

    def remove_tree(self, directory: Path) -> None:
        """Remove a tree when the open transaction commits."""
        self._db.after_commit(lambda: shutil.rmtree(directory, ignore_errors=True))

    def _finish_moves(self) -> None:
        # Two that commit at the same time see each other's moves; each is to be made once.
        with self._moving:
            moves = self._db.rows("SELECT rowid, source, target FROM pending_move ORDER BY rowid")
            for row in moves:
                merge_tree(self.root / row["source"], self.root / row["target"])
                self._db.execute("DELETE FROM pending_move WHERE rowid=?", (row["rowid"],))


def blocks_of(source: Readable) -> Iterator[bytes]:
    """A file in blocks."""
    while block := source.read(BLOCK):
        yield block


def staged_file(path: Path, *, checksum: bool = True) -> Staged:
    """A file that is on the store's disk already, as something to be taken over by a resource."""
    if not checksum:
        return Staged(path, path.stat().st_size, "")
    with path.open("rb") as source:
        digest = hashlib.file_digest(source, "md5") if hasattr(hashlib, "file_digest") else None
        if digest is None:
            slow = hashlib.md5(usedforsecurity=False)
            for block in blocks_of(source):
                slow.update(block)
            return Staged(path, path.stat().st_size, slow.hexdigest())
    return Staged(path, path.stat().st_size, digest.hexdigest())


def merge_tree(source: Path, target: Path) -> None:
    """Move `source` to `target`; existing directories are merged, existing files replaced."""
    if not source.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir() and target.is_dir():
        for child in list(source.iterdir()):
            merge_tree(child, target / child.name)
        with contextlib.suppress(OSError):
            source.rmdir()
    else:
        source.replace(target)


def safe_name(name: str) -> str:
    """A single path component, refused when it could leave its directory."""
    if not name or name in (".", "..") or "/" in name or "\\" in name or "\0" in name:
        raise ValueError(f"illegal name: {name!r}")
    return name


def safe_path(path: str) -> str:
    """A relative path inside a resource, without empty or dotted components."""
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if not parts or ".." in parts or "\0" in path:
        raise ValueError(f"illegal path: {path!r}")
    return "/".join(parts)
