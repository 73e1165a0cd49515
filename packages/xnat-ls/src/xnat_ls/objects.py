"""What the commands are asked about: objects named on the command line, or records that came in.

Both become records: one that came in has its `id`, one that was named has a `label` to be found.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from xnat_core.errors import ResourceNotFoundError, XNATCtlError

if TYPE_CHECKING:
    from xnat_core.client import XNATClient
    from xnat_core.job import Job
    from xnat_core.models import Scan, Session, Subject
    from xnat_core.records import Record


def named(kind: str, words: Iterable[str], **known: str | None) -> Iterator[Record]:
    """A record for each name, with what is `known` of its parents."""
    parents = {key: value for key, value in known.items() if value}
    for word in words:
        yield {"kind": kind, "label": word, **parents}


def arrived(records: Iterator[Record]) -> Iterator[Record]:
    """The same records, once the first is there: it tells which server this run speaks to."""
    for first in records:
        return itertools.chain([first], records)
    return iter(())


def in_order(
    job: Job, function: Callable[[Record], Iterable[Record]], records: Iterable[Record]
) -> Iterator[Record]:
    """Call `function` on the records in parallel and yield what it gives in their order."""
    yield from job.each(function, records, ordered=True)


def one_by_one(
    function: Callable[[Record], Iterable[Record]], records: Iterable[Record]
) -> Iterator[Record]:
    """Call `function` on one record after the other and yield what it gives as it comes."""
    from xnat_core.records import failed

    for record in records:
        try:
            yield from function(record)
        except XNATCtlError as error:
            yield failed(record, error)


def subject_of(client: XNATClient, record: Record) -> Subject:
    """The subject of a record. Raises ResourceNotFoundError."""
    from xnat_core.models import Subject
    from xnat_core.services.lookup import find_subject

    if record.get("id"):
        return Subject.from_record(record)
    return find_subject(client, record["label"], record.get("project"))


def session_of(client: XNATClient, record: Record) -> Session:
    """The session of a record. Raises ResourceNotFoundError."""
    from xnat_core.models import Session
    from xnat_core.services.lookup import find_session

    if record.get("id"):
        return Session.from_record(record)
    return find_session(client, record["label"], record.get("project"), record.get("subject"))


def session_of_scan(record: Record) -> Session:
    """The session that the record of a scan is of. Raises ResourceNotFoundError."""
    from xnat_core.models import Session

    if not record.get("session_id"):
        raise ResourceNotFoundError("session of scan", str(record.get("id")))
    return Session(
        id=str(record["session_id"]),
        label=str(record.get("session") or ""),
        project=record.get("project"),
        subject_id=record.get("subject_id"),
        subject_label=record.get("subject"),
    )


def scan_of(client: XNATClient, record: Record) -> Scan:
    """The scan of a record, as the server has it now. Raises ResourceNotFoundError."""
    from xnat_core.services.scans import find_scan

    return find_scan(client, session_of_scan(record), str(record.get("id") or ""))


def sessions_under(job: Job, records: Iterable[Record]) -> Iterator[Record]:
    """Sessions and scans as they are; instead of a project or a subject, all its sessions."""
    from xnat_core.records import failed
    from xnat_core.services.sessions import session_records

    for record in records:
        kind = record["kind"]
        if kind not in ("project", "subject"):
            yield record
            continue
        client = job.client(record)
        project = record["id"] if kind == "project" else record.get("project")
        subject = (record.get("id") or record["label"]) if kind == "subject" else None
        try:
            yield from session_records(client, project, subject)
        except XNATCtlError as error:
            job.emit(failed(record, error))
