"""The files of a resource as the source sends them: one stream of all, or one file at a time."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing, suppress

from xnat_core.archive import Expected, read_ahead
from xnat_core.archive.passing import Arrivals
from xnat_core.client import XNATClient
from xnat_core.errors import ResourceNotFoundError
from xnat_core.services.resource_archive import BLOCK, files_of_archive
from xnat_core.urls import is_plain, path
from xnat_transfer.contents import Holding


class Source:
    """Some files of a resource, `expected` by their paths in it."""

    def __init__(
        self, client: XNATClient, holding: Holding, expected: Mapping[str, Expected]
    ) -> None:
        self._client = client
        self._holding = holding
        self._expected = expected

    def open(self) -> Arrivals:
        """The files as they arrive; by one request when that brings little else."""
        if self._is_little():
            return self._one_by_one(self._expected)
        return self._all_at_once()

    def _is_little(self) -> bool:
        """Whether most of the resource would pass for nothing."""
        files = self._holding.files
        if not all(map(is_plain, self._expected)):
            return False
        wanted = sum(files[name].size or 0 for name in self._expected)
        whole = sum(known.size or 0 for known in files.values())
        return len(self._expected) < len(files) and 2 * wanted <= whole

    def _one_by_one(self, expected: Mapping[str, Expected]) -> Arrivals:
        # By its number: the label may be that of another scan, too, of which this one's ID is the
        # type.
        number, uri = self._holding.resource.id, str(self._holding.resource.uri)
        if number:
            uri = uri.rpartition("/resources/")[0] + path("resources", str(number))
        for name, one in expected.items():
            where = uri + path("files", *name.split("/"))
            with (
                self._client.stream(where, about=("file", name)) as stream,
                closing(read_ahead(stream.blocks(BLOCK))) as blocks,
            ):
                yield one, blocks

    def _all_at_once(self) -> Arrivals:
        resource, files = self._holding.resource, self._holding.files
        left = dict(self._expected)
        arriving = files_of_archive(self._client, resource, files, self._expected)
        with closing(arriving):
            for name, blocks in arriving:
                yield left.pop(name), blocks
        # What has a name in an archive that does not tell which file it is.
        for name, one in left.items():
            # What is listed and gone is told by who misses it.
            with suppress(ResourceNotFoundError):
                yield from self._one_by_one({name: one} if is_plain(name) else {})
