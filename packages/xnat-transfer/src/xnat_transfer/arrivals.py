"""The files of a resource as the source sends them: one stream of all, or one file at a time."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from contextlib import closing
from functools import cached_property

from xnat_core.archive import Expected, read_ahead, read_tar, read_zip
from xnat_core.archive.passing import Arrivals
from xnat_core.client import XNATClient
from xnat_core.errors import DownloadError
from xnat_core.models.resource import relative_path
from xnat_core.services.homes import owner_in
from xnat_core.urls import is_plain, path
from xnat_transfer.contents import Holding

BLOCK = 1 << 18


class Source:
    """Some files of a resource, `expected` by their paths in it."""

    def __init__(
        self, client: XNATClient, holding: Holding, expected: Mapping[str, Expected]
    ) -> None:
        self._client = client
        self._holding = holding
        self._expected = expected
        self._uri = f"{holding.resource.uri}/files"
        self._about = ("resource", holding.resource.label)

    def open(self) -> Arrivals:
        """The files as they arrive; by one request when that brings little else."""
        return self._one_by_one() if self._is_little() else self._all_at_once()

    def _is_little(self) -> bool:
        """Whether most of the resource would pass for nothing."""
        files = self._holding.files
        if not all(map(is_plain, self._expected)):
            return False
        wanted = sum(files[name].size or 0 for name in self._expected)
        whole = sum(known.size or 0 for known in files.values())
        return len(self._expected) < len(files) and 2 * wanted <= whole

    def _one_by_one(self) -> Arrivals:
        # By its number: the label may be that of another scan, too, of which this one's ID is the
        # type.
        number, uri = self._holding.resource.id, self._holding.resource.uri
        files = path("resources", str(number), "files")
        below = str(uri).rpartition("/resources/")[0] + files if number else self._uri
        for name, expected in self._expected.items():
            where = below + path(*name.split("/"))
            with (
                self._client.stream(where, about=("file", name)) as stream,
                closing(read_ahead(stream.blocks(BLOCK))) as blocks,
            ):
                yield expected, blocks

    def _all_at_once(self) -> Arrivals:
        wanted = dict(self._expected)
        # Where no MD5 is listed, a zip has checksums of its own.
        is_proven = all(self._holding.files[name].digest for name in wanted)
        form, read = ("tar", read_tar) if is_proven else ("zip", read_zip)
        with (
            self._client.stream(self._uri, {"format": form}, about=self._about) as stream,
            closing(read_ahead(stream.blocks(BLOCK))) as blocks,
        ):
            for member in read(blocks, fail=self._cut):
                if self._is_of_another_scan(member.name):
                    continue
                name = self._name(member.name, member.size, wanted)
                if member.kind == "file" and name is not None:
                    yield wanted.pop(name), member.blocks()

    def _is_of_another_scan(self, member: str) -> bool:
        """Whether the server sent it because the ID of this scan is the type of that one."""
        scan, (category, written) = self._holding.resource.scan_id, owner_in(member)
        if scan is None or category != "scans" or written is None:
            return False
        # With the type behind it, which as it is written there has no dash.
        return scan not in (written, written.rpartition("-")[0])

    def _name(self, member: str, size: int | None, wanted: Mapping[str, Expected]) -> str | None:
        """Which file a member is: by its path, else by its last part and size, and among several
        by the folders.

        The server replaces what looks like a scan or an experiment to it in their names.
        """
        inside = relative_path(member)
        if inside in wanted or inside in self._holding.files:
            return inside if inside in wanted else None
        last = member.rpartition("/")[2]
        alike = (self._by_last_part.get((last, known), ()) for known in (size, None))
        left = (name for name in itertools.chain(*alike) if name in wanted)
        return max(left, key=lambda name: self._likeness(member, name), default=None)

    @cached_property
    def _by_last_part(self) -> dict[tuple[str, int | None], list[str]]:
        """The files by the last part of their names there and their sizes."""
        found: dict[tuple[str, int | None], list[str]] = {}
        for name, expected in self._expected.items():
            last = self._there(name).rpartition("/")[2]
            found.setdefault((last, expected.size), []).append(name)
        return found

    def _there(self, name: str) -> str:
        """A path as the server writes it: with the session's label in place of its ID."""
        resource = self._holding.resource
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

    def _cut(self, text: str) -> DownloadError:
        return DownloadError(f"{self._uri}: {text}", self._holding.resource.label)
