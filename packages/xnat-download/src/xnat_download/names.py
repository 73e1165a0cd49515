"""The names that files have below OUT, where a template decides them.

Nothing in such a name needs to tell the session that a file is of, so files of two objects may
meet: in one run, or in a folder that an earlier run has filled, which its manifest tells.
"""

from __future__ import annotations

import re
import threading

from xnat_core.archive.paths import folded
from xnat_core.records import Record
from xnat_download.disk import Tree, size_on_disk
from xnat_download.inventory import Group
from xnat_download.manifest import NAME, entries
from xnat_download.scratch import scratch

# The same object has a longer path where its parents are named, too.
_OBJECT = re.compile(r".*(/(?:experiments|subjects|projects)/.+)/resources/[^/]+")
_RESOURCE = re.compile(r"(.+?/resources/[^/]+)/files/.*", re.DOTALL)
_SCHEMA = """
CREATE TABLE name (key TEXT PRIMARY KEY, owner TEXT, earlier INTEGER) WITHOUT ROWID;
"""


class Names:
    """Who has which name."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._lock = threading.Lock()
        self._read: set[str] = set()
        self._db = scratch(_SCHEMA)

    def take(self, name: str, server: str, group: Group, path: str, folder: str) -> str | None:
        """Give a name to a file; the file that has it already, if it is another one.

        `folder` is the one whose manifest lists what earlier runs have put there.
        """
        key, owner = self._key(name), _owner(server, group.uri, group.label, path)
        with self._lock:
            if folder not in self._read:
                self._read_manifest(folder)
                self._read.add(folder)
            sql = "INSERT OR IGNORE INTO name VALUES (?, ?, 0)"
            if self._db.execute(sql, (key, owner)).rowcount:
                return None
            ((holder, earlier),) = self._db.rows(
                "SELECT owner, earlier FROM name WHERE key=?", (key,)
            )
            if holder == owner:
                return None
            if earlier and size_on_disk(f"{self._tree.out}/{name}") is None:
                self._db.execute("UPDATE name SET owner=?, earlier=0 WHERE key=?", (owner, key))
                return None
        return str(holder)

    def is_from_before(self, name: str) -> bool:
        """Whether a manifest says that the file of this name is the one that has taken it."""
        with self._lock:
            found = self._db.row("SELECT earlier FROM name WHERE key=?", (self._key(name),))
        return bool(found and found[0])

    def _read_manifest(self, folder: str) -> None:
        where = self._tree.path(f"{folder}/{NAME}" if folder else NAME)
        for entry in entries(where):
            key = self._key(f"{folder}/{entry['local_path']}" if folder else entry["local_path"])
            owner = _owner_by(entry)
            if owner is not None:
                self._db.execute("INSERT OR IGNORE INTO name VALUES (?, ?, 1)", (key, owner))

    def _key(self, name: str) -> str:
        return folded(name) if self._tree.folds_case else name


def _owner(server: str, resource_uri: str, label: str, path: str) -> str:
    """A file, told by its server, its object, and the label of its resource."""
    found = _OBJECT.fullmatch(resource_uri)
    return f"{server}/data{found[1] if found else resource_uri}/resources/{label}/files/{path}"


def _owner_by(entry: Record) -> str | None:
    """The same by the entry of a manifest; None when that does not tell."""
    known = [entry.get(key) for key in ("server", "uri", "resource", "path")]
    if not all(isinstance(text, str) for text in known):
        return None
    server, uri, label, path = map(str, known)
    found = _RESOURCE.fullmatch(uri)
    return _owner(server, found[1], label, path) if found else None
