"""Which presentation contexts an association asks for.

Each has one transfer syntax: with several, the receiver may choose one that the file does not have.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from typing import TypeVar

from xnat_core.dicom_elements import EXPLICIT
from xnat_cstore.instance import Instance
from xnat_cstore.negotiation import MOST_CONTEXTS, Pair
from xnat_cstore.syntaxes import is_compressed

T = TypeVar("T")


class Wanted:
    """The pairs of the instances seen so far, in rounds that have room in one association each.

    With `transcode` every compressed pair brings one for its unpacked form. Safe for any thread.
    """

    def __init__(self, *, transcode: bool = False, most: int = MOST_CONTEXTS) -> None:
        self._transcode = transcode
        self._most = most
        self._now: dict[Pair, None] = {}
        self._round_of: dict[Pair, dict[Pair, None]] = {}
        self._lock = threading.Lock()

    def __call__(self, pair: Pair) -> list[Pair]:
        """The pairs of the round that has this one, in the order in which they came."""
        with self._lock:
            return list(self._round_of[pair])

    def add(self, pair: Pair) -> bool:
        """Whether the round has room for this pair; it is then part of it."""
        with self._lock:
            more = [one for one in forms_of(pair, self._transcode) if one not in self._now]
            if len(self._now) + len(more) > self._most:
                return False
            self._now.update(dict.fromkeys(more))
            self._round_of[pair] = self._now
            return True

    def next_round(self) -> None:
        """Begin another round; instances of those before may still be on their way."""
        with self._lock:
            self._now = {}


def forms_of(pair: Pair, transcode: bool) -> list[Pair]:
    """The pairs under which an instance can be sent, the best first."""
    sop_class, syntax = pair
    unpacked = transcode and is_compressed(syntax)
    return [pair, (sop_class, EXPLICIT)] if unpacked else [pair]


def in_rounds(items: Iterable[T | Instance], wanted: Wanted) -> Iterator[T | Instance]:
    """The items in an order in which associations need not change.

    Instances whose pair does not fit beside those before are held back for a round of their own;
    everything else passes at once. `wanted` learns the pairs of each round.
    """
    while True:
        held: list[T | Instance] = []
        for item in items:
            if isinstance(item, Instance) and not wanted.add(item.pair):
                held.append(item)
            else:
                yield item
        if not held:
            return
        items = held
        wanted.next_round()
