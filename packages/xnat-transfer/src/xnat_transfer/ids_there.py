"""Which IDs the scans and the assessors of one experiment have on the destination."""

from __future__ import annotations

from collections.abc import Callable

from xnat_core.models import Resource, Session
from xnat_core.services.homes import Home
from xnat_core.services.resources import resources_of
from xnat_core.transfer_errors import TransferError
from xnat_core.validation import label_there
from xnat_transfer.contents import (
    ASSESSORS,
    OWN,
    SCANS,
    Contents,
    Place,
    assessors_of,
    file_rows,
    typed_scans,
)
from xnat_transfer.difference import There, place_of
from xnat_transfer.route import Route
from xnat_transfer.scan_ids import Names, names_in, same_scans


class IdsThere:
    """The IDs as they were learnt last; `name` is how messages call the experiment."""

    def __init__(self, route: Route, name: str, has_arrived: Callable[[Place], bool]) -> None:
        self._route = route
        self._name = name
        self._has_arrived = has_arrived
        self.scans: dict[str, str] = {}
        """By the ID on the source."""
        self.assessors: dict[str, str] = {}
        """Accession IDs, by the label on the source."""
        self._of: str | None = None

    def are_of(self, there: Session) -> bool:
        """Whether they were learnt of this experiment."""
        return self._of == there.id

    def learn(self, there: Session, wanted: Contents) -> None:
        """Ask the destination."""
        dest, home = self._route.dest, Home.of_session(there)

        def names() -> Names:
            return names_in(file_rows(dest, home, everything=True))

        self.scans = same_scans(
            wanted,
            typed_scans(dest, there),
            self._has_arrived,
            None if self._route.anonymizes is False else names,
        )
        found = {one.label: one.id for one in assessors_of(dest, there)}
        self._of = there.id
        self.assessors = {
            label: found[label_there(label)]
            for label in wanted.assessors
            if label_there(label) in found
        }

    def held(self, there: Session, wanted: Contents) -> There:
        """What the destination holds of an experiment, in words of the source."""
        dest, home = self._route.dest, Home.of_session(there)
        self.learn(there, wanted)
        scans = {id: source for source, id in self.scans.items()}
        assessors = {id: label for label, id in self.assessors.items()}

        def place(one: Resource) -> Place:
            owner = one.scan_id or one.assessor
            return place_of(one.category or OWN, owner, one.label, scans, assessors)

        return There(
            scans=self.scans,
            assessors=self.assessors,
            places={place(one): one for one in resources_of(dest, home, everything=True)},
            rows=file_rows(dest, home, everything=True),
        )

    def home_of(self, there: Session, place: Place) -> Home:
        """Where the resource of a place of the source belongs on the destination.

        Raises TransferError when its scan or assessor is not there.
        """
        parts: tuple[str, ...] = ("experiments", there.id)
        if place.category == SCANS:
            if place.owner not in self.scans:
                raise TransferError(f"{self._name}: scan {place.owner} has not come")
            parts += ("scans", self.scans[place.owner])
        elif place.category == ASSESSORS:
            if place.owner not in self.assessors:
                raise TransferError(f"{self._name}: assessor {place.owner} could not be made")
            parts += ("assessors", self.assessors[place.owner])
        name = f"{there.label}/{place.owner}".rstrip("/")
        return Home(parts, (place.category.removesuffix("s"), name))
