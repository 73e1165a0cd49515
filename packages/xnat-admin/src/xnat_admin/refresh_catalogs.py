"""Have the server look again at the files of sessions.

Usage:
  xnat-admin refresh-catalogs [options] [--option=<name>]... [--experiment=<name>]... [<project>]

Options:
  -O --option=<name>      checksum, delete, append or populateStats; all of them when not given.
                          Repeatable.
  -e --experiment=<name>  Only this session (label or accession ID). Repeatable.
  --limit=<n>             Only the first sessions of the project.
  --dry-run               Say which sessions would be refreshed, and refresh none.
  -w --workers=<n>        How many sessions at once.

'append' adds files that are on the server's disk, 'delete' drops entries whose file is gone,
'checksum' computes missing digests, 'populateStats' counts anew. All sessions of the project are
refreshed with their scans; without a project, those whose records are read from standard input.

Examples:
  xnat-admin refresh-catalogs NEURO -O checksum -O populateStats
  xnat-ls sessions -P NEURO --where 'date>2024-01-01' | xnat-admin refresh-catalogs -O checksum
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from xnat_core.job import Job
from xnat_core.records import Record, done, planned


def work(job: Job) -> Iterator[Record]:
    """A record per session."""
    from xnat_admin.catalogs import options_of, refresh, sessions_of
    from xnat_core.errors import UsageError
    from xnat_core.services.by_id import session_meant

    args = job.args
    options = options_of(args.texts("--option"))
    project, names = args.text("<project>"), args.texts("--experiment")
    limit = args.whole("--limit", least=0)
    if project in (None, "-") and (names or limit is not None):
        raise UsageError("sessions of which project?")

    def act(record: Record) -> Iterable[Record]:
        client = job.client(record)
        names = record.get("id"), record.get("label")
        session = session_meant(client, *names, record.get("project"))
        known = {**record, **session.to_record(client.base_url)}
        if args.flag("--dry-run"):
            return [planned(known)]
        refresh(client, session, options)
        return [done(known)]

    if project in (None, "-"):
        yield from job.each(act, job.records("session"))
        return
    client = job.client()
    if names:
        records = [{"kind": "session", "label": name, "project": project} for name in names][:limit]
    else:
        found = sessions_of(client, str(project), limit)
        records = [session.to_record(client.base_url) for session in found]
    yield from job.each(act, records)
