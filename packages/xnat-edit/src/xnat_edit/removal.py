"""Deleting: look, say what would go, ask, delete, and look that it is gone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xnat_core.errors import OperationError, UsageError
from xnat_core.records import Record, done, planned
from xnat_core.services.base import About, document
from xnat_core.services.once import ask_once, patience_with
from xnat_core.services.routes import require_own_route

if TYPE_CHECKING:
    from xnat_core.client import XNATClient
    from xnat_core.job import Job


@dataclass(frozen=True)
class Removal:
    """One thing that can be deleted, and what is known of it."""

    record: Record
    """Its record as the server has it now, with the counts of what goes with it."""
    name: str
    """What is asked about: `session P1/MR1 (2 scans, 40 files)`."""
    server: str
    remove: Callable[[], None]


Look = Callable[["Job", Record], Removal]


def remove_named(job: Job, look: Look, records: Iterable[Record]) -> Iterator[Record]:
    """Delete what the command line names: everything is looked at first, and asked about once."""
    require_answer(job)
    asked = list(records)
    found: dict[int, Removal] = {}

    def find(record: Record) -> Iterable[Record]:
        found[id(record)] = look(job, record)
        return []

    yield from job.each(find, asked)
    removals = [found[id(record)] for record in asked if id(record) in found]
    if not removals:
        return
    if not job.args.flag("--dry-run"):
        names = "; ".join(removal.name for removal in removals)
        job.confirm(f"Delete {names} on {removals[0].server}?")
    yield from job.each(lambda removal: [_removed(job, removal)], removals)


def remove_each(job: Job, look: Look, record: Record) -> Iterable[Record]:
    """Delete what one record of a stream names; a terminal is asked for each."""
    removal = look(job, record)
    if not job.args.flag("--dry-run"):
        job.confirm(f"Delete {removal.name} on {removal.server}?")
    return [_removed(job, removal)]


def require_answer(job: Job) -> None:
    """Raise UsageError before anything is read when nobody could be asked."""
    from xnat_core import terminal

    if job.args.flag("--yes") or job.args.flag("--dry-run"):
        return
    if not terminal.is_there():
        raise UsageError("this needs --yes: there is no terminal to ask on")


def at_once(job: Job) -> int:
    """How many records are worked on at once: one while a person is asked."""
    return 0 if job.args.flag("--yes") or job.args.flag("--dry-run") else 1


def erase(
    client: XNATClient,
    where: str,
    about: About,
    *,
    keep_files: bool,
    is_gone: Callable[[], bool] | None = None,
) -> None:
    """Delete what is at `where` and look that it is gone: by `is_gone`, else there.

    Raises OperationError when it is still there, ValidationError when `where` leads to another.
    """
    require_own_route(client, where)
    params = {"removeFiles": "false" if keep_files else "true"}
    done, lost = ask_once(
        lambda: client.delete(where, params=params, about=about),
        is_gone or (lambda: document(client, where, about) is None),
    )
    if done:
        return
    if lost is not None and not patience_with(lost, 0):
        raise lost
    reason = f"{about[0]} {about[1]!r} is still there"
    said = f": {lost}" if lost else ", although the server reported success"
    raise OperationError("delete", reason + said)


def _removed(job: Job, removal: Removal) -> Record:
    if job.args.flag("--dry-run"):
        return planned(removal.record)
    removal.remove()
    return done(removal.record)
