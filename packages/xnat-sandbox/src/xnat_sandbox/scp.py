"""The C-STORE receiver: what it is sent goes the way of the importers."""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from dataclasses import replace
from functools import cache
from io import BytesIO
from socketserver import BaseServer
from typing import TYPE_CHECKING, Any

from .dicom_header import Unparsable
from .importer_receive import Delivery, Receiver, Refused
from .prearchive_table import Taken
from .scp_table import ReceiverConfig, ReceiverTable

if TYPE_CHECKING:
    from pynetdicom.events import Event
    from pynetdicom.presentation import PresentationContext
    from pynetdicom.transport import ThreadedAssociationServer

POLL = 0.02
SUCCESS, CANNOT_UNDERSTAND, OUT_OF_RESOURCES = 0x0000, 0xC000, 0xA700
PERMANENT, BY_USER, CALLING_UNKNOWN, CALLED_UNKNOWN = 1, 1, 3, 7
log = logging.getLogger(__name__)


class DicomListeners:
    """The ports that are open. Several AE titles may share one."""

    def __init__(self, table: ReceiverTable, receiver: Receiver, host: str) -> None:
        self.table = table
        self._receiver = receiver
        self._host = host
        self._servers: dict[int, ThreadedAssociationServer] = {}
        self._lock = threading.Lock()

    @property
    def ports(self) -> list[int]:
        """The open ports."""
        return sorted(self._servers)

    def open(self) -> None:
        """Listen for every enabled receiver; port 0 becomes a free one, as the table then says."""
        with self._lock:
            self._close()
            titles: dict[int, list[ReceiverConfig]] = defaultdict(list)
            for config in self.table.all():
                if config.enabled:
                    titles[config.port].append(config)
            for port, configs in titles.items():
                server = self._listen(port)
                found = server.server_address[1]
                self._servers[found] = server
                if not port:
                    for config in configs:
                        self.table.move(config.id, found)

    def close(self) -> None:
        """Listen no more."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        for server in self._servers.values():
            # Its own `shutdown` expects to have been started by AE.start_server.
            BaseServer.shutdown(server)
            server.server_close()
            for association in server.ae.active_associations:
                association.abort()
        self._servers.clear()

    def _listen(self, port: int) -> ThreadedAssociationServer:
        from pynetdicom import AE, evt
        from pynetdicom.transport import ThreadedAssociationServer

        entity = AE("XNAT")
        entity.maximum_associations = 100
        handlers: list[Any] = [
            (evt.EVT_REQUESTED, self._check_titles),
            (evt.EVT_C_ECHO, lambda event: SUCCESS),
            (evt.EVT_C_STORE, self._store),
        ]
        try:
            server = entity.make_server(
                (self._host, port),
                contexts=supported_contexts(),
                evt_handlers=handlers,
                server_class=ThreadedAssociationServer,
            )
        except OSError as error:
            where = f"DICOM port {port} of {self._host}"
            raise OSError(f"{where}: {error.strerror or error}") from error
        # AE.start_server would look only twice a second whether to stop.
        threading.Thread(target=server.serve_forever, args=(POLL,), daemon=True).start()
        return server

    def _config_of(self, event: Event) -> ReceiverConfig | None:
        request = event.assoc.requestor.primitive
        called = str(request.called_ae_title).strip() if request else ""
        config = self.table.find(called, event.assoc.acceptor.port)
        return config if config and config.enabled else None

    def _check_titles(self, event: Event) -> None:
        """Reject what is addressed to nobody here, or comes from somebody not listed."""
        config = self._config_of(event)
        requestor = event.assoc.requestor
        calling = str(requestor.primitive.calling_ae_title).strip() if requestor.primitive else ""
        if config is None:
            reason = CALLED_UNKNOWN
        elif not config.admits(calling, requestor.address):
            reason = CALLING_UNKNOWN
        else:
            return
        event.assoc.acse.send_reject(PERMANENT, BY_USER, reason)
        event.assoc.kill()

    def _store(self, event: Event) -> int:
        config = self._config_of(event)
        if config is None:
            return OUT_OF_RESOURCES
        try:
            reception = self._receiver.reception(_delivery(config))
            reception.receive("", BytesIO(event.encoded_dataset()))
        except (Unparsable, Refused, Taken, OSError) as error:
            log.info("C-STORE refused: %s", error)
            return CANNOT_UNDERSTAND
        except Exception:
            log.exception("C-STORE failed")
            return OUT_OF_RESOURCES
        return SUCCESS


@cache
def supported_contexts() -> list[PresentationContext]:
    """Every storage class in every transfer syntax, and C-ECHO; half a second's work."""
    from pynetdicom import ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts, build_context
    from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

    storage = [context.abstract_syntax for context in AllStoragePresentationContexts]
    return [
        build_context(Verification, ALL_TRANSFER_SYNTAXES[:2]),
        *(build_context(uid, ALL_TRANSFER_SYNTAXES) for uid in storage if uid),
    ]


def _delivery(config: ReceiverConfig) -> Delivery:
    delivery = Delivery(
        rename=True,
        direct=config.directArchive,
        prevent_anon=not config.anonymizationEnabled,
    )
    if not config.routingExpressionsEnabled:
        return delivery
    return replace(
        delivery,
        project_rules=config.projectRoutingExpression,
        subject_rules=config.subjectRoutingExpression,
        session_rules=config.sessionRoutingExpression,
    )
