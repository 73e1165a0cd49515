"""A resource as one archive, unpacked while it arrives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xnat_core.archive import ArchiveMember
from xnat_core.archive.paths import safe_join
from xnat_core.archive_forms import NoArchive
from xnat_core.behind import Behind
from xnat_core.bounds import BoundReached
from xnat_core.errors import IntegrityError, PathValidationError, XNATCtlError
from xnat_core.parallel import Stopped, check_stop
from xnat_core.services.resource_archive import blocks_of_archive, members_of
from xnat_download.inventory import MISSING, File, Group
from xnat_download.members import (
    MemberName,
    is_of_another_scan,
    labels_in,
    originals,
    read_name,
)
from xnat_download.partial import Partial, remove_left_of
from xnat_download.trouble import DiskError, Interrupted, disk_errors, stops_the_run

if TYPE_CHECKING:
    from xnat_download.download import Download


def receive(download: Download, group: Group, format: str) -> None:
    """Take the archive of a resource; every file that it brings whole and right is in its place.

    Raises Interrupted when it did not come to its end, NoArchive, BoundReached between two members,
    and what the request raised.
    """
    where, about = f"{group.archive_uri}/files", ("resource", group.label)
    began = False
    try:
        with download.client.stream(where, params={"format": format}, about=about) as answer:
            began = True
            with download.engine.streaming(), Behind() as behind:
                receiver = _Receiver(download, group, behind)
                members = members_of(blocks_of_archive(answer))
                for member in download.engine.bounds.in_time(members):
                    check_stop()
                    receiver.take(member)
    except (BoundReached, DiskError, NoArchive, Stopped):
        raise
    except XNATCtlError as error:
        if not began:
            raise
        raise Interrupted(error) from error


class _Receiver:
    """Takes the members of one archive.

    What follows the last byte of a file, its MD5 and its final name, is done `behind`, while the
    bytes of the next one come.
    """

    def __init__(self, download: Download, group: Group, behind: Behind) -> None:
        self._download = download
        self._group = group
        self._behind = behind
        self._open: set[int] = set()

    def take(self, member: ArchiveMember) -> None:
        """Write a member if it is a file that is missing; refuse what was not listed."""
        download, group = self._download, self._group
        if member.kind == "directory":
            return
        name = read_name(member.name)
        found = _meant(download, group, name, member.size) if name is not None else []
        if member.kind != "file" or name is None or not found:
            if not found:
                _refuse(download, group, member)
            return
        if len(found) > 1 or found[0].id in self._open:
            # What became of these files decides.
            self._behind.wait()
            found = _meant(download, group, name, member.size)
        wanted = [file for file in found if file.state == MISSING]
        try:
            if len(wanted) == 1 == len(found):
                self._write(wanted[0], member)
            elif wanted and all(file.digest for file in found):
                self._write_and_see(wanted, member)
        except (DiskError, PathValidationError) as error:
            self._lose(wanted[0], error)

    def _write(self, file: File, member: ArchiveMember) -> None:
        """Write a file; one that is not the listed one is left to a request of its own."""
        download = self._download
        behind = self._behind if download.engine.hashes_behind(member.size) else None
        partial = Partial(download.engine.tree.path_of(self._group, file), behind=behind)
        try:
            self._copy(member, partial)
            if behind is not None:
                self._open.add(file.id)
                behind.do(self._accept, file, partial)
            else:
                self._accept(file, partial)
        except DiskError:
            partial.discard()
            raise
        except BaseException:
            # The stream broke off in it: what came is worth something. First of all let go of it:
            # the progress may be told to a function that raises.
            partial.leave(provable=file.digest is not None)
            download.engine.progress.advance(bytes=-partial.size)
            if file.digest is not None:
                download.inventory.mark_part(file.id)
            raise

    def _accept(self, file: File, partial: Partial) -> None:
        download = self._download
        try:
            download.fetched(self._group, file, partial)
        except IntegrityError:
            download.engine.progress.advance(bytes=-partial.size)
        except DiskError as error:
            self._lose(file, error)
        else:
            if file.part:
                remove_left_of(partial.final)
        finally:
            partial.discard()

    def _write_and_see(self, files: list[File], member: ArchiveMember) -> None:
        """The member can be one of several files of its size: its MD5 tells which."""
        download, group = self._download, self._group
        partial = Partial(download.engine.tree.path_of(group, files[0]))
        try:
            self._copy(member, partial)
            for file in files:
                if file.digest == partial.md5 and file.size in (None, partial.size):
                    partial.final = download.engine.tree.path_of(group, file)
                    with disk_errors(partial.final):
                        partial.final.parent.mkdir(parents=True, exist_ok=True)
                    download.fetched(group, file, partial)
                    return
            download.engine.progress.advance(bytes=-partial.size)
        finally:
            partial.discard()

    def _copy(self, member: ArchiveMember, partial: Partial) -> None:
        for block in member.blocks():
            check_stop()
            partial.write(block)
            self._download.engine.progress.advance(bytes=len(block))

    def _lose(self, file: File, error: XNATCtlError) -> None:
        """The disk refuses this file, not the others, unless it is full."""
        if stops_the_run(error):
            raise error
        self._download.lost(self._group, file, error)


def _meant(download: Download, group: Group, name: MemberName, size: int | None) -> list[File]:
    """The listed files that a member can be."""
    place = group.place
    if is_of_another_scan(name, place):
        return []
    scan = (name.scan, place.scan) if name.scan and place.scan else None
    paths = originals(name.path, scan, labels_in(name, place))
    found = [download.inventory.find(group.number, path) for path in paths]
    return [
        file
        for file in found
        if file is not None and (size is None or file.size is None or size == file.size)
    ] or [file for file in found[:1] if file is not None]


def _refuse(download: Download, group: Group, member: ArchiveMember) -> None:
    """What is no listed file is not written; what could do harm is a failure."""
    try:
        safe_join(download.engine.tree.out, member.name)
        if member.kind != "file":
            raise PathValidationError(repr(member.name), "a link or device in the archive")
    except PathValidationError as error:
        record = {"kind": "file", "name": member.name, "resource": group.label}
        download.refuse({**record, **_known(group)}, error)
        return
    download.surplus(member.name)


def _known(group: Group) -> dict[str, str]:
    return {key: value for key, value in group.place.facts().items() if value}
