"""The files of a resource as one archive, each known by its path in the resource."""

from __future__ import annotations

import itertools
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from xnat_core.archive.members import ArchiveMember
from xnat_core.archive.passing import read_ahead
from xnat_core.archive.source import Fail
from xnat_core.archive.tar_reader import read_tar
from xnat_core.archive.zip_reader import read_zip
from xnat_core.archive_forms import NoArchive
from xnat_core.errors import DownloadError
from xnat_core.files import Block
from xnat_core.models import Resource
from xnat_core.models.resource import relative_path
from xnat_core.services.homes import owner_in

if TYPE_CHECKING:
    from xnat_core.client import XNATClient
    from xnat_core.http.streams import Stream

BLOCK = 1 << 18
_ZIP = (b"PK\3\4", b"PK\5\6")


class Listed(Protocol):
    """What a listing says of a file; `digest` is empty or None when it has none."""

    @property
    def size(self) -> int | None:
        """Bytes."""

    @property
    def digest(self) -> str | bytes | None:
        """Its MD5."""


def files_of_archive(
    client: XNATClient,
    resource: Resource,
    files: Mapping[str, Listed],
    wanted: Iterable[str],
    *,
    by_path: bool = False,
) -> Generator[tuple[str, Iterable[Block]], None, None]:
    """Yield those of the wanted files that come, as they come: path and content.

    `files` are all files of the resource by their paths in it. Nothing is kept: the content of a
    file is to be taken before the next one. With `by_path` one whose name the server has rewritten
    does not come: which of several it is may be a guess. Raises DownloadError for an archive that
    is damaged or cut; NoArchive, or what the request raised, when the server makes none.
    """
    about = ("resource", resource.label)
    names = _Names(resource, files, wanted, by_path=by_path)

    def fail(text: str) -> DownloadError:
        return DownloadError(f"{resource.uri}/files: {text}", resource.label)

    with ExitStack() as opened:

        def ask(form: str) -> Iterator[ArchiveMember]:
            with ExitStack() as opening:
                params = {"format": form}
                stream = client.stream(f"{resource.uri}/files", params, about=about)
                blocks = read_ahead(blocks_of_archive(opening.enter_context(stream), BLOCK))
                members = members_of(opening.enter_context(closing(blocks)), fail=fail)
                opened.push(opening.pop_all())
                return members

        members = client.archive_forms.take(ask, has_digests=names.have_digests)
        for member in members:
            name = names.take(member)
            if name is not None:
                yield name, member.blocks()


def blocks_of_archive(stream: Stream, size: int = 1 << 20) -> Iterator[Block]:
    """The blocks of an archive, without a compression that was put on it on its way."""
    return stream.blocks(size, unpack=bool(stream.compression))


def members_of(blocks: Iterator[Block], *, fail: Fail = DownloadError) -> Iterator[ArchiveMember]:
    """The members of a tar or zip, told apart by how it begins. Raises NoArchive at once for an
    answer that is something else, and `fail` on the way for a damaged archive."""
    first = next(blocks, b"")
    if bytes(first[:1]) in (b"{", b"<", b"["):
        text = "something else than an archive came: not of this form, or the log-in has ended"
        raise NoArchive(fail(text).message)
    whole = itertools.chain([first], blocks)
    read = read_zip if bytes(first[:4]) in _ZIP else read_tar
    return read(whole, fail=fail)


class _Names:
    """Tells which file of a resource a member is.

    The server replaces what looks like a scan or an experiment to it in their names.
    """

    def __init__(
        self,
        resource: Resource,
        files: Mapping[str, Listed],
        wanted: Iterable[str],
        *,
        by_path: bool,
    ) -> None:
        self._resource = resource
        self._files = files
        self._wanted = frozenset(wanted)
        self._left = set(files)
        self._by_path = by_path

    @property
    def have_digests(self) -> bool:
        """Whether the MD5 of each wanted file is listed."""
        return all(self._files[name].digest for name in self._wanted)

    def take(self, member: ArchiveMember) -> str | None:
        """The path of the wanted file that a member is, each once; None for other members."""
        if member.kind != "file" or self._is_of_another_scan(member.name):
            return None
        name = self._name(member.name, member.size)
        if name is None:
            return None
        # Also one that is not wanted is found once: a name that is like its own is another file's.
        self._left.remove(name)
        return name if name in self._wanted else None

    def _is_of_another_scan(self, member: str) -> bool:
        """Whether the server sent it because the ID of this scan is the type of that one."""
        scan, (category, written) = self._resource.scan_id, owner_in(member)
        if scan is None or category != "scans" or written is None:
            return False
        # With the type behind it, which as it is written there has no dash.
        return scan not in (written, written.rpartition("-")[0])

    def _name(self, member: str, size: int | None) -> str | None:
        """By its path, else by its last part and size, and among several by the folders."""
        inside = relative_path(member)
        if inside in self._left or inside in self._files or self._by_path:
            return inside if inside in self._left else None
        last = member.rpartition("/")[2]
        alike = (self._by_last_part.get((last, known), ()) for known in (size, None))
        left = (name for name in itertools.chain(*alike) if name in self._left)
        return max(left, key=lambda name: self._likeness(member, name), default=None)

    @cached_property
    def _by_last_part(self) -> dict[tuple[str, int | None], list[str]]:
        """The files by the last part of their names there and their sizes."""
        found: dict[tuple[str, int | None], list[str]] = {}
        for name in self._files:
            last = self._there(name).rpartition("/")[2]
            found.setdefault((last, self._files[name].size), []).append(name)
        return found

    def _there(self, name: str) -> str:
        """A path as the server writes it: with the session's label in place of its ID."""
        resource = self._resource
        if not (resource.session_id and resource.session):
            return name
        return name.replace(resource.session_id, resource.session)

    def _likeness(self, member: str, name: str) -> int:
        """How many parts of a path, from the last one on, a member has; of a folder that is called
        like the scan it also has the type."""
        written, known = member.split("/")[::-1], self._there(name).split("/")[::-1]
        agree = (
            there == part or there.startswith(f"{part}-")
            for there, part in zip(written, known, strict=False)
        )
        return sum(itertools.takewhile(bool, agree))
