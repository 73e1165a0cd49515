"""`manifest.ndjson`: what a folder holds, written last, so that it can be audited years later.

One record of kind `file` a line, in the order of `local_path`, which is relative to the manifest;
`member` names the entry where the file is inside a kept archive. `digest` is the server's, or where
it has none the MD5 of what came (`unverifiable`). Entries of earlier downloads into the same folder
are kept.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xnat_core.errors import DownloadError, IntegrityError, XNATCtlError, explain
from xnat_core.files import atomic_write, unreadable
from xnat_core.presence import exists
from xnat_core.private_files import refuse_special
from xnat_core.records import Record
from xnat_core.wording import counted
from xnat_download.disk import Tree, size_on_disk
from xnat_download.inventory import FETCHED, THERE, File, Group
from xnat_download.partial import remove_left_of
from xnat_download.places import Place
from xnat_download.records import file_record
from xnat_download.scratch import scratch
from xnat_download.selection import Selection
from xnat_download.template import Template
from xnat_download.trouble import disk_errors

if TYPE_CHECKING:
    from xnat_download.download import Download

NAME = "manifest.ndjson"
# Whose a folder is that has no manifest yet; and what has come since, where a run has failed.
NOTE = f".{NAME}.part"
_FACTS = ("size", "digest")
_SCHEMA = """
CREATE TABLE entry (
  folder TEXT, local TEXT, member TEXT, size INTEGER, digest TEXT, record TEXT,
  PRIMARY KEY (folder, local, member)) WITHOUT ROWID;
"""


class Manifests:
    """The entries of this run, by folder, until they are written."""

    def __init__(self, tree: Tree, template: Template | None) -> None:
        self._tree = tree
        self._template = template
        self._lock = threading.Lock()
        self._db = scratch(_SCHEMA)
        # The archives of this run: what an older manifest says of their contents is over.
        self._replaced: set[tuple[str, str]] = set()
        self._occupied: set[str] = set()

    def require_owner(self, folder: str, place: Place, server: str, advice: str) -> None:
        """Raise DownloadError when the folder holds another session, subject or project.

        By its manifest; before there is one, by what `occupy` has left.
        """
        level, key, id = _identity(place)
        if folder in self._occupied or id is None:
            return
        first = _first(self._tree.path(f"{folder}/{NAME}"))
        holder = (first.get(key), first.get("server")) if first else (None, None)
        if None not in holder and holder != (id, server):
            raise DownloadError(
                f"{self._tree.out / folder} holds {level} {holder[0]} of {holder[1]}, "
                f"not {id} of {server}: {advice}"
            )

    def occupy(self, folder: str, place: Place, server: str, advice: str) -> None:
        """Leave a note whose the folder is, until its manifest tells.

        Without, files that a run has left that did not come to its end would be taken for those of
        another session of the same label. Raises as `require_owner`.
        """
        _, key, id = _identity(place)
        if folder in self._occupied or id is None:
            return
        path = self._tree.path(f"{folder}/{NAME}")
        with _locked(path.parent):
            self.require_owner(folder, place, server, advice)
            if _first(path) is None:
                note = json.dumps({"server": server, key: id, "local_path": NAME})
                with atomic_write(path.with_name(NOTE)) as part:
                    part.write(f"{note}\n".encode())
            self._occupied.add(folder)

    def take(self, download: Download, *, whole: bool) -> None:
        """Take in the files of an object that has come; those of a `whole` session are written.

        Raises DownloadError when some are no longer there: they were moved or removed meanwhile.
        """
        server = download.client.base_url
        gone: list[str] = []
        for group in download.inventory.groups:
            folder = download.folder_of(group)
            archive = download.archives.get(group.number)
            for file in download.inventory.files(group.number):
                if file.state not in (THERE, FETCHED):
                    continue
                if archive is not None:
                    if file.state == FETCHED:
                        self._replaced.add((folder, archive))
                    self.insert(folder, _entry(server, group, file, archive, member=file.member))
                unpacked = archive is None or download.engine.options.unpack
                if unpacked and not self._add(folder, server, group, file):
                    gone.append(self._tree.name_of(group, file))
        if gone:
            raise DownloadError(
                f"{self._tree.out}: of what came, {counted(len(gone), 'file is', 'files are')} no "
                f"longer there, {gone[0]} for one: moved, changed or removed meanwhile"
            )
        if whole and self._template is None:
            self._write(download.folder, download.engine.options.selection)
        elif whole and download.folder:
            # Of other sessions, too, it may be, whose entries no selection can tell from these.
            self._write(download.folder, None)

    def leave(self, download: Download) -> None:
        """Note what has come of an object that is not whole: the next run need not read it again.

        The manifest, which scripts take for the end of a session, does not have it.
        """
        key, server = f"{download.folder}/{NOTE}", download.client.base_url
        note = self._tree.path(key)
        try:
            for group in download.inventory.groups:
                for file in download.inventory.files(group.number):
                    if file.state in (THERE, FETCHED):
                        self._add(download.folder, server, group, file, key)
            with self._lock, _locked(note.parent):
                if not self._query("SELECT 1 FROM entry WHERE folder=? LIMIT 1", key):
                    return
                remove_left_of(note)
                for old in entries(note):
                    self._keep(key, old)
                with atomic_write(note) as part:
                    for line in self._lines(key):
                        part.write(line)
        finally:
            with self._lock:
                self._query("DELETE FROM entry WHERE folder=?", key)

    def drop(self, local: str) -> None:
        """Drop the older entries of a file in OUT itself, which has been removed."""
        self._write("", None, without=local)

    def write(self, *, stopped: bool = False) -> None:
        """Write what is left, in all folders where that is possible; raises for the first other.

        When the run has been `stopped`, which somebody else tells, its threads may go on yet.
        """
        with self._lock:
            folders = self._query("SELECT DISTINCT folder FROM entry")
        errors: list[Exception] = []
        for (folder,) in folders:
            if folder.endswith(NOTE):
                continue
            try:
                self._write(folder, None)
            except (XNATCtlError, OSError) as error:
                errors.append(error)
        if stopped:
            return
        for folder in self._occupied:
            _vacate(self._tree.out / folder)
        if errors:
            raise errors[0]

    def _add(
        self, folder: str, server: str, group: Group, file: File, key: str | None = None
    ) -> bool:
        """Take in a file, if it is still there, under another `key` than the folder if need be."""
        name = self._tree.name_of(group, file)
        size = size_on_disk(f"{self._tree.out}/{name}")
        if size is None or file.size not in (None, size):
            return False
        local = name[len(folder) + 1 :] if folder else name
        record = _entry(server, group, file, local)
        record.setdefault("size", size)
        self.insert(folder if key is None else key, record)
        return True

    def insert(self, folder: str, record: Record) -> None:
        """Take in one entry."""
        key = _key(folder, record)
        facts = record.get("size"), record.get("digest"), json.dumps(record)
        with self._lock:
            self._query("INSERT OR REPLACE INTO entry VALUES (?,?,?,?,?,?)", *key, *facts)

    def _write(self, folder: str, selection: Selection | None, without: str | None = None) -> None:
        path = self._tree.path(f"{folder}/{NAME}" if folder else NAME)
        with self._lock:
            nothing = not self._query("SELECT 1 FROM entry WHERE folder=? LIMIT 1", folder)
        if nothing and not exists(path):
            return
        with self._lock, _locked(path.parent):
            remove_left_of(path)
            if without is not None or not self._is_written(path, folder):
                for old in entries(path):
                    local = old["local_path"]
                    replaced = "member" in old and (folder, local) in self._replaced
                    dropped = replaced or local == without
                    if not dropped and not _is_outdated(path.parent, old, selection):
                        self._keep(folder, old)
                with atomic_write(path) as part:
                    for line in self._lines(folder):
                        part.write(line)
            path.with_name(NOTE).unlink(missing_ok=True)
            self._query("DELETE FROM entry WHERE folder=?", folder)

    def _lines(self, folder: str) -> Iterator[bytes]:
        """The lines of a manifest."""
        sql = "SELECT record FROM entry WHERE folder=? ORDER BY local, member"
        for (text,) in self._db.rows(sql, (folder,)):
            yield f"{text}\n".encode()

    def _is_written(self, path: Path, folder: str) -> bool:
        """Whether the manifest has these lines and no others, as after a run that found all."""
        try:
            with path.open("rb") as file:
                pairs = itertools.zip_longest(file, self._lines(folder))
                return all(old == new for old, new in pairs)
        except OSError:
            return False

    def _keep(self, folder: str, old: Record) -> None:
        """Keep an entry of an earlier run, or what it knows that this run did not compute."""
        key = _key(folder, old)
        same = "folder=? AND local=? AND member=?"
        found = self._query(f"SELECT size, digest, record FROM entry WHERE {same}", *key)
        if not found:
            facts = old.get("size"), old.get("digest"), json.dumps(old)
            self._query("INSERT INTO entry VALUES (?,?,?,?,?,?)", *key, *facts)
            return
        size, digest, text = found[0]
        if digest is None and size == old.get("size") and old.get("digest"):
            merged = json.dumps({**json.loads(text), "digest": old["digest"]})
            self._query(f"UPDATE entry SET record=? WHERE {same}", merged, *key)

    def _query(self, sql: str, *values: object) -> list[Any]:
        return list(self._db.rows(sql, values))


def entries(path: Path, *, strict: bool = False) -> Iterator[Record]:
    """The entries of a manifest, those that can be read; none where there is no manifest.

    With `strict` that is an error, and an IntegrityError is raised for a line that cannot. One
    that cannot be opened always is: what it tells would be lost when it is written anew.
    """
    try:
        refuse_special(path)
        file = path.open("rb")
    except OSError as error:
        if strict or not isinstance(error, FileNotFoundError | NotADirectoryError):
            raise explain(error) from error
        return
    with file:
        for number, line in enumerate(file, 1):
            try:
                record = json.loads(line)
                local = record["local_path"]
                if b"\\ud" in line.lower():
                    # Half of a character: neither a database nor a disk takes it.
                    json.dumps(record, ensure_ascii=False).encode()
            except (ValueError, KeyError, TypeError, RecursionError):
                local = None
            if isinstance(local, str) and all(map(_is_plain, (record.get(k) for k in _FACTS))):
                yield record
            elif strict:
                raise IntegrityError(f"{path}: line {number} is not the record of a file")


def _is_plain(value: object) -> bool:
    """Whether a database takes it."""
    return abs(value) < 1 << 63 if isinstance(value, int) else isinstance(value, str | None)


def _first(path: Path) -> Record | None:
    """The first entry of a manifest, or of the note beside it."""
    return next(itertools.chain(entries(path), entries(path.with_name(NOTE))), None)


def _vacate(folder: Path) -> None:
    """Remove the note from a folder that has got no file."""
    # Where something cannot be looked at there may be files.
    with contextlib.suppress(OSError):
        if all({*names} <= {NOTE} for *_, names in os.walk(folder, onerror=unreadable)):
            (folder / NOTE).unlink()


def _identity(place: Place) -> tuple[str, str, str | None]:
    """What a folder is of: the level, the key of an entry that tells it, and the ID."""
    if place.level == "project":
        return "project", "project", place.project
    if place.level == "subject":
        return "subject", "subject_id", place.subject_id
    return "session", "session_id", place.session_id


def _entry(server: str, group: Group, file: File, local: str, **facts: Any) -> Record:
    digest = file.digest or file.md5
    record = file_record(server, group, file.path, file.size, digest)
    unverifiable = {"unverifiable": True} if file.digest is None else {}
    return {**record, **unverifiable, "local_path": local, **facts}


def _key(folder: str, entry: Record) -> tuple[str, str, str]:
    """Two files can have one name in an archive, so there the URI belongs to it."""
    member = f"{entry['member']}\n{entry.get('uri')}" if "member" in entry else ""
    return folder, str(entry["local_path"]), member


def _is_outdated(folder: Path, entry: Record, selection: Selection | None) -> bool:
    """Whether an entry is of a file that the server no longer lists, nor is it here any more."""
    if selection is None or not selection.covers(entry):
        return False
    try:
        os.lstat(folder / entry["local_path"])
    except (OSError, ValueError) as error:
        # Where the disk does not tell, the only record of a file must not go.
        return isinstance(error, FileNotFoundError | NotADirectoryError)
    return False


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Two runs that end at the same time must not lose each other's entries."""
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY) if os.name == "posix" else -1
    try:
        if descriptor >= 0:
            import fcntl

            with contextlib.suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        if descriptor >= 0:
            os.close(descriptor)
