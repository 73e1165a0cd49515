"""Cutting what is missing into requests: as many as workers, small enough to be repeated."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from xnat_upload.difference import Difference
from xnat_upload.inventory import Amount

MOST_BYTES = 1 << 30
"""A retry must stay cheap, and proxies limit the size of a body."""
OVERHEAD = 4096
"""What a file costs beside its bytes, in bytes."""
UNEVEN = 1.25
"""How much longer than the average the longest batch may be for the sake of whole series."""


@dataclass(slots=True)
class Batch:
    """The instances of one request, by their numbers in the inventory."""

    ids: array[int] = field(default_factory=lambda: array("q"))
    bytes: int = 0

    def add(self, id: int, size: int) -> None:
        """Add one."""
        self.ids.append(id)
        self.bytes += size


def batches_of(difference: Difference, workers: int, most: int) -> Iterator[Batch]:
    """Yield batches that together are all that is missing, the members of an archive in order.

    None has more than `most` files: their names are in memory while it is under way.
    """
    series = difference.missing_by_series()
    groups = whole_series(series, workers)
    if groups is None:
        items = difference.missing_in_series(one for one, _ in series)
        yield from _cut(items, _share(items, workers), most)
    else:
        for group in groups:
            yield from _cut(difference.missing_in_series(group), MOST_BYTES, most)
    by_archive: dict[tuple[int, bytes], list[tuple[int, int]]] = {}
    for id, size, folder, file in difference.missing_in_archives():
        by_archive.setdefault((folder, file), []).append((id, size))
    for items in by_archive.values():
        yield from _cut(items, _share(items, workers), most)


def whole_series(series: list[tuple[int, Amount]], workers: int) -> list[list[int]] | None:
    """Series shared out evenly, the largest first; None when that would be too uneven."""
    groups: list[list[int]] = [[] for _ in range(workers)]
    loads = [0] * workers
    for number, amount in sorted(series, key=lambda item: -_weight(item[1])):
        lightest = loads.index(min(loads))
        groups[lightest].append(number)
        loads[lightest] += _weight(amount)
    if max(loads) > min(UNEVEN * sum(loads) / workers, MOST_BYTES):
        return None
    return [group for group in groups if group]


def _weight(amount: Amount) -> int:
    return amount.bytes + OVERHEAD * amount.files


def _share(items: list[tuple[int, int]], workers: int) -> int:
    return -(-sum(size + OVERHEAD for _, size in items) // workers)


def _cut(items: Iterable[tuple[int, int]], share: int, files: int) -> Iterator[Batch]:
    """Fill batches one after the other up to a share of the whole."""
    weight = min(share, MOST_BYTES)
    batch = Batch()
    for id, size in items:
        full = batch.bytes + size + OVERHEAD * (len(batch.ids) + 1) > weight
        if batch.ids and (full or len(batch.ids) >= files):
            yield batch
            batch = Batch()
        batch.add(id, size)
    if batch.ids:
        yield batch
