"""What listings do not tell of files, found by reading them: nothing of them is kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import closing
from typing import NamedTuple

from xnat_core.archive import Expected
from xnat_core.archive.passing import require_none
from xnat_core.client import XNATClient
from xnat_core.errors import ResourceNotFoundError
from xnat_core.files import size_and_md5
from xnat_core.models import Resource
from xnat_core.models.resource import relative_path
from xnat_core.parallel import bounded_map
from xnat_core.services.resource_files import rows_of_resource
from xnat_transfer.arrivals import Source
from xnat_transfer.contents import Holding, Known, Place, Row
from xnat_transfer.route import Route

Asked = Mapping[Place, Collection[str]]
"""Paths of files by their resource."""
Found = dict[tuple[Place, str], Known]


class Unread(NamedTuple):
    """A row of the destination of which too little is known to compare it with files here."""

    place: Place
    row: Row
    alike: list[tuple[Place, str]]


class Reader:
    """Reads files of both servers, several resources at once."""

    def __init__(self, route: Route) -> None:
        self._route = route

    def completed(
        self,
        unread: Iterable[Unread],
        resources: Mapping[Place, Resource],
        holdings: Mapping[Place, Holding],
        known: Mapping[Place, dict[str, Known]],
    ) -> Iterator[tuple[Place, Row]]:
        """Yield the rows with size and MD5, without those of files that are listed and not there.

        `resources` are those of the destination. What is `known` of files here is completed, too.
        """
        unread = list(unread)
        there = self._of_destination(
            resources,
            _asked((one.place, one.row.path) for one in unread if not one.row.known.digest),
        )
        rows: list[tuple[Place, Row]] = []
        here: set[tuple[Place, str]] = set()
        for place, row, alike in unread:
            found = row.known if row.known.digest else there.get((place, row.path))
            if found is not None:
                rows.append((place, row._replace(known=found)))
                # One that has been recognised in another row since is not among what is known.
                own = ((place, path, known[place].get(path)) for place, path in alike)
                here |= {(place, path) for place, path, one in own if one and _may_be(one, found)}
        for (place, path), read in self._of_source(holdings, _asked(here)).items():
            known[place][path] = read
        yield from rows

    def _of_source(self, holdings: Mapping[Place, Holding], asked: Asked) -> Found:
        """Size and MD5 of files of the source."""

        def read(place: Place) -> Found:
            left, found = _expected(holdings[place], asked[place]), Found()
            _take(self._route.source, place, holdings[place], left, found)
            require_none(left)
            return found

        return self._read(read, asked)

    def _of_destination(self, resources: Mapping[Place, Resource], asked: Asked) -> Found:
        """Size and MD5 of files of the destination, without those that it lists and has not."""

        def read(place: Place) -> Found:
            if place not in resources:
                # It has been made since they were listed.
                return Found()
            rows = rows_of_resource(self._route.dest, resources[place])
            names = (relative_path(row.get("URI", "")) or row.get("Name", "") for row in rows)
            holding = Holding(resources[place], dict.fromkeys(names, Known(None, b"")))
            left, found = _expected(holding, asked[place]), Found()
            while left:
                try:
                    _take(self._route.dest, place, holding, left, found)
                except ResourceNotFoundError:
                    # They are asked for in this order.
                    del left[next(iter(left))]
                else:
                    break
            return found

        return self._read(read, asked)

    def _read(self, read: Callable[[Place], Found], asked: Asked) -> Found:
        if not asked:
            return Found()
        workers = self._route.config.scan_workers
        outcomes = bounded_map(
            lambda place: self._route.attempts(lambda: read(place)),
            self._route.bounds.in_time(asked),
            workers=workers,
            in_flight=workers,
        )
        found = Found()
        with closing(outcomes):
            for outcome in outcomes:
                found |= outcome.result()
        return found


def _asked(files: Iterable[tuple[Place, str]]) -> Asked:
    asked: dict[Place, list[str]] = defaultdict(list)
    for place, path in files:
        asked[place].append(path)
    return asked


def _may_be(own: Known, there: Known) -> bool:
    """Whether only the content tells that a file here is not that one."""
    return not own.digest and (own.size is None or there.size is None or own.size == there.size)


def _expected(holding: Holding, paths: Collection[str]) -> dict[str, Expected]:
    known = holding.files
    return {path: Expected(path, known[path].size) for path in paths if path in known}


def _take(
    client: XNATClient, place: Place, holding: Holding, left: dict[str, Expected], found: Found
) -> None:
    """Read files, each of which goes from what is left to what is found when it has come."""
    with closing(Source(client, holding, dict(left)).open()) as arrivals:
        for file, blocks in arrivals:
            size, md5 = size_and_md5(blocks)
            found[place, file.name] = Known(size, bytes.fromhex(md5))
            del left[file.name]
