"""Names of files, of which those that begin alike are found without looking at all others."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Iterator


class Names:
    """Names in their order. Each is in it once."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = sorted(set(names))

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __contains__(self, name: str) -> bool:
        place = bisect.bisect_left(self._names, name)
        return self._names[place : place + 1] == [name]

    def add(self, name: str) -> None:
        """Take one in."""
        if name not in self:
            bisect.insort(self._names, name)

    def remove(self, name: str) -> None:
        """Take one out that is in it."""
        del self._names[bisect.bisect_left(self._names, name)]

    def beginning_with(self, text: str) -> Iterator[str]:
        """Those that begin with a text, in their order."""
        place = bisect.bisect_left(self._names, text)
        while place < len(self._names) and self._names[place].startswith(text):
            yield self._names[place]
            place += 1
