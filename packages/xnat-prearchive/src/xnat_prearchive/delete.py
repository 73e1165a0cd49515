"""Delete sessions of the prearchive and their files.

Usage:
  xnat-prearchive delete [options] [<project> <timestamp> <name>]

Options:
  -y --yes           Do not ask.
  --dry-run          Say what would be deleted, and delete nothing.
  -w --workers=<n>   How many sessions at once, with --yes.

Without the words, records of kind 'prearchive' are read from standard input. Deleted data cannot be
brought back. Without --yes the terminal is asked for every session. One that others archive or move
meanwhile is a failure that says where it may be.

Example:
  xnat-prearchive list -P NEURO --where status=ERROR | xnat-prearchive delete --dry-run
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from xnat_core.errors import ResourceNotFoundError
from xnat_core.job import Job
from xnat_core.models import PrearchiveEntry
from xnat_core.prearchive import Prearchive
from xnat_core.prearchive_rows import is_settled
from xnat_core.records import Record, done, planned, skipped
from xnat_prearchive.entries import on_each, seen, words_of


def work(job: Job) -> Iterator[Record]:
    """A record per row that is gone."""
    words = words_of(job)

    def act(record: Record, entry: PrearchiveEntry, prearchive: Prearchive) -> Iterable[Record]:
        now = prearchive.find(entry)
        if now is None:
            if words:
                raise ResourceNotFoundError("prearchive session", entry.id)
            return [skipped(record)]
        known = seen(record, now, prearchive)
        if job.args.flag("--dry-run"):
            return [planned(known)]
        busy = "" if is_settled(now.status) else f", which is {now.status},"
        job.confirm(f"Delete {now.id}{busy} and its files on {prearchive.client.base_url}?")
        prearchive.delete_seen(now)
        return [done(known)]

    yield from on_each(job, act, words, workers=0 if job.args.flag("--yes") else 1)
