"""The server's archives, kept as they are: `--zip`.

All or nothing: an archive gets its final name when its central directory and checksums are right
and every file that the server lists is in it, with the listed size and digest.

    SESSION/scans.zip                       all the wanted scans
    SESSION/resources_LABEL.zip             a resource of the session
    SESSION/assessors_NAME_LABEL.zip        a resource of an assessor; reconstructions_… likewise
    SESSION/assessors_NAME_in_LABEL.zip     what went into it
    SESSION/scans_ID.zip, scans_ID_LABEL.zip    where a record names the scan, or its resource

One that is there counts by the manifest beside it; one of other scans is not replaced.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from xnat_core.dicom_files import is_other
from xnat_core.errors import DownloadError, IntegrityError, XNATCtlError
from xnat_core.http.retries import pause
from xnat_core.parallel import check_stop, rest
from xnat_core.presence import exists
from xnat_core.services.base import document, fields
from xnat_core.urls import path
from xnat_download.contents import Contents, stranger_in
from xnat_download.counts import Counts
from xnat_download.inventory import THERE, Group
from xnat_download.manifest import NAME, entries
from xnat_download.partial import Partial, remove_left_of
from xnat_download.places import Place, component
from xnat_download.trouble import DiskError, Interrupted

if TYPE_CHECKING:
    from xnat_download.crew import Work
    from xnat_download.download import Download

# An archive cannot be taken up in the middle: more attempts than these are no help.
ATTEMPTS = 3
_ADVICE = "another --out keeps them apart"


@dataclass(frozen=True)
class Archive:
    """One request, and the file that its answer becomes."""

    uri: str
    final: Path
    groups: tuple[Group, ...]


def fetch_archives(download: Download) -> list[Work]:
    """The steps that fetch the archives of an object."""
    archives = list(_archives(download))
    download.engine.progress.expect(bytes=download.inventory.total()[1])
    return [download.step(partial(_fetch, download, archive)) for archive in archives]


def _archives(download: Download) -> Iterable[Archive]:
    groups = download.inventory.groups
    top = download.engine.options.out / download.folder
    where = download.engine.options.archive_path
    kind = download.record["kind"]
    scans = [group for group in groups if group.place.level == "scan"]
    if kind in ("session", "scan") and scans:
        name = "scans.zip" if kind == "session" else f"scans_{_part(scans[0].place.owner)}.zip"
        whose = "the scans" if kind == "session" else f"scan {scans[0].place.owner}"
        yield _archive(download, _of_scans(download, scans), where or top / name, scans, whose)
    for group in groups:
        if kind == "resource" or group.place.level != "scan":
            final = where or top / f"{_stem(group)}.zip"
            whose = (
                f"resource {group.label} of {group.place.level} {group.place.owner or ''}".strip()
            )
            yield _archive(download, f"{group.archive_uri}/files", final, [group], whose)


def _archive(download: Download, uri: str, final: Path, groups: list[Group], whose: str) -> Archive:
    if download.record["kind"] != "session":
        download.path = str(final)
    if download.engine.options.archive_path is None:
        # An underscore is no end of an ID: scan 1 with A_B would be scan 1_A with B.
        name = f"{download.folder}/{final.name}"
        download.engine.tree.claim(name, whose, _ADVICE, on_any_disk=False)
        for group in groups:
            download.archives[group.number] = final.name
    return Archive(uri, final, tuple(groups))


def _of_scans(download: Download, scans: list[Group]) -> str:
    """The request for the wanted scans, and of these the wanted resources, in one archive."""
    session = scans[0].place.session_id or ""
    selection = download.engine.options.selection
    ids = dict.fromkeys(group.place.owner or "" for group in scans)
    every = download.record["kind"] == "session" and selection.scans is None
    where = path("data", "experiments", session, "scans", "ALL" if every else ",".join(ids))
    if selection.narrows_resources:
        labels = dict.fromkeys(group.archive_uri.rpartition("/")[2] for group in scans)
        where += f"/resources/{','.join(labels)}"
    return f"{where}/files"


def _stem(group: Group) -> str:
    place, label = group.place, _part(group.label)
    if place.level in ("session", "project", "subject"):
        return f"resources_{label}"
    side = "in_" if place.direction == "in" else ""
    return f"{place.level}s_{_part(place.owner)}_{side}{label}"


def _part(text: str | None) -> str:
    return component(text, "archive")


def _fetch(download: Download, archive: Archive) -> Iterable[Work]:
    options = download.engine.options
    there = _is_there(download, archive)
    if not there:
        download.begin()
    if options.dry_run:
        for group in archive.groups if not there else ():
            files, size = download.inventory.total(group.number)
            download.add(Counts(files=files, bytes=size))
        return ()
    if not there:
        _require_no_loss(download, archive)
        _bring(download, archive)
    if options.unpack:
        from xnat_download.unpacking import unpack_known

        unpack_known(download, archive)
    return ()


def _bring(download: Download, archive: Archive) -> None:
    remove_left_of(archive.final)
    for attempt in range(ATTEMPTS):
        check_stop()
        partial = Partial(archive.final)
        try:
            _receive(download, archive, partial)
            break
        except (Interrupted, IntegrityError) as error:
            download.engine.progress.advance(bytes=-partial.size)
            if attempt + 1 == ATTEMPTS:
                raise error.error if isinstance(error, Interrupted) else error from None
            rest(pause(attempt, None))
        finally:
            partial.discard()


def _receive(download: Download, archive: Archive, partial: Partial) -> None:
    """Take the archive in, looking at its contents while it passes."""
    contents = Contents(download, archive.groups)
    about = ("archive", archive.final.name)
    began = False
    try:
        with download.client.stream(archive.uri, params={"format": "zip"}, about=about) as answer:
            began = True

            def passing() -> Iterable[bytes]:
                for block in answer.blocks(unpack=bool(answer.compression)):
                    partial.write(block)
                    download.engine.progress.advance(bytes=len(block))
                    yield block

            contents.read(passing())
    except (DiskError, IntegrityError):
        raise
    except XNATCtlError as error:
        if not began:
            raise
        raise Interrupted(error) from error
    contents.require_all(archive.final)
    partial.accept()
    contents.count(bytes=partial.size)


def _require_archive(path: Path) -> None:
    """Raise DownloadError for a file that does not even begin as an archive."""
    if not path.is_file():
        return
    with suppress(OSError), path.open("rb") as file:
        if file.read(2) in (b"", b"PK"):
            return
    raise DownloadError(f"{path} is no archive: move it away, or name another file")


def _require_no_loss(download: Download, archive: Archive) -> None:
    """Raise DownloadError when an archive of other scans or resources would be replaced, or what is
    no archive."""
    options = download.engine.options
    if not exists(archive.final):
        return
    if is_other(archive.final):
        # For root, a file would come into the place of `/dev/null`.
        raise DownloadError(f"{archive.final} is a device or a pipe: name another file")
    if options.archive_is_named:
        _require_archive(archive.final)
        return
    wanted = {(group.place.scan, group.label) for group in archive.groups}
    place, kind = archive.groups[0].place, download.record["kind"]
    is_noted = False
    for entry in entries(archive.final.parent / NAME) if options.archive_path is None else ():
        if entry["local_path"] != archive.final.name:
            continue
        is_noted = True
        scan, label = entry.get("scan"), entry.get("resource")
        of_scans = place.level == "scan" and kind != "resource"
        is_of_these = of_scans and (kind == "session" or scan == place.scan)
        if (scan, label) not in wanted and not (is_of_these and options.selection.covers(entry)):
            raise DownloadError(
                f"{archive.final} holds {label} of scan {scan}, which would be lost: move it away, "
                "or use another --out"
            )
    if is_noted:
        return
    _require_archive(archive.final)
    stranger = stranger_in(archive.final, archive.groups)
    if stranger is not None and (label := _own_label(download, place)) is not None:
        stranger = stranger_in(archive.final, archive.groups, label)
    if stranger is not None:
        raise DownloadError(
            f"{archive.final} is another archive, {stranger} is in it: move it away, or name "
            "another file or folder"
        )


def _own_label(download: Download, place: Place) -> str | None:
    """The label of the session in its own project, by which the server names the members."""
    if place.session_id is None:
        return None
    where = path("data", "experiments", place.session_id)
    item = document(download.client, where, ("session", place.session_id))
    return str(fields(item or {}).get("label") or "") or None


def _is_there(download: Download, archive: Archive) -> bool:
    """Whether the archive on disk is one of these files.

    By the manifest beside it; with verify, and where that does not say so, by all its bytes.
    """
    contents = Contents(download, archive.groups, by_digest=True)
    try:
        if not archive.final.is_file() or archive.final.is_symlink():
            return False
        if download.engine.options.verify or not contents.is_noted(archive.final):
            contents.forget()
            with archive.final.open("rb") as file:
                contents.read(file)
            contents.require_all(archive.final)
    except (XNATCtlError, OSError):
        contents.forget()
        return False
    contents.count(state=THERE)
    return True
