"""A folder against its manifest."""

from __future__ import annotations

import itertools
import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xnat_core.archive.local import DAMAGE
from xnat_core.archive.paths import safe_join
from xnat_core.errors import IntegrityError, XNATCtlError, explain
from xnat_core.files import md5_of, size_and_md5, unreadable
from xnat_core.parallel import bounded_map, check_stop
from xnat_core.records import Record, done, failed
from xnat_core.wording import counted
from xnat_download.manifest import NAME, NOTE, entries
from xnat_download.partial import PART
from xnat_download.scratch import scratch

_SESSION = ("server", "project", "subject", "subject_id", "session_id")


@dataclass(frozen=True)
class _Batch:
    """The entries of one local file: one, or all members of an archive."""

    folder: Path
    entries: list[Record]


@dataclass
class _Finding:
    problems: list[tuple[Record, XNATCtlError]]
    files: int = 0
    bytes: int = 0
    verified: int = 0


def manifests_below(folder: Path) -> Iterator[Path]:
    """The manifests in and below a folder, not those that were downloaded as data."""
    for place, folders, files in os.walk(folder, onerror=unreadable):
        if not is_data(Path(place)):
            folders[:] = sorted(name for name in folders if not is_data(Path(place, name)))
        if NAME in files:
            yield Path(place, NAME)


def is_data(folder: Path) -> bool:
    """Whether what is in a folder is the content of a resource."""
    return folder.name == "files" and folder.parent.parent.name == "resources"


def audit_manifest(manifest: Path, workers: int) -> Iterator[Record]:
    """A failed record for everything that differs, and a record of the whole at the end."""
    total = _Finding([])
    failures = 0
    known = Known()
    whole: Record = {"kind": "session", "path": str(manifest.parent)}
    error: XNATCtlError | None = None
    try:
        for outcome in bounded_map(_look, _batches(manifest, known), workers=workers):
            found = outcome.result()
            total.files += found.files
            total.bytes += found.bytes
            total.verified += found.verified
            for entry, problem in found.problems:
                failures += 1
                yield failed(_named(manifest, entry), problem)
    except IntegrityError as broken:
        error = broken
    unread: list[OSError] = []
    for surplus in _surplus(manifest.parent, known, unread):
        failures += 1
        problem = IntegrityError(f"{surplus}: not in the manifest")
        yield failed({"kind": "file", "local_path": str(surplus)}, problem)
    for closed in unread:
        failures += 1
        yield failed({"kind": "file", "local_path": str(closed.filename)}, explain(closed))
    if not (total.files or failures or error):
        error = IntegrityError(f"{manifest}: empty: nothing to check by")
    whole = {**_session(known.first), **whole}
    facts = {"files": total.files, "bytes": total.bytes, "verified": total.verified}
    if failures and error is None:
        error = IntegrityError(
            f"{manifest.parent}: {counted(failures, 'difference')} from its manifest"
        )
    yield failed(whole, error, **facts) if error is not None else done(whole, **facts)


class Known:
    """The local paths of a manifest, and its first entry."""

    def __init__(self) -> None:
        self.first: Record = {}
        self._db = scratch("CREATE TABLE known (local TEXT PRIMARY KEY) WITHOUT ROWID;")

    def add(self, entry: Record) -> None:
        self.first = self.first or entry
        local = _text(entry["local_path"])
        self._db.execute("INSERT OR IGNORE INTO known VALUES (?)", (local,))

    def has(self, local: str) -> bool:
        sql = "SELECT 1 FROM known WHERE local=?"
        return self._db.row(sql, (_text(local),)) is not None


def _text(name: str) -> str:
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _batches(manifest: Path, known: Known) -> Iterator[_Batch]:
    def noted() -> Iterator[Record]:
        for entry in entries(manifest, strict=True):
            known.add(entry)
            yield entry

    for _, group in itertools.groupby(noted(), key=lambda entry: str(entry["local_path"])):
        yield _Batch(manifest.parent, list(group))


def _look(batch: _Batch) -> _Finding:
    finding = _Finding([])
    first = batch.entries[0]
    try:
        path = safe_join(batch.folder, first["local_path"])
        if not path.is_file() or path.is_symlink():
            raise IntegrityError(f"{path}: missing")
        if "member" in first:
            _look_inside(path, batch.entries, finding)
        else:
            _look_at(path, first, finding)
    except OSError as error:
        finding.problems += [(entry, explain(error)) for entry in batch.entries]
    except XNATCtlError as error:
        finding.problems += [(entry, error) for entry in batch.entries]
    return finding


def _look_at(path: Path, entry: Record, finding: _Finding) -> None:
    check_stop()
    size = path.stat().st_size
    digest = entry.get("digest")
    _compare(path, "size", entry.get("size"), size)
    _compare(path, "MD5", digest, md5_of(path) if digest else None)
    finding.files += 1
    finding.bytes += size
    finding.verified += bool(digest)


def _look_inside(path: Path, wanted: list[Record], finding: _Finding) -> None:
    """Read an archive once; entries of one name are told apart by their MD5."""
    left: dict[str, list[Record]] = {}
    for entry in wanted:
        left.setdefault(str(entry["member"]), []).append(entry)
    wrong: dict[str, str] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                candidates = left.get(info.filename, [])
                if not candidates:
                    continue
                size, md5 = what_is_in(archive, info)
                right = [e for e in candidates if e.get("digest", md5) == md5]
                right = [e for e in right if e.get("size", size) == size]
                if right:
                    candidates.remove(right[0])
                    finding.files += 1
                    finding.bytes += size
                    finding.verified += "digest" in right[0]
                else:
                    wrong[info.filename] = f"size {size}, MD5 {md5}"
    except DAMAGE as error:
        raise IntegrityError(f"{path}: damaged: {error}") from error
    for name, lost in left.items():
        how = f"changed, has {wrong[name]}" if name in wrong else "missing"
        problem = IntegrityError(f"{path}: {name}: {how}")
        finding.problems += [(entry, problem) for entry in lost]


def what_is_in(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> tuple[int, str]:
    """Size and MD5 that an entry really has. Raises what `zipfile` does for a damaged one."""
    with archive.open(info) as file:
        return size_and_md5(file)


def _compare(path: Path, what: str, expected: Any, actual: Any) -> None:
    if expected is not None and expected != actual:
        raise IntegrityError(f"{path}: {what} should be {expected}, is {actual}")


def _surplus(folder: Path, known: Known, unread: list[OSError]) -> Iterator[Path]:
    """What is there besides; folders that cannot be looked into are `unread`."""
    for place, folders, files in os.walk(folder, onerror=unread.append):
        here = Path(place)
        # A folder with a manifest of its own is audited by that one.
        if "files" not in here.relative_to(folder).parts:
            folders[:] = sorted(
                name
                for name in folders
                if is_data(here / name) or not (here / name / NAME).is_file()
            )
        for name in sorted(files):
            local = (here / name).relative_to(folder).as_posix()
            if local not in (NAME, NOTE) and not PART.fullmatch(name) and not known.has(local):
                yield here / name


def _session(first: Record) -> Record:
    """What the entries of a manifest have in common."""
    known = {key: first[key] for key in _SESSION if key in first}
    if "session" in first:
        known["label"] = first["session"]
    if "session_id" in known:
        known["id"] = known.pop("session_id")
    order = ("kind", "server", "id", "label", "project", "subject", "subject_id")
    known["kind"] = "session"
    return {key: known[key] for key in order if key in known}


def _named(manifest: Path, entry: Record) -> Record:
    return {**entry, "local_path": str(manifest.parent / entry["local_path"])}
