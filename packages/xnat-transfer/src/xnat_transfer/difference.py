"""What the destination lacks of what the source holds, found by comparing their listings.

Files of resources are the same when path, size and MD5 are. Where there is neither size nor MD5 in
both listings, files are read for that. DICOM goes through the import service,
which may rename files (then the MD5 tells) and change their bytes (then the name tells); where it
does both, the number of files does.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from xnat_core.models import Resource
from xnat_transfer.contents import (
    DICOM,
    SCANS,
    SECONDARY,
    Contents,
    Holding,
    Known,
    Place,
    Row,
    is_comparable,
    is_same,
)
from xnat_transfer.reading import Reader, Unread

# What is no DICOM stays as it is everywhere, and does not tell whether DICOM does.
_NO_DICOM = (
    *(".json", ".xml", ".txt", ".csv", ".tsv", ".log", ".html", ".pdf"),
    *(".nii", ".gz", ".zip", ".bval", ".bvec", ".jpg", ".jpeg", ".png", ".gif"),
)

IsUnchanged = Callable[[Place, str], bool]
"""Whether a resource had this fingerprint when it was sent last."""


@dataclass(frozen=True, slots=True)
class Amount:
    """So many files, so many bytes."""

    files: int = 0
    bytes: int = 0

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.files + other.files, self.bytes + other.bytes)


@dataclass(frozen=True, slots=True)
class Lack:
    """Files of one resource that are to be sent."""

    place: Place
    holding: Holding
    paths: tuple[str, ...]

    @property
    def amount(self) -> Amount:
        """How much it is, as far as sizes are known."""
        sizes = (self.holding.files[path].size or 0 for path in self.paths)
        return Amount(len(self.paths), sum(sizes))


@dataclass(slots=True)
class Difference:
    """What is to be done, and how what is there was recognised (numbers of files)."""

    lacks: list[Lack] = field(default_factory=list)
    resources: list[Place] = field(default_factory=list)
    """Resources without files that are to be made; others come with their files."""
    scans: list[str] = field(default_factory=list)
    assessors: list[str] = field(default_factory=list)
    identical: int = 0
    unverifiable: int = 0
    altered: int = 0
    counted: int = 0
    read: int = 0
    """How many of the destination's had to be read, those that differ among them."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is missing."""
        return not (self.lacks or self.resources or self.scans or self.assessors)

    @property
    def amount(self) -> Amount:
        """How much is to be sent."""
        return sum((lack.amount for lack in self.lacks), Amount())

    @property
    def recognised(self) -> int:
        """How many files are there by their names or bytes, and not by their number alone."""
        return self.identical + self.unverifiable + self.altered

    def first(self) -> str:
        """Something that is missing, for a message."""
        for lack in self.lacks:
            return f"{lack.place}, file {lack.paths[0]}"
        for place in self.resources:
            return str(place)
        for scan in self.scans:
            return f"scan {scan}"
        return f"assessor {self.assessors[0]}" if self.assessors else "nothing"


@dataclass(slots=True)
class There:
    """What the destination holds: its scans by the IDs of the source, and what it lists."""

    scans: Mapping[str, str] = field(default_factory=dict)
    assessors: Mapping[str, str] = field(default_factory=dict)
    """Accession IDs by label."""
    places: Mapping[Place, Resource] = field(default_factory=dict)
    rows: Iterable[Row] = ()
    anonymizes: bool | None = None
    """Whether it rewrites DICOM; None when nobody can tell."""


def compare(wanted: Contents, there: There, unchanged: IsUnchanged, reader: Reader) -> Difference:
    """Find out what is missing; the rows of the destination are read once."""
    found = Difference(
        scans=[id for id in wanted.scans if id not in there.scans],
        assessors=[label for label in wanted.assessors if label not in there.assessors],
        resources=[
            place
            for place, holding in wanted.holdings.items()
            if place not in there.places and not holding.files
        ],
    )
    rest = {place: dict(holding.files) for place, holding in wanted.holdings.items()}
    matchers = {place: _Matcher(files) for place, files in rest.items() if place.is_dicom}
    ids = {id: source for source, id in there.scans.items()}
    labels = {id: label for label, id in there.assessors.items()}
    unread: list[Unread] = []

    def see(place: Place, row: Row) -> None:
        if place.is_dicom:
            _see_dicom(row, [matchers[one] for one in _alternatives(place) if one in matchers])
        elif place in rest:
            _see(row, rest[place], found)

    for row in there.rows:
        place = place_of(row.category, row.owner, row.label, ids, labels)
        alike = _alike(place, row, rest, matchers)
        comparable = all(is_comparable(rest[one][path], row.known) for one, path in alike)
        # What the bytes of rewritten DICOM are tells nothing.
        if comparable or (place.is_dicom and there.anonymizes):
            see(place, row)
        else:
            unread.append(Unread(place, row, alike))
    for place, row in reader.completed(unread, there.places, wanted.holdings, rest):
        see(place, row)
        found.read += 1
    for matcher in matchers.values():
        matcher.match_digests(found)
    kept = any(matcher.is_kept for matcher in matchers.values())
    rewrites = there.anonymizes or (there.anonymizes is None and not kept)
    for place, matcher in matchers.items():
        holding = wanted.holdings[place]
        others_may = rewrites and (there.anonymizes is True or not matcher.is_matched)
        matcher.match_numbers(found, others_may, partial(_is_unchanged, holding, place, unchanged))
    changed = _altered(wanted, matchers, found, rewrites, unchanged)
    for place, holding in wanted.holdings.items():
        paths = [*rest[place], *changed.get(place, ())]
        if paths:
            found.lacks.append(Lack(place, holding, tuple(paths)))
    return found


def place_of(
    category: str,
    owner: str | None,
    label: str,
    scans: Mapping[str, str],
    assessors: Mapping[str, str],
) -> Place:
    """A place of the destination in words of the source, by the names that its owners have here."""
    names = scans if category == SCANS else assessors
    return Place(category, names.get(owner or "", "") if owner else "", label)


def fingerprint(holding: Holding) -> str:
    """A text that changes when any file of a resource does."""
    lines = sorted(f"{path}\0{file}" for path, file in holding.files.items())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def is_named_like_dicom(path: str) -> bool:
    """Whether a name does not say that it is something else."""
    return not path.lower().endswith(_NO_DICOM)


def _see(row: Row, missing: dict[str, Known], found: Difference) -> None:
    known = missing.get(row.path)
    if known is not None and is_same(known, row.known):
        del missing[row.path]
        _recognised(known, row.known, found)


def _alike(
    place: Place,
    row: Row,
    rest: Mapping[Place, Mapping[str, Known]],
    matchers: Mapping[Place, _Matcher],
) -> list[tuple[Place, str]]:
    """The files here that may be one of the destination, by its name."""
    if not place.is_dicom:
        return [(place, row.path)] if row.path in rest.get(place, ()) else []
    places = (one for one in _alternatives(place) if one in matchers)
    return [(one, path) for one in places for path in matchers[one].named_like(row)]


def _alternatives(place: Place) -> list[Place]:
    """Where the source may have the DICOM that the destination has archived there."""
    return sorted((place._replace(label=one) for one in (DICOM, SECONDARY)), key=place.__ne__)


def _see_dicom(row: Row, matchers: Sequence[_Matcher]) -> None:
    for matcher in matchers:
        if matcher.finds_same(row):
            return
    for matcher in matchers:
        if matcher.finds_altered(row):
            return
    for matcher in matchers[:1]:
        matcher.others.append(row.known)


def _recognised(one: Known, other: Known, found: Difference) -> None:
    if one.digest and other.digest:
        found.identical += 1
    else:
        found.unverifiable += 1


class _Matcher:
    """Recognises the files of one DICOM resource; what is left in `missing` is not there."""

    def __init__(self, missing: dict[str, Known]) -> None:
        self.missing = missing
        self.altered: dict[str, Known] = {}
        self.is_matched = self.is_kept = False
        """Whether some DICOM there may be the same, and whether by its digest it is."""
        self._pairs: list[tuple[Known, Known]] = []
        self.others: list[Known] = []
        """What the destination has under names that nothing here has."""
        self._by_name: dict[str, list[str]] = defaultdict(list)
        for path in missing:
            self._by_name[path.rpartition("/")[2]].append(path)

    def finds_same(self, row: Row) -> bool:
        """Whether a file of the destination is one of these, by its name and as far as known."""
        paths = self.named_like(row)
        for path in paths:
            if is_same(self.missing[path], row.known):
                self._pair(path, row.known)
                paths.remove(path)
                return True
        return False

    def finds_altered(self, row: Row) -> bool:
        """Whether it has the name of one of these."""
        paths = self.named_like(row)
        if len(paths) != 1:
            return False
        self.altered[paths[0]] = row.known
        del self.missing[paths.pop()]
        return True

    def named_like(self, row: Row) -> list[str]:
        """The paths that end in the name of a file there."""
        return self._by_name.get(row.path.rpartition("/")[2], [])

    def match_digests(self, found: Difference) -> None:
        """Match what has another name there and the same bytes."""
        by_digest = {known.digest: path for path, known in self.missing.items() if known.digest}
        left: list[Known] = []
        for known in self.others:
            path = by_digest.pop(known.digest, None) if known.digest else None
            if path is None:
                left.append(known)
            else:
                self._pair(path, known)
        self.others = left
        for one, other in self._pairs:
            _recognised(one, other, found)

    def match_numbers(
        self, found: Difference, rewrites: bool, is_unchanged: Callable[[], bool]
    ) -> None:
        """Match what has other names and other bytes, unless it has changed on the source."""
        if self.missing and self._are_these(rewrites) and is_unchanged():
            found.counted += len(self.missing)
            self.missing.clear()

    def _are_these(self, rewrites: bool) -> bool:
        """Whether what is there under other names must be what seems to be missing."""
        if len(self.others) != len(self.missing):
            return False
        if rewrites:
            return True
        wanted, there = self.missing.values(), self.others
        comparable = all(known.digest for known in (*there, *wanted))
        return not comparable and Counter(k.size for k in there) == Counter(k.size for k in wanted)

    def _pair(self, path: str, there: Known) -> None:
        known = self.missing.pop(path)
        self._pairs.append((known, there))
        if is_named_like_dicom(path):
            self.is_matched = True
            self.is_kept |= bool(known.digest and there.digest)


def _altered(
    wanted: Contents,
    matchers: Mapping[Place, _Matcher],
    found: Difference,
    rewrites: bool,
    unchanged: IsUnchanged,
) -> dict[Place, list[str]]:
    """The files that have other bytes there and are to be sent again.

    Where the destination rewrites what it imports, other bytes are no difference, unless those of
    the source have changed since they were sent.
    """
    changed: dict[Place, list[str]] = {}
    for place, matcher in matchers.items():
        if not matcher.altered:
            continue
        if rewrites and _is_unchanged(wanted.holdings[place], place, unchanged):
            found.altered += len(matcher.altered)
        else:
            changed[place] = list(matcher.altered)
    return changed


def _is_unchanged(holding: Holding, place: Place, unchanged: IsUnchanged) -> bool:
    return unchanged(place, fingerprint(holding))
