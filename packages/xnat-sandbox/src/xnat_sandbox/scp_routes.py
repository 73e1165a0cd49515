"""/xapi/dicomscp: configuring the DICOM receivers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from werkzeug.wrappers import Request, Response

from .context import Context
from .intake import intake_of
from .responses import StatusError, empty, json_body, text
from .routing import Routes
from .scp import DicomListeners
from .scp_table import IDENTIFIERS, BadReceiver, ReceiverConfig, ReceiverTable, as_json

if TYPE_CHECKING:
    from .app import Sandbox

routes = Routes()
_listeners: WeakKeyDictionary[Sandbox, DicomListeners] = WeakKeyDictionary()


def start(sandbox: Sandbox) -> None:
    """Open the ports, if this server is to have any."""
    settings = sandbox.settings
    table = ReceiverTable(sandbox.store.database, settings.scp_port)
    listeners = DicomListeners(table, intake_of(sandbox).receiver, settings.scp_host)
    _listeners[sandbox] = listeners
    sandbox.on_close(listeners.close)
    _reopen(sandbox)


def scp_ports(sandbox: Sandbox) -> list[int]:
    """The ports on which this server takes C-STORE."""
    return _listeners[sandbox].ports


def _reopen(sandbox: Sandbox) -> None:
    """Changing a receiver restarts its port; without `scp_port` the server has none."""
    enabled = sandbox.store.preferences.get("enableDicomReceiver")
    if sandbox.settings.scp_port is not None and enabled:
        _listeners[sandbox].open()


@routes.xapi("/dicomscp")
def list_receivers(request: Request, context: Context) -> Response:
    """All receivers."""
    return json_body([as_json(config) for config in _table(context).all()])


@routes.xapi("/dicomscp/identifiers")
def identifiers(request: Request, context: Context) -> Response:
    """What may identify objects."""
    return json_body(IDENTIFIERS)


@routes.xapi("/dicomscp/{id}")
def show(request: Request, context: Context, id: str) -> Response:
    """One receiver."""
    found = _find(context, id)
    if found is None:
        return text(f"No DICOM SCP receiver with id {id}", 404)
    return json_body(as_json(found))


@routes.xapi("/dicomscp/title/{title}/{port}")
def show_by_title(request: Request, context: Context, title: str, port: str) -> Response:
    """One receiver by AE title and port."""
    found = _table(context).find(title, int(port)) if port.isdigit() else None
    if found is None:
        return text(f"No DICOM SCP receiver {title}:{port}", 404)
    return json_body(as_json(found))


@routes.xapi("/dicomscp", methods=("POST",))
def create(request: Request, context: Context) -> Response:
    """Add a receiver."""
    context.require_admin()
    try:
        config = _table(context).add(_document(request))
    except BadReceiver as error:
        raise StatusError(400, str(error)) from error
    _reopen(context.app)
    return json_body(as_json(config))


@routes.xapi("/dicomscp/{id}", methods=("PUT",))
def change(request: Request, context: Context, id: str) -> Response:
    """Replace a receiver, from 1.9 on change the members that are given; unknown ids are 500."""
    context.require_admin()
    known = _find(context, id)
    if known is None:
        raise StatusError(500, f"No DICOM SCP receiver with id {id}")
    values = _document(request)
    if context.settings.release >= (1, 9):
        values = {**as_json(known), **values}
    try:
        config = _table(context).change(known.id, values)
    except BadReceiver as error:
        raise StatusError(400, str(error)) from error
    _reopen(context.app)
    return json_body(as_json(config))


@routes.xapi("/dicomscp/{id}", methods=("DELETE",))
def remove(request: Request, context: Context, id: str) -> Response:
    """Remove a receiver."""
    context.require_admin()
    if id.isdigit():
        _table(context).remove(int(id))
    _reopen(context.app)
    return empty()


@routes.xapi("/dicomscp/{id}/enabled")
def is_enabled(request: Request, context: Context, id: str) -> Response:
    """Whether a receiver listens."""
    return json_body(_existing(context, id).enabled)


@routes.xapi("/dicomscp/{id}/enabled/{flag}", methods=("PUT",))
def enable(request: Request, context: Context, id: str, flag: str) -> Response:
    """Switch a receiver on or off."""
    context.require_admin()
    known = _existing(context, id)
    values = {**as_json(known), "enabled": flag.lower() == "true"}
    config = _table(context).change(known.id, values)
    _reopen(context.app)
    return json_body(as_json(config))


@routes.xapi("/dicomscp/start", methods=("PUT",))
def open_ports(request: Request, context: Context) -> Response:
    """Start all receivers."""
    context.require_admin()
    _reopen(context.app)
    return _triples(context, True)


@routes.xapi("/dicomscp/stop", methods=("PUT",))
def close_ports(request: Request, context: Context) -> Response:
    """Stop all receivers."""
    context.require_admin()
    _listeners[context.app].close()
    return _triples(context, False)


def _triples(context: Context, running: bool) -> Response:
    """Title, port and state of every receiver."""
    return json_body(
        [
            {"left": config.aeTitle, "middle": config.port, "right": running and config.enabled}
            for config in _table(context).all()
        ]
    )


def _table(context: Context) -> ReceiverTable:
    return _listeners[context.app].table


def _find(context: Context, id: str) -> ReceiverConfig | None:
    return _table(context).get(int(id)) if id.isdigit() else None


def _existing(context: Context, id: str) -> ReceiverConfig:
    found = _find(context, id)
    if found is None:
        raise StatusError(404, f"No DICOM SCP receiver with id {id}")
    return found


def _document(request: Request) -> dict[str, Any]:
    values = request.get_json(silent=True)
    if not isinstance(values, dict):
        raise StatusError(400, "A receiver is a JSON object.")
    return values
