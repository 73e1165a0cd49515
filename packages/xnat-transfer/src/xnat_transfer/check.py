"""Look whether a transfer will work, and what the destination will do to the data.

Usage:
  xnat-transfer check [options]

Options:
  -P --project=<id>       Project of the source.
  --dest-project=<id>     Project of the destination.
  --dest-profile=<name>   Profile of the destination.
  --dest-url=<url>        URL of the destination.
  --dest-user=<name>      Log in there as this user.
  --dest-pass=<text>      For old scripts only: everybody on this machine can read it.
  --dest-pass-stdin       Read the password for the destination from standard input, one line; with
                          --password-stdin it is the second one.

Prints a record per check: OK, WARN for what will change the result, FAIL for what will prevent it.
Projects are looked at when they are named. Nothing is changed.

Exit status: 1 when a check is FAIL.

Example:
  xnat-transfer check -p prod -P NEURO --dest-profile dev --dest-project NEURO_COPY
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from functools import partial

from xnat_core.client import XNATClient
from xnat_core.errors import (
    PermissionDeniedError,
    ResourceNotFoundError,
    ServerError,
    XNATCtlError,
)
from xnat_core.imports import admission
from xnat_core.job import Job
from xnat_core.records import Record, failed
from xnat_core.services.anonymization import anonymizes
from xnat_core.services.base import document, fields
from xnat_core.services.lookup import project_id, subjects_in
from xnat_core.transfer_errors import TransferError
from xnat_core.urls import path
from xnat_core.wording import counted
from xnat_transfer.destination import destination_client, destination_target

Finding = tuple[str, str]
"""Status and detail."""


def work(job: Job) -> Iterator[Record]:
    """A record per check."""
    target = destination_target(job)
    with contextlib.closing(destination_client(job, target, job.workers)) as dest:
        source = job.client()
        yield from _of_server("source", source)
        if project := job.args.text("--project"):
            yield from _checked("source project", source, partial(_readable, source, project))
        yield from _of_server("destination", dest)
        if project := job.args.text("--dest-project"):
            yield from _of_destination(dest, project)


def _of_server(name: str, client: XNATClient) -> Iterator[Record]:
    yield from _checked(name, client, lambda: _reached(client))
    yield from _checked(f"{name} version", client, lambda: ("OK", client.ping()["version"]))
    yield from _checked(
        f"{name} login", client, lambda: ("OK", f"logged in as {client.whoami()['username']}")
    )


def _reached(client: XNATClient) -> Finding:
    return "OK", f"{client.base_url} answers in {client.ping()['latency_ms']:g} ms"


def _of_destination(client: XNATClient, project: str) -> Iterator[Record]:
    yield from _checked("destination project", client, lambda: _exists(client, project))
    yield from _checked("destination permission", client, lambda: _permission(client, project))
    yield from _checked("anonymization", client, lambda: _anonymization(client, project))
    yield from _checked("auto-archive", client, lambda: _auto_archive(client, project))


def _checked(name: str, client: XNATClient, look: Callable[[], Finding]) -> Iterator[Record]:
    record: Record = {"kind": "check", "server": client.base_url, "check": name}
    try:
        status, detail = look()
    except XNATCtlError as error:
        # Whatever the reason, a transfer would fail: that is one status.
        reason = TransferError(f"{name}: {error.message}")
        yield failed({**record, "status": "FAIL", "detail": error.message}, reason)
    else:
        yield {**record, "status": status, "detail": detail}


def _readable(client: XNATClient, project: str) -> Finding:
    return "OK", f"{project} has {counted(len(subjects_in(client, project)), 'subject')}"


def _exists(client: XNATClient, project: str) -> Finding:
    item = document(client, path("data", "projects", project), ("project", project))
    if item is None:
        raise ResourceNotFoundError("project", project)
    return "OK", str(fields(item).get("name") or project)


def _permission(client: XNATClient, project: str) -> Finding:
    id, is_told = admission(client, project)
    if not is_told:
        return "WARN", f"the server does not say whether {id} takes data from this user"
    return "OK", f"may add data to {id}"


def _anonymization(client: XNATClient, project: str) -> Finding:
    found = anonymizes(client, project_id(client, project))
    if found is None:
        return "WARN", "the server does not say whether it rewrites DICOM"
    if found:
        return "WARN", (
            "DICOM is rewritten: files are compared by name and number, and metadata that identify "
            "a patient are not transferred"
        )
    return "OK", "DICOM stays as it is"


def _auto_archive(client: XNATClient, project: str) -> Finding:
    try:
        code = client.text(path("data", "projects", project, "prearchive_code"))
    except (PermissionDeniedError, ResourceNotFoundError, ServerError) as error:
        # A transfer does not ask for it.
        return "WARN", f"the server does not say whether the project archives: {error.message}"
    if code in ("4", "5"):
        return (
            "OK",
            "the project archives by itself; a transfer holds sessions until they are whole",
        )
    return "OK", "the project does not archive by itself; a transfer does"
