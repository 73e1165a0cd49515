"""List sessions.

Usage:
  xnat-ls sessions [options] [<session>]...

A session is named by its accession ID, or with a project by its label. Without a name, the sessions
of the project or the subject are listed; without a project, all that you may read. Shared sessions
have the label that they have in the project. With '-', records of projects, subjects and sessions
are read from standard input.

Options:
  -P --project=<id>       Project; else the default project of the profile.
  -S --subject=<name>     Only sessions of this subject (label or accession ID).
  -E --experiment=<name>  A session, as an argument names it.
  --modality=<name>       Only sessions of this modality (MR, PET, CT, EEG …, in any case).
  -l --long               Tell also what is in each: scans, resources and their counts.
  -w --workers=<n>        How many requests at once, with --long or several names.

Examples:
  xnat-ls sessions -P NEURO --modality MR --where 'date>2024-01-01'
  xnat-ls sessions -P NEURO --long NEURO_01_MR1
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from xnat_core.errors import UsageError
from xnat_ls.objects import arrived, in_order, named, session_of

if TYPE_CHECKING:
    from xnat_core.client import XNATClient
    from xnat_core.job import Job
    from xnat_core.models import Session
    from xnat_core.records import Record

SCAN_FACTS = ("id", "type", "series_description", "quality", "frames")
RESOURCE_FACTS = ("label", "format", "file_count", "file_size")


def work(job: Job) -> Iterator[Record]:
    """A record per session."""
    from xnat_core.models import Session
    from xnat_core.services.sessions import is_of_modality, session_records

    words = job.args.texts("<session>")
    if experiment := job.args.text("--experiment"):
        words = (*words, experiment)
    subject, modality = job.args.text("--subject"), job.args.text("--modality")
    long = job.args.flag("--long")

    def look(record: Record) -> Iterable[Record]:
        client = job.client(record)
        for found in _sessions(client, record, subject):
            known = found.get("modality"), found.get("xsi_type")
            if not modality or is_of_modality(modality, *known):
                yield _described(client, Session.from_record(found)) if long else found

    def describe(record: Record) -> Iterable[Record]:
        client = job.client(record)
        yield _described(client, session_of(client, record))

    if job.wants_input(words, optional=True):
        yield from in_order(job, look, arrived(job.records("project", "subject", "session")))
    elif words:
        job.layout = "facts" if long and len(words) == 1 else job.layout
        yield from in_order(job, look, named("session", words, project=job.project()))
    else:
        project = job.project()
        if subject and not project:
            raise UsageError("--subject needs a project: -P PROJECT")
        listed = _sorted(session_records(job.client(), project, subject, modality))
        yield from in_order(job, describe, listed) if long else listed


def _sessions(client: XNATClient, record: Record, subject: str | None) -> Iterable[Record]:
    """The session of a record, or all of a project or a subject."""
    from xnat_core.services.by_id import session_meant
    from xnat_core.services.sessions import session_records

    if record["kind"] == "session":
        names = record.get("id"), record.get("label")
        found = session_meant(client, *names, record.get("project"), subject)
        return [found.to_record(client.base_url)]
    if record["kind"] == "subject":
        project, id = record.get("project"), record.get("id")
        return _sorted(session_records(client, project, record.get("label"), subject_id=id))
    return _sorted(session_records(client, record["id"], subject))


def _described(client: XNATClient, session: Session) -> Record:
    from xnat_core.services.homes import Home
    from xnat_core.services.resources import resources_of
    from xnat_core.services.scans import scans_of

    scans = scans_of(client, session)
    resources = resources_of(client, Home.of_session(session))
    return {
        **session.to_record(client.base_url),
        "scan_count": len(scans),
        "resource_count": len(resources),
        "scans": [_known(scan.to_row(SCAN_FACTS)) for scan in scans],
        "resources": [_known(resource.to_row(RESOURCE_FACTS)) for resource in resources],
    }


def _known(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if value is not None}


def _sorted(sessions: Iterable[Record]) -> Iterator[Record]:
    """By project and label, numbers in them as numbers."""
    from xnat_core.writers import natural

    by_project: dict[str | None, list[Record]] = {}
    for session in sessions:
        by_project.setdefault(session.get("project"), []).append(session)
    for project in sorted(by_project, key=natural):
        yield from sorted(by_project[project], key=lambda one: natural(one.get("label")))
