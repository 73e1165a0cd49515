"""What the commands that create have in common.

A request to create changes what exists already, and looks like a success. So the object is looked
for first, once per run under each name, and what came of the request is read back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from xnat_core.errors import InvalidIdentifierError, OperationError, ResourceExistsError
from xnat_core.parallel import Turns
from xnat_core.services.base import same

if TYPE_CHECKING:
    from xnat_core.job import Job
    from xnat_core.records import Record

_RESOURCE_LABEL = re.compile(r"(?!\d+$)[A-Za-z0-9_-]{1,64}")


class Names:
    """The names that this run has made or planned: two records of one name are not both made."""

    def __init__(self) -> None:
        self._taken: set[tuple[str, ...]] = set()
        self._turns = Turns()

    @contextmanager
    def taken(self, kind: str, *name: str) -> Iterator[None]:
        """Make or plan something of a name; records of the same one wait until it is known whether
        that went well, and after a failure the next one may.

        Raises ResourceExistsError for the second one of a name, whatever its case.
        """
        key = tuple(part.lower() for part in name)
        with self._turns.at(key):
            if key in self._taken:
                raise ResourceExistsError(kind, "/".join(name))
            yield
            self._taken.add(key)


def created(
    job: Job,
    kind: str,
    labels: Iterable[str],
    parents: Mapping[str, str | None],
    make: Callable[[Record], Record],
) -> Iterator[Record]:
    """Make an object for each label, or for each record of `kind` that comes in.

    `parents` are what the command line says; it goes before what a record says. `make` makes one
    and returns its record.
    """
    given = {key: value for key, value in parents.items() if value is not None}
    name = "id" if kind == "project" else "label"
    named = [{"kind": kind, name: label, **given} for label in labels]

    def one(record: Record) -> Iterable[Record]:
        return [make(record)]

    yield from job.each(one, named or ({**record, **given} for record in job.records(kind)))


def fresh(record: Record, *keys: str) -> Record:
    """A record without what another object of the same name is known by on its server."""
    dropped = {"uri", "id", "insert_date", *keys}
    return {key: value for key, value in record.items() if key not in dropped}


def require_stored(what: str, found: Any, wanted: Mapping[str, Any]) -> None:
    """Raise OperationError when a new object has not the fields that were sent with it."""
    for name, value in wanted.items():
        stored = getattr(found, name)
        if value is not None and not same(stored, value):
            raise OperationError("create", f"{what}: {name} is {stored!r}, not {value!r}")


def resource_label(label: str) -> str:
    """A label that a resource can be asked for by. Raises InvalidIdentifierError."""
    if not _RESOURCE_LABEL.fullmatch(label):
        raise InvalidIdentifierError(
            "resource label",
            label,
            "letters, digits, underscores and hyphens, at most 64, and not only digits (the server "
            "takes these for the number of a resource)",
        )
    return label
