"""Which scans of the destination are those of the source.

The import service numbers scans anew where two series have one number, or where the source calls
them otherwise. The UID of the series tells them apart, and where the destination rewrites that, the
names of their files do.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from xnat_core.models import Scan
from xnat_transfer.contents import Contents, Place, Row

Names = Mapping[str, set[str]]
"""By scan, what its files of DICOM are called."""
# A scan that shares its number: which of them is `1-MR1` is another matter on each server.
_NUMBERED_ANEW = re.compile(r".+-[A-Z]+\d+")


def same_scans(
    wanted: Contents,
    there: Sequence[Scan],
    has_arrived: Callable[[Place], bool],
    names_there: Callable[[], Names] | None,
) -> dict[str, str]:
    """The IDs that scans of the source have on the destination.

    By the UID of the series, else by ID. Several scans may name one series, derived ones do: then
    the ID tells which, and no two of them are one scan there.

    `names_there` lists the files of the destination, when it may have rewritten UIDs; it is asked
    only where IDs alone do not tell. Names are worth less than UIDs, `IM1` may be in every scan: by
    them only what some run has brought is known, and nothing where any UID has been kept.
    """
    uids = {scan.id: scan.uid for scan in there}
    scans = list(wanted.scans.values())
    found = {scan.id: scan.id for scan in scans if scan.uid and uids.get(scan.id) == scan.uid}
    by_uid = {uid: id for id, uid in uids.items() if uid and id not in found}
    for scan in scans:
        if scan.id not in found and scan.uid in by_uid:
            found[scan.id] = by_uid.pop(scan.uid)
    if names_there is not None and not found:
        names = names_of(wanted, has_arrived)
        if uids and any(id not in uids or _NUMBERED_ANEW.fullmatch(id) for id in names):
            found = _by_names(names, uids, names_there())
    taken = set(found.values())
    for scan in scans:
        if scan.id not in found and scan.id in uids and scan.id not in taken:
            found[scan.id] = scan.id
    return found


def names_of(wanted: Contents, has_arrived: Callable[[Place], bool]) -> Names:
    """What the DICOM of the source is called that some run has brought."""
    holdings = wanted.holdings.items()
    return _named((place, holding.files) for place, holding in holdings if has_arrived(place))


def names_in(rows: Iterable[Row]) -> Names:
    """What the DICOM of a listing is called."""
    return _named((Place(row.category, row.owner, row.label), (row.path,)) for row in rows)


def _named(found: Iterable[tuple[Place, Iterable[str]]]) -> Names:
    names: dict[str, set[str]] = defaultdict(set)
    for place, paths in found:
        if place.is_dicom:
            names[place.owner].update(path.rpartition("/")[2] for path in paths)
    return names


def _by_names(wanted: Names, free: Iterable[str], there: Names) -> dict[str, str]:
    """Those that have most names in common; of two that have as many, that of the same ID."""
    pairs = [
        (len(names & there.get(id, set())), id == source, source, id)
        for source, names in wanted.items()
        for id in free
    ]
    found: dict[str, str] = {}
    taken = set[str]()
    for common, _, source, id in sorted(pairs, reverse=True):
        if common and source not in found and id not in taken:
            found[source] = id
            taken.add(id)
    return found
