"""Read the files of sessions anew.

Usage:
  xnat-prearchive rebuild [options] [<project> <timestamp> <name>]

Options:
  --timeout=<seconds>   How long to wait for each session; 3600 when not given.
  -w --workers=<n>      How many sessions at once.

Without the words, records of kind 'prearchive' are read from standard input.
Never archives, whatever the project's setting is. Waits until the session has settled.

Example:
  xnat-prearchive list --where status=ERROR | xnat-prearchive rebuild
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from xnat_core.errors import ResourceNotFoundError
from xnat_core.job import Job
from xnat_core.models import PrearchiveEntry
from xnat_core.prearchive import Prearchive
from xnat_core.prearchive_rows import StagingError
from xnat_core.records import Record, done
from xnat_prearchive.entries import PATIENCE, on_each, seen, words_of


def work(job: Job) -> Iterator[Record]:
    """A record per row, when it has been built."""
    timeout = job.args.number("--timeout", least=0)
    patience = PATIENCE if timeout is None else timeout

    def act(record: Record, entry: PrearchiveEntry, prearchive: Prearchive) -> Iterable[Record]:
        built = prearchive.settled(entry, patience, anew=True)
        if built is None:
            raise ResourceNotFoundError("prearchive session", entry.id)
        if built.status == "ERROR":
            raise StagingError("build", f"{built.id}: {prearchive.reason(built) or 'ERROR'}", built)
        return [done(seen(record, built, prearchive))]

    yield from on_each(job, act, words_of(job))
