"""The files of resources to the destination, one request at a time for each resource."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial

from xnat_core.archive import PassingFile
from xnat_core.bodies import Body, WatchedBody
from xnat_core.bounds import BoundReached
from xnat_core.errors import XNATCtlError
from xnat_core.parallel import bounded_map
from xnat_core.services.base import About
from xnat_core.services.homes import Home
from xnat_core.services.resources import address_of
from xnat_core.urls import is_plain, path
from xnat_transfer.arrivals import Source
from xnat_transfer.contents import Contents, Place
from xnat_transfer.difference import Amount, Lack
from xnat_transfer.route import Route
from xnat_transfer.sending import body_of, expected_files

# A file of this size is worth a request of its own: what fails is repeated alone.
_LARGE = 64 << 20
HomeOf = Callable[[Place], Home]


class Filler:
    """Makes and fills resources; `home_of` tells where a place is on the destination."""

    def __init__(self, route: Route, home_of: HomeOf) -> None:
        self.route = route
        self.home_of = home_of

    def fill(
        self, wanted: Contents, places: Iterable[Place], lacks: Iterable[Lack]
    ) -> tuple[Amount, list[XNATCtlError]]:
        """Make resources and send files; returns how much, and what went wrong.

        A BoundReached comes last, when something was not begun because the time is over.
        """
        by_place = {lack.place: lack for lack in lacks}
        todo = {place: by_place.get(place) for place in (*places, *by_place)}
        sent, errors = Amount(), list[XNATCtlError]()
        workers = self.route.config.scan_workers
        outcomes = bounded_map(
            lambda item: self._fill(wanted, *item),
            self.route.bounds.in_time(todo.items()),
            workers=workers,
            in_flight=workers,
        )
        try:
            for outcome in outcomes:
                if outcome.error is not None:
                    errors.append(outcome.error)
                sent += outcome.value or Amount()
        except BoundReached as reached:
            errors.append(reached)
        return sent, sorted(errors, key=lambda error: isinstance(error, BoundReached))

    def _fill(self, wanted: Contents, place: Place, lack: Lack | None) -> Amount:
        home = self.home_of(place)
        resource = wanted.holdings[place].resource
        about = {"format": resource.format, "content": resource.content}
        address = address_of(self.route.dest, home, place.label, by_number=False)
        where = home.path + path("resources", address)
        self.route.attempts(
            lambda: self.route.dest.put(
                where,
                params={**about, "tags": resource.tags},
                accept={409},
                repeatable=True,
                about=home.about,
            )
        )
        if lack is None:
            return Amount()
        for part in self.route.bounds.in_time(_parts(lack)):
            self.route.attempts(partial(self._send, where, home.about, part, about))
        return lack.amount

    def _send(self, where: str, owner: About, lack: Lack, known: Mapping[str, str | None]) -> None:
        expected = expected_files(lack)
        source = Source(self.route.source, lack.holding, expected)
        body: Body
        extract: str | None = None
        lone = lack.paths[0] if len(lack.paths) == 1 else None
        if lone is not None and is_plain(lone) and expected[lone].size is not None:
            name = lone
            body = PassingFile(expected[lone], source.open)
        else:
            body = body_of(list(expected.values()), source.open)
            name = "upload.tar" if body.length is not None else "upload.zip"
            extract = "true"
        watched = WatchedBody(body, self.route.progress.advance)
        try:
            self.route.dest.put(
                where + path("files", *name.split("/")),
                params={"inbody": "true", "extract": extract, "overwrite": "true", **known},
                body=watched,
                about=owner,
                repeatable=True,
            )
        except XNATCtlError:
            watched.take_back()
            raise


def _parts(lack: Lack) -> Iterator[Lack]:
    """Large files alone, all others together."""
    small = []
    for name in lack.paths:
        size = lack.holding.files[name].size
        if is_plain(name) and size is not None and size >= _LARGE:
            yield replace(lack, paths=(name,))
        else:
            small.append(name)
    if small:
        yield replace(lack, paths=tuple(small))
