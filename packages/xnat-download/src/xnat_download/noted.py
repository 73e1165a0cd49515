"""What the manifests of earlier runs say that the bytes of a file are."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator

from xnat_download.disk import Tree
from xnat_download.manifest import NAME, NOTE, entries
from xnat_download.scratch import scratch

# Objects that are open at the same time mostly have fewer folders; scans of one session share one.
_MANY = 64
_SCHEMA = """
CREATE TABLE noted (name TEXT PRIMARY KEY, digest TEXT) WITHOUT ROWID;
"""


class Noted:
    """The digests in the manifests below OUT, each manifest read when it is first asked for."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._lock = threading.Lock()
        self._read: set[str] = set()
        self._db = scratch(_SCHEMA)

    def digest(self, folder: str, name: str) -> str | None:
        """What the manifest of `folder` has for the file of that `name` below OUT, if anything."""
        with self._lock:
            if folder not in self._read:
                if len(self._read) >= _MANY:
                    self._read.clear()
                    self._db.execute("DELETE FROM noted")
                self._db.execute_many(
                    "INSERT OR REPLACE INTO noted VALUES (?, ?)", self._of(folder)
                )
                self._read.add(folder)
            found = self._db.row("SELECT digest FROM noted WHERE name=?", (name,))
        return str(found[0]) if found else None

    def _of(self, folder: str) -> Iterator[tuple[str, str]]:
        before = f"{folder}/" if folder else ""
        path = self._tree.path(before + NAME)
        for entry in itertools.chain(entries(path), entries(path.with_name(NOTE))):
            digest = entry.get("digest")
            if isinstance(digest, str) and "member" not in entry:
                yield before + entry["local_path"], digest
