"""Everything on its way into the archive: one per server, shared by all handlers."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from .context import Context
from .direct_archive import DirectLifecycle
from .direct_table import DirectArchive
from .importer_progress import Progress
from .importer_receive import Receiver
from .prearchive_lifecycle import Lifecycle
from .prearchive_rebuilder import Rebuilder
from .prearchive_table import Prearchive
from .routing import Routes
from .store import Store

if TYPE_CHECKING:
    from .app import Sandbox

routes = Routes()


class Intake:
    """The prearchive, the importers' back end and the background worker of one server."""

    def __init__(self, store: Store) -> None:
        self.prearchive = Prearchive(store.database, store.disk.prearchive)
        self.direct = DirectArchive(store)
        self.receiver = Receiver(store, self.prearchive, self.direct)
        self.lifecycle = Lifecycle(store, self.prearchive)
        self.direct_lifecycle = DirectLifecycle(
            store, self.direct, self.prearchive, self.lifecycle, self.receiver.locks
        )
        self.progress = Progress()
        self.rebuilder = Rebuilder(
            store.settings, self.prearchive, self.lifecycle, self.direct, self.direct_lifecycle
        )

    def close(self) -> None:
        """Stop looking for sessions and let running work end."""
        self.rebuilder.stop()
        self.lifecycle.close()


_intakes: WeakKeyDictionary[Sandbox, Intake] = WeakKeyDictionary()


def start(sandbox: Sandbox) -> None:
    """Open the intake of a server that begins."""
    intake = Intake(sandbox.store)
    _intakes[sandbox] = intake
    sandbox.on_close(intake.close)
    intake.rebuilder.start()


def intake_of(server: Sandbox | Context) -> Intake:
    """The intake of a server, or of the server that a request came to."""
    return _intakes[server.app if isinstance(server, Context) else server]
