"""Kept archives, unpacked to where their files belong."""

from __future__ import annotations

import os
import re
import stat
import time
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from xnat_core.archive.local import DAMAGE
from xnat_core.archive.paths import CaseCollisions, is_case_insensitive
from xnat_core.dicom_files import is_other
from xnat_core.errors import DownloadError, IntegrityError, PathValidationError, explain
from xnat_core.files import BLOCK, md5_of, unreadable
from xnat_core.parallel import check_stop
from xnat_core.records import Record, done, planned
from xnat_download.audit import is_data, what_is_in
from xnat_download.disk import Tree, is_there, size_on_disk
from xnat_download.manifest import NAME, Manifests, entries
from xnat_download.members import read_name, scan_candidates
from xnat_download.partial import Partial
from xnat_download.trouble import disk_errors

if TYPE_CHECKING:
    from xnat_download.archives import Archive
    from xnat_download.download import Download

_UNIX = 3
_CALLED = re.compile(r"(scans|resources)(_.+)?\.zip", re.DOTALL)
_BELOW = ("scans", "assessors", "reconstructions")


def unpack_known(download: Download, archive: Archive) -> None:
    """Unpack an archive whose entries have been matched with the listing."""
    verify = download.engine.options.verify
    with _opened(archive.final) as opened:
        named: dict[str, list[zipfile.ZipInfo]] = {}
        for info in opened.infolist():
            named.setdefault(info.filename, []).append(info)
        for group in archive.groups:
            for file in download.inventory.files(group.number):
                path = download.engine.tree.path_of(group, file)
                # An archive that was read just now tells the bytes also where the server does not.
                digest = file.digest or file.md5
                read = file.md5 is not None
                there = is_there(path, replace(file, digest=digest), verify=verify or read)[0]
                if file.member is None or there:
                    continue
                _unpack(opened, _pick(opened, named[file.member], digest), path, digest)


def downloads_in(folder: Path, *, recursive: bool) -> Iterator[Path]:
    """The archives in a folder that a download has left there."""
    for place, folders, files in os.walk(folder, onerror=unreadable):
        here = Path(place)
        folders[:] = sorted(name for name in folders if recursive and not is_data(here / name))
        for name in sorted(files):
            if name.lower().endswith(".zip") and _is_download(here / name):
                yield here / name


def _is_download(path: Path) -> bool:
    """Whether all entries are files of resources, named as the server names them.

    What cannot be read is one if a download has noted it, or calls its archives so.
    """
    if is_other(path):
        # Whoever reads from a pipe waits for somebody to write.
        return False
    try:
        with zipfile.ZipFile(path) as opened:
            names = [info.filename for info in opened.infolist() if not info.is_dir()]
    except (OSError, *DAMAGE):
        noted = (entry["local_path"] for entry in entries(path.parent / NAME))
        return _CALLED.fullmatch(path.name) is not None or path.name in noted
    return bool(names) and all(read_name(name) is not None for name in names)


def unpack(archive: Path, record: Record, *, cleanup: bool, dry_run: bool) -> Record:
    """Unpack an archive beside itself; it is removed when all of it is on disk.

    Raises PathValidationError for entries that lead out, links, and names that collide, and
    DownloadError for files of something else in their place; nothing has been written then.
    """
    begun = time.monotonic()
    tree = Tree(archive.parent)
    with _opened(archive) as opened:
        infos = [info for info in opened.infolist() if not info.is_dir()]
        known = _known(archive, opened, infos)
        targets = _targets(tree, infos, known)
        _require_no_loss(archive, opened, tree, zip(infos, targets, strict=True), known)
        size = sum(info.file_size for info in infos)
        facts = {"files": len(infos), "bytes": size}
        if dry_run:
            return planned(record, **facts)
        for info, target in zip(infos, targets, strict=True):
            digest = known.get(info.header_offset, {}).get("digest")
            _unpack(opened, info, tree.path(target), digest)
    _note(tree, infos, targets, known)
    if cleanup:
        if hasattr(os, "sync"):
            # Or a power failure may leave neither; once for all, since each file takes its time.
            os.sync()
        with disk_errors(archive):
            archive.unlink()
        # Not before the archive is gone: only its entries tell for sure where each file belongs.
        if known:
            Manifests(tree, None).drop(archive.name)
    return done(record, **facts, seconds=round(time.monotonic() - begun, 3))


def _pick(
    opened: zipfile.ZipFile, alike: list[zipfile.ZipInfo], digest: str | None
) -> zipfile.ZipInfo:
    """Among the entries of one name the one with that MD5.

    Two files of a resource can have one name in the server's archive, see `members`.
    """
    if len(alike) > 1 and digest is not None:
        return next((info for info in alike if what_is_in(opened, info)[1] == digest), alike[0])
    return alike[0]


def _known(
    archive: Path, opened: zipfile.ZipFile, infos: list[zipfile.ZipInfo]
) -> dict[int, Record]:
    """What the manifest says of the entries, by their offset."""
    by_name: dict[str, list[Record]] = {}
    for entry in entries(archive.parent / NAME):
        if entry.get("member") and entry["local_path"] == archive.name:
            by_name.setdefault(str(entry["member"]), []).append(entry)
    known = {}
    for info in infos:
        candidates = by_name.get(info.filename, [])
        if len(candidates) > 1:
            _, md5 = what_is_in(opened, info)
            candidates = [entry for entry in candidates if entry.get("digest") == md5]
        if candidates:
            known[info.header_offset] = candidates[0]
    return known


def _targets(tree: Tree, infos: list[zipfile.ZipInfo], known: dict[int, Record]) -> list[str]:
    """Where each entry goes; all are looked at before any is written."""
    names = CaseCollisions(fold=is_case_insensitive(tree.out))
    targets = []
    for info in infos:
        if info.create_system == _UNIX and stat.S_ISLNK(info.external_attr >> 16):
            raise PathValidationError(info.filename, "a link in the archive")
        tree.path(info.filename)
        target = _target(info.filename, known.get(info.header_offset))
        tree.path(target)
        if (other := names.add(target)) is not None:
            raise PathValidationError(info.filename, f"two entries would be {other}")
        targets.append(target)
    return targets


def _require_no_loss(
    archive: Path,
    opened: zipfile.ZipFile,
    tree: Tree,
    targets: Iterable[tuple[zipfile.ZipInfo, str]],
    known: dict[int, Record],
) -> None:
    """Raise DownloadError when a file would be replaced that may be of another session: without
    their top folders archives of several have the same paths. The manifest tells its own; what is
    younger than the archive it does not tell from an older state."""
    when = archive.stat().st_mtime_ns
    for info, target in targets:
        path = tree.path(target)
        size = size_on_disk(str(path))
        if size is None or (info.header_offset in known and path.stat().st_mtime_ns <= when):
            continue
        noted = known.get(info.header_offset, {}).get("digest")
        if size != info.file_size or md5_of(path) != (noted or what_is_in(opened, info)[1]):
            raise DownloadError(
                f"{path} holds other bytes than {info.filename}: move it or the archive away"
            )


def _target(name: str, entry: Record | None) -> str:
    """The path of an entry beside its archive: as a download without an archive lays it out.

    The manifest knows the scan and the path exactly; without one the scan is what stands before the
    last dash, where a type follows it.
    """
    parts = name.split("/")
    index = next(i for i in range(len(parts)) if parts[i : i + 3 : 2] == ["resources", "files"])
    above, inside = parts[:index], parts[index:]
    below = next((i for i, part in enumerate(above) if part in _BELOW and i + 1 < len(above)), None)
    if entry is not None:
        inside[3:] = str(entry["path"]).split("/")
    if below is None:
        return "/".join(inside)
    level, owner, *direction = above[below:]
    if level == "scans":
        owner = str(entry["scan"]) if entry is not None else scan_candidates(owner)[0]
    return "/".join((level, owner, *(part for part in direction if part == "in"), *inside))


def _note(
    tree: Tree, infos: list[zipfile.ZipInfo], targets: list[str], known: dict[int, Record]
) -> None:
    """Add the files to the manifest."""
    manifests = Manifests(tree, None)
    for info, target in zip(infos, targets, strict=True):
        if info.header_offset in known:
            entry = {**known[info.header_offset], "local_path": target}
            entry.pop("member")
            manifests.insert("", entry)
    manifests.write()


def _unpack(opened: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path, digest: str | None) -> None:
    """Write one entry, unless it is there; its checksum is looked at on the way."""
    there = not path.is_symlink() and path.is_file() and path.stat().st_size == info.file_size
    if there and digest is not None and md5_of(path) == digest:
        return
    partial = Partial(path)
    try:
        with opened.open(info) as content:
            while block := content.read(BLOCK):
                check_stop()
                partial.write(block)
        partial.check(info.file_size, digest)
        partial.accept()
    finally:
        partial.discard()


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as opened:
            yield opened
    except (KeyError, *DAMAGE) as error:
        raise IntegrityError(f"{path}: damaged: {error}") from error
    except OSError as error:
        raise explain(error) from error
