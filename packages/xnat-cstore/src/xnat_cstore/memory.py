"""What a receiver has acknowledged, remembered beyond the end of the run."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator

from xnat_core.journal import Accepted, Journal, JournalBusy
from xnat_cstore.instance import Instance, shown
from xnat_cstore.receiver import Receiver
from xnat_cstore.routing import Route


class Memory:
    """The acknowledged files of one receiver, as they were sent.

    Entered, it holds the journal of the receiver; `exclusive` is false when another process holds
    it, and then nothing is known and nothing remembered.
    """

    def __init__(self, receiver: Receiver, route: Route) -> None:
        self.exclusive = True
        self._route = str(route)
        self._journal = Journal("cstore", receiver.host, str(receiver.port), receiver.called_aet)
        # A digest each: the journal of a large archive has a million entries.
        self._known: set[bytes] = set()

    @contextlib.contextmanager
    def opened(self) -> Iterator[Memory]:
        """Hold the journal, and read what is known."""
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(self._journal)
            except JournalBusy:
                self.exclusive = False
            else:
                self._known.update(map(_digest, self._journal.accepted()))
            yield self

    def knows(self, instance: Instance) -> bool:
        """Whether this very file went to the receiver, along the same route."""
        return bool(self._known) and _digest(self._entry(instance)) in self._known

    def add(self, instance: Instance) -> None:
        """Remember an instance."""
        self._journal.add([self._entry(instance)])

    def _entry(self, instance: Instance) -> Accepted:
        return Accepted(
            name=instance.uid,
            path=shown(instance.path.absolute()),
            size=instance.size,
            mtime_ns=instance.mtime_ns,
            digest="",
            place=self._route,
        )


def _digest(entry: Accepted) -> bytes:
    text = f"{entry.name}\0{entry.path}\0{entry.size}\0{entry.mtime_ns}\0{entry.place}"
    return hashlib.blake2b(text.encode(), digest_size=16).digest()
