"""The files of one resource: what is there stays, the rest comes by archive or one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from xnat_core.archive_forms import NoArchive
from xnat_core.errors import (
    ClientRequestError,
    ResourceNotFoundError,
    ServerError,
    XNATCtlError,
)
from xnat_core.http.retries import pause
from xnat_core.parallel import check_stop, rest
from xnat_download.counts import Counts
from xnat_download.disk import is_there
from xnat_download.inventory import MISSING, File, Group
from xnat_download.leftovers import LeftOfResource
from xnat_download.single import fetch_one
from xnat_download.streams import receive
from xnat_download.trouble import Interrupted

if TYPE_CHECKING:
    from pathlib import Path

    from xnat_download.crew import Work
    from xnat_download.download import Download
    from xnat_download.engine import Engine

# A request for one file costs as much time as this many bytes of an archive that is streaming; see
# docs/design/download.md for the measurement. So many files are asked for singly that the requests
# cost less than streaming again what is there.
REQUEST_WORTH = 1 << 20
# A server takes longer to begin an archive than a file.
FEW = 8
_FILES_A_STEP = 64


def fetch_group(download: Download, group: Group) -> Iterable[Work]:
    """Compare a resource with the disk, then fetch what is missing; gives the steps that are left.

    A stream that breaks off is taken again as long as each attempt brings a file; after that, and
    when it has passed and something is still missing, files are asked for one by one.
    """
    look(download, group)
    if download.engine.options.dry_run:
        return []
    while (left := _left(download, group))[0]:
        download.begin()
        if not (_by_archive(download, group, *left) and _goes_on(download, group, left[0])):
            return singles(download, group)
    return []


def _goes_on(download: Download, group: Group, missing: int) -> bool:
    """Take the archive once; gives whether another attempt may bring what is missing then."""
    proven = download.inventory.has_digests(group.number)
    try:
        download.client.archive_forms.take(
            lambda form: receive(download, group, form), has_digests=proven
        )
    except (NoArchive, ClientRequestError, ResourceNotFoundError, ServerError):
        return False
    except Interrupted:
        if _left(download, group)[0] == missing:
            return False
        rest(pause(0, None))
        return True
    return False


def look(download: Download, group: Group) -> None:
    """Note which files of a resource are on disk, and clean up after runs that were killed."""
    inventory, engine = download.inventory, download.engine
    dry_run = engine.options.dry_run
    folder = download.folder_of(group)
    is_shared = download.one_by_one or engine.options.template is not None
    left = LeftOfResource(engine.tree.out / folder, engine.leftovers if is_shared else None)
    for file in inventory.files(group.number):
        check_stop()
        try:
            name = engine.tree.name_of(group, file)
            path = engine.tree.path(name)
            left.look(path)
            there, md5 = _compared(engine, file, path, name, folder)
        except XNATCtlError as error:
            download.lost(group, file, error)
            continue
        if there:
            download.is_there(group, file, md5)
            engine.progress.expect(bytes=-(file.size or 0))
        elif dry_run:
            download.begin()
            download.add(Counts(files=1, bytes=file.size or 0))
        elif left.claim(path, file):
            inventory.mark_part(file.id)
    if not dry_run:
        left.remove()


def _compared(
    engine: Engine, file: File, path: Path, name: str, folder: str
) -> tuple[bool, str | None]:
    """Whether a file is on disk as the server lists it, and its MD5 if that was computed."""
    # A file that nothing tells the origin of may be any session's.
    known = engine.options.template is None or engine.names.is_from_before(name)
    there, md5 = is_there(path, file, verify=engine.options.verify or not known)
    if there and md5 is None and file.digest not in (None, engine.noted.digest(folder, name)):
        # It may be an older state of the same size; or its run did not come to note it.
        there, md5 = is_there(path, file, verify=True)
    return there and (known or file.digest is not None), md5


def _left(download: Download, group: Group) -> tuple[int, int]:
    return download.inventory.total(group.number, MISSING)


def _by_archive(download: Download, group: Group, files: int, missing_bytes: int) -> bool:
    """Whether streaming the whole resource costs less than a request for each missing file."""
    if download.one_by_one:
        return False
    all_files, all_bytes = download.inventory.total(group.number)
    unwanted_files, unwanted_bytes = download.unwanted(group)
    if files == all_files and not unwanted_files:
        return True
    in_vain = all_bytes - missing_bytes + unwanted_bytes
    return files > max(FEW, in_vain // REQUEST_WORTH)


def singles(download: Download, group: Group) -> Iterator[Work]:
    """Steps that fetch the missing files one by one, some files each."""
    inventory = download.inventory
    ids: list[int] = []
    count = inventory.total(group.number, MISSING)[0]
    at_once = max(1, min(_FILES_A_STEP, count // (2 * download.engine.options.workers)))
    for file in inventory.files(group.number, MISSING):
        ids.append(file.id)
        if len(ids) == at_once:
            yield _singles(download, group, ids)
            ids = []
    if ids:
        yield _singles(download, group, ids)


def _singles(download: Download, group: Group, ids: list[int]) -> Work:
    def fetch() -> Iterable[Work]:
        for id in download.engine.bounds.in_time(ids):
            fetch_one(download, group, download.inventory.get(id))
        return ()

    return download.step(fetch)
