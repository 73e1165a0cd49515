"""Deleting single files of a resource.

The server deletes every file whose path *begins* with the one that is asked for: `a` takes `ab.txt`
and `a/b.txt` with it. So the resource is listed first, and what would take others along is refused.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from xnat_core.errors import (
    CancelledError,
    OperationError,
    ResourceNotFoundError,
    ValidationError,
    XNATCtlError,
)
from xnat_core.lagging import look_until
from xnat_core.records import Record, done, failed, planned
from xnat_core.services.once import ask_and_see
from xnat_core.services.resource_files import files_of_resource
from xnat_core.services.resources import find_resource
from xnat_core.urls import path
from xnat_core.wording import counted
from xnat_edit.beginnings import Names
from xnat_edit.objects import home_of_resource, number_in

if TYPE_CHECKING:
    from xnat_core.client import XNATClient
    from xnat_core.job import Job
    from xnat_core.models import Resource
    from xnat_core.parallel import Turns
    from xnat_core.services.homes import Home

_PARENTS = ("server", "project", "subject_id", "session_id", "session", "scan", "assessor")


@dataclass(frozen=True)
class Batch:
    """Files of one resource that were named one behind the other."""

    records: list[Record]

    @property
    def record(self) -> Record:
        """The first, for messages."""
        return self.records[0]


def batches(records: Iterable[Record]) -> Iterator[Record | Batch]:
    """The same records, with files of one resource that follow each other taken together.

    They are held until the next record of another resource: whether a file can be deleted alone
    depends on those beside it.
    """

    def place(record: Record) -> object:
        if record["kind"] != "file":
            return id(record)
        parents = [record.get(key) for key in (*_PARENTS, "subject", "resource")]
        return [*parents, str(record.get("uri") or "").partition("/files/")[0]]

    for _, group in itertools.groupby(records, place):
        held = list(group)
        if held[0]["kind"] == "file":
            yield Batch(held)
        else:
            yield from held


def remove_files(job: Job, batch: Batch, turns: Turns) -> Iterator[Record]:
    """Delete the files of a batch, a path before what it begins with; a record per file.

    Batches of one resource take turns: each compares listings from before and after, and would find
    that what another one deletes meanwhile went, too.
    """
    client = job.client(batch.record)
    try:
        first = batch.record
        home = home_of_resource(client, first)
        # One without a label has only its number.
        label = str(first.get("resource") or number_in(first) or "")
        resource = find_resource(client, home, label)
    except XNATCtlError as error:
        yield from (failed(record, error) for record in batch.records)
        return
    with turns.at((client.base_url, resource.id or str(resource.uri))):
        yield from _remove_in_turn(job, client, batch, home, resource)


def _remove_in_turn(
    job: Job, client: XNATClient, batch: Batch, home: Home, resource: Resource
) -> Iterator[Record]:
    try:
        left = {
            file.path: file.to_record(client.base_url)
            for file in files_of_resource(client, resource)
        }
    except XNATCtlError as error:
        yield from (failed(record, error) for record in batch.records)
        return
    able: list[Record] = []
    present = Names(left)
    for record in sorted(batch.records, key=_path_of, reverse=True):
        try:
            _require_there(_path_of(record), present)
            _require_alone(_path_of(record), present)
            _require_same(record, left[_path_of(record)])
        except XNATCtlError as error:
            yield failed(record, error)
            continue
        present.remove(_path_of(record))
        able.append({**record, **left.pop(_path_of(record))})
    if job.args.flag("--dry-run"):
        yield from map(planned, able)
        return
    if able:
        names = ", ".join(_path_of(record) for record in able)
        where = f"resource {home.about[1]}/{resource.label or resource.id}"
        job.confirm(
            f"Delete {counted(len(able), 'file')} of {where} ({names}) on {client.base_url}?"
        )
    yield from _remove(job, client, resource, able, left)


def remove_batch(job: Job, batch: Batch, turns: Turns) -> Iterator[Record]:
    """As `remove_files`, for a batch of a stream: a no is told of each of its files."""
    told: set[str] = set()
    try:
        for record in remove_files(job, batch, turns):
            told.add(_path_of(record))
            yield record
    except CancelledError as error:
        left = (record for record in batch.records if _path_of(record) not in told)
        yield from (failed(record, error) for record in left)


def _remove(
    job: Job, client: XNATClient, resource: Resource, able: list[Record], others: dict[str, Record]
) -> Iterator[Record]:
    params = {"removeFiles": "false" if job.args.flag("--keep-files") else "true"}
    kept = Names()
    asked: list[Record] = []

    def listed() -> set[str]:
        return {file.path for file in files_of_resource(client, resource)}

    def delete(name: str) -> None:
        where = str(resource.uri) + path("files", *name.split("/"))
        ask_and_see(
            lambda: client.delete(where, params=params, about=("file", name)),
            lambda: name not in listed(),
        )

    for record in able:
        name = _path_of(record)
        try:
            # What could not be deleted before must not go with what it begins with.
            _require_alone(name, kept)
            delete(name)
            asked.append(record)
        except XNATCtlError as error:
            kept.add(name)
            yield failed(record, error)
    if not asked:
        return
    try:
        now = look_until(
            listed,
            lambda now: not any(_path_of(record) in now for record in asked),
        )
    except XNATCtlError as error:
        # Of none of them it is known, and each must be told.
        yield from (failed(record, error) for record in asked)
        return
    for record in asked:
        if _path_of(record) in now:
            said = "is still there, although the server reported success"
            yield failed(record, OperationError("delete", f"file {_path_of(record)!r} {said}"))
        else:
            yield done(record)
    for name in sorted({*others, *kept} - now):
        loss = OperationError("delete", f"file {name!r} went, too, although nobody named it")
        yield failed({"kind": "file", "path": name, "resource": resource.label}, loss)


def _require_there(name: str, present: Names) -> None:
    """Raise for a path that no request can have, and for one that no file has."""
    path("files", *name.split("/"))
    if name not in present:
        raise ResourceNotFoundError("file", name)


def _require_alone(name: str, present: Names) -> None:
    """Raise unless deleting this path deletes no other file."""
    # The path is compared as it travels and decoded, and a star at its end means anything.
    beginnings = {text.removesuffix("*") for text in (name, quote(name))}
    alike = itertools.chain.from_iterable(map(present.beginning_with, beginnings))
    if others := sorted({*alike} - {name}):
        shown = ", ".join(others[:3]) + (" …" if len(others) > 3 else "")
        raise ValidationError(
            f"file {name!r}: the server would delete {len(others)} more that begin alike "
            f"({shown}): name them, too, or leave it",
            "file",
        )


def _require_same(record: Record, found: Record) -> None:
    """Raise unless a file is in the resource that its record tells by number."""
    if number_in(record) not in (None, number_in(found)):
        said = f"file {_path_of(record)!r} is not in the resource of the record any more"
        raise OperationError("delete", said)


def _path_of(record: Record) -> str:
    return str(record.get("path") or "")
