"""Which record goes into which shard.

A record goes where the hash of its name says, as long as that shard has room; so it is mostly the
same one when a plan is made again with some records more. The largest are placed first, and what
finds no room goes to the emptiest shard: the small ones at the end make the shards equal.
"""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Sequence

UNKNOWN = -1
_TRIES = 4


def weights(sizes: Sequence[int], counts: Sequence[int]) -> array[int]:
    """The bytes that each record counts for; those of unknown size by their number of files.

    UNKNOWN in both counts like the average record. Nothing counts for nothing, so that empty
    records are spread as well.
    """
    known = [size for size in sizes if size != UNKNOWN]
    record = max(1, sum(known) // len(known)) if known else 1
    both = [(s, c) for s, c in zip(sizes, counts, strict=True) if s != UNKNOWN and c > 0]
    file = max(1, sum(s for s, _ in both) // sum(c for _, c in both)) if both else 1
    whole = array("q")
    for size, count in zip(sizes, counts, strict=True):
        if size == UNKNOWN:
            size = record if count == UNKNOWN else count * file
        whole.append(max(1, size))
    return whole


def assign(loads: Sequence[int], hashes: Sequence[int], shards: int) -> array[int]:
    """The shard of each record; the order of the records does not matter."""
    order = sorted(range(len(loads)), key=hashes.__getitem__)
    order.sort(key=loads.__getitem__, reverse=True)
    room = [sum(loads) / shards] * shards
    emptiest = [(-left, shard) for shard, left in enumerate(room)]
    found = array("L", bytes(array("L").itemsize * len(loads)))
    for record in order:
        load = loads[record]
        for attempt in range(_TRIES):
            shard = (hashes[record] + attempt) % shards
            if room[shard] >= load:
                break
        else:
            shard = _emptiest(emptiest, room)
        room[shard] -= load
        found[record] = shard
    return found


def _emptiest(heap: list[tuple[float, int]], room: list[float]) -> int:
    """The shard with most room; entries of the heap are brought up to date when they come up."""
    while True:
        left, shard = heap[0]
        if -left == room[shard]:
            return shard
        heapq.heapreplace(heap, (-room[shard], shard))
