"""Read the files of sessions anew.

Usage:
  xnat-prearchive rebuild [options] [<project> <timestamp> <name>]

Options:
  --timeout=<seconds>   How long to wait for each session; 3600 when not given.
  -w --workers=<n>      How many sessions at once.

Never archives, whatever the project's setting is. Waits until the session has settled.

Example:
  xnat-prearchive list --where status=ERROR | xnat-prearchive rebuild
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from xnat_core.job import Job
from xnat_core.models import PrearchiveEntry
from xnat_core.prearchive import Prearchive
from xnat_core.records import Record, done
from xnat_prearchive.entries import on_each, seen, words_of


def work(job: Job) -> Iterator[Record]:
    """A record per row, when it has been built."""

    def act(record: Record, entry: PrearchiveEntry, prearchive: Prearchive) -> Iterable[Record]:
        return [done(seen(record, prearchive.build(prearchive.get(entry)), prearchive))]

    yield from on_each(job, act, words_of(job))
