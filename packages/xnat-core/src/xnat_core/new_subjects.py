"""Archiving sessions of subjects that the server may not know yet.

Archiving makes a subject that is not there. Two archivings of one new subject at once come into
each other's way: older servers look twice, find nothing twice and make two, of which one fails or
is a second subject of that label; newer ones have a lock, and who finds it taken looks again after
ten seconds only. So a client archives the first session of each subject alone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from xnat_core.parallel import FirstAlone

if TYPE_CHECKING:
    from xnat_core.client import XNATClient

_lock = threading.Lock()
_of_client: WeakKeyDictionary[XNATClient, FirstAlone] = WeakKeyDictionary()


@contextmanager
def first_alone(
    client: XNATClient, project: str | None, subject: str | None
) -> Iterator[Callable[[], None]]:
    """Wait while the first session of a subject (label, in any case, or ID) is being archived.

    Gives what is to be called when a session has been archived.
    """
    if not subject:
        yield lambda: None
        return
    with _lock:
        first = _of_client.setdefault(client, FirstAlone())
    with first.at((project, subject.lower())) as archived:
        yield archived
