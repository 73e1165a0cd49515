"""Which rows a command is about, and what it shares with the other commands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields

from xnat_core.errors import UsageError, XNATCtlError
from xnat_core.job import Job
from xnat_core.models import PrearchiveEntry
from xnat_core.prearchive import Prearchive
from xnat_core.records import Record, skipped
from xnat_core.validation import validate_lookup

ADDRESS = ("<project>", "<timestamp>", "<name>")
PATIENCE = 3600.0

Act = Callable[[Record, PrearchiveEntry, Prearchive], Iterable[Record]]
Land = Callable[[Record, Prearchive], Iterable[Record]]


def on_each(
    job: Job,
    act: Act,
    words: tuple[str, ...],
    *,
    workers: int = 0,
    land: Land | None = None,
) -> Iterator[Record]:
    """Call `act` for every row that the words or standard input name, many at once.

    Sessions on standard input are archived already and are handed on as skipped. `land` is called
    for uploads, of which nobody knows yet which row they become.
    """

    def one(record: Record) -> Iterable[Record]:
        if record["kind"] == "session":
            return [skipped(record)]
        if land is not None and record["kind"] == "upload":
            return land(record, Prearchive(job.client(record)))
        return act(record, entry_of(record), Prearchive(job.client(record)))

    kinds = ("prearchive", "session", *(("upload",) if land else ()))
    records = [addressed(words)] if words else job.records(*kinds)
    return job.each(one, records, workers)


def words_of(job: Job) -> tuple[str, ...]:
    """PROJECT TIMESTAMP NAME of the command line; empty when standard input is to be read."""
    words = tuple(job.args.text(name) or "" for name in ADDRESS)
    if words[0] == "-" or not any(words):
        return ()
    if not all(words):
        raise UsageError("a session is named by all of PROJECT TIMESTAMP NAME")
    return words


def addressed(words: tuple[str, ...]) -> Record:
    """The record of the row that three words name."""
    project, timestamp, name = words
    return PrearchiveEntry(project=project, timestamp=timestamp, name=name).to_record()


def entry_of(record: Record) -> PrearchiveEntry:
    """The row that a record names. Raises XNATCtlError for a record without a proper address."""
    names = {field.name for field in fields(PrearchiveEntry)}
    entry = PrearchiveEntry(**{key: value for key, value in record.items() if key in names})
    if not (entry.project and entry.timestamp and entry.name):
        raise XNATCtlError("the record lacks project, timestamp or name of a prearchive session")
    for part in (entry.project, entry.timestamp, entry.name):
        validate_lookup(part, "prearchive address")
    return entry


def seen(record: Record, entry: PrearchiveEntry, prearchive: Prearchive) -> Record:
    """The input record with what the server says of the row now."""
    return {**record, **entry.to_record(prearchive.client.base_url)}
