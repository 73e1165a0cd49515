"""The files of a resource as one archive, each known by its path in the resource."""

from __future__ import annotations

import itertools
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing
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
_MOST_ORIGINALS = 256
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
    file is to be taken before the next one. One whose name there another could have as well does
    not come, and with `by_path` none whose name the server has rewritten. Raises DownloadError for
    an archive that is damaged or cut; NoArchive, or what the request raised, when the server makes
    none.
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
        """The file whose name there it is, where only one of this size can be called so."""
        inside = relative_path(member)
        if inside not in self._files and self._by_path:
            return None
        alike = [name for name in self._originals(member, inside) if self._may_be(name, size)]
        if not alike and inside in self._files:
            # It has changed since it was listed, which is told where it is compared.
            alike = [inside]
        if len(alike) != 1 or alike[0] not in self._left:
            return None
        return alike[0]

    def _may_be(self, name: str, size: int | None) -> bool:
        known = self._files[name].size
        return None in (known, size) or known == size

    def _originals(self, member: str, inside: str) -> list[str]:
        """The listed paths that the server may have rewritten to this one, or left as it is."""
        id = self._resource.session_id or ""
        # A session that is shared has another label there than where it is listed.
        labels = {self._resource.session or "", member.partition("/")[0]} - {"", id}
        choices = []
        for part in inside.split("/"):
            # As it is written there, a type has no dash.
            spelled = [part, part.rpartition("-")[0] or part]
            spelled += [one.replace(label, id) for one in spelled for label in labels if id]
            choices.append(dict.fromkeys(spelled))
        paths = itertools.islice(itertools.product(*choices), _MOST_ORIGINALS)
        found = dict.fromkeys([inside, *map("/".join, paths)])
        return [name for name in found if name in self._files]
