"""List subjects.

Usage:
  xnat-ls subjects [options] [<subject>]...

A subject is named by its label or its accession ID. Without a name, all subjects of the project are
listed, shared ones under the label that they have there. With '-', project and subject records are
read from standard input.

Options:
  -P --project=<id>       Project; else the default project of the profile.
  -l --long               Tell also the first ten sessions (sessions, sessions_truncated).
  -w --workers=<n>        How many requests at once, with several names or records.

Examples:
  xnat-ls subjects -P NEURO --filter 'label:PILOT*'
  xnat-ls projects | xnat-ls subjects - --where session_count=0
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from xnat_ls.objects import arrived, in_order, named

if TYPE_CHECKING:
    from xnat_core.job import Job
    from xnat_core.models import Subject
    from xnat_core.records import Record

SHOWN_SESSIONS = 10
T = TypeVar("T")


def work(job: Job) -> Iterator[Record]:
    """A record per subject."""
    from xnat_core.errors import PermissionDeniedError, ServerError
    from xnat_core.services.by_id import subject_meant
    from xnat_core.services.lookup import subjects_in
    from xnat_core.services.projects import sessions_by_subject
    from xnat_core.services.subjects import sessions_of
    from xnat_core.writers import natural

    words = job.args.texts("<subject>")
    long = job.args.flag("--long")

    def record_of(subject: Subject, labels: list[str] | None, server: str) -> Record:
        if labels is None:
            return subject.to_record(server)
        facts: dict[str, Any] = {"session_count": len(labels)}
        if long:
            labels = sorted(labels, key=natural)
            facts["sessions"] = labels[:SHOWN_SESSIONS]
            facts["sessions_truncated"] = len(labels) > SHOWN_SESSIONS
        return {**subject.to_record(server), **facts}

    def look(record: Record) -> Iterable[Record]:
        client = job.client(record)
        if record["kind"] == "project":
            sessions = told(lambda: sessions_by_subject(client, record["id"]))
            found = subjects_in(client, record["id"])
            for subject in sorted(found, key=lambda one: natural(one.label)):
                labels = None if sessions is None else sessions.get(subject.id, [])
                yield record_of(subject, labels, client.base_url)
            return
        names = record.get("id"), record.get("label")
        subject = subject_meant(client, *names, record.get("project"))
        rows = told(lambda: sessions_of(client, subject))
        labels = None if rows is None else [str(row.get("label") or "") for row in rows]
        yield record_of(subject, labels, client.base_url)

    def told(ask: Callable[[], T]) -> T | None:
        """What is asked for; None where the server refuses it, as it may sessions alone."""
        try:
            return ask()
        except (PermissionDeniedError, ServerError):
            return None

    if job.wants_input(words, optional=True):
        yield from in_order(job, look, arrived(job.records("project", "subject")))
    elif words:
        job.layout = "facts" if long and len(words) == 1 else job.layout
        yield from in_order(job, look, named("subject", words, project=job.project()))
    else:
        yield from look({"kind": "project", "id": job.required_project()})
