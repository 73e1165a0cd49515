"""Wait until sessions are READY, in CONFLICT or in ERROR.

Usage:
  xnat-prearchive wait [options] [<project> <timestamp> <name>]

Options:
  --timeout=<seconds>   How long to wait for each session; 3600 when not given.
  -w --workers=<n>      How many sessions to watch at once.

Without the words, records of kind 'prearchive' are read from standard input. READY is a success;
CONFLICT and ERROR are failures that tell the reason from the session's log. A session that was
archived meanwhile is printed as the session it has become.

A record of kind 'upload' with the 'uid' of a study, as xnat-cstore prints it, is waited for until
the study appears; the sessions it has landed in are printed. What is RECEIVING becomes READY when
nothing has come for some time, five minutes unless the site has set another; when you know that all
has come, 'rebuild' has it read at once.

Examples:
  xnat-prearchive list -P NEURO | xnat-prearchive wait | xnat-prearchive archive
  xnat-cstore send ./S1 -P NEURO | xnat-prearchive wait | xnat-prearchive archive
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from xnat_core.job import Job
from xnat_core.models import PrearchiveEntry
from xnat_core.prearchive import Prearchive
from xnat_core.prearchive_rows import ArchiveRefused
from xnat_core.records import Record, done, failed
from xnat_prearchive.arrival import arrived
from xnat_prearchive.entries import PATIENCE, on_each, seen, words_of


def work(job: Job) -> Iterator[Record]:
    """A record per row, when it has settled."""
    timeout = job.args.number("--timeout", least=0)
    patience = PATIENCE if timeout is None else timeout

    def act(record: Record, entry: PrearchiveEntry, prearchive: Prearchive) -> Iterable[Record]:
        settled = prearchive.wait(entry, patience)
        if settled is None:
            session = prearchive.found_archived(entry)
            return [done(session.to_record(prearchive.client.base_url))]
        known = seen(record, settled, prearchive)
        if settled.status == "READY":
            return [done(known)]
        reason = prearchive.reason(settled) or f"the session is in {settled.status}"
        return [failed(known, ArchiveRefused(settled, reason))]

    def land(record: Record, prearchive: Prearchive) -> Iterable[Record]:
        server = prearchive.client.base_url
        for found in arrived(record, prearchive, patience):
            if isinstance(found, PrearchiveEntry):
                yield from act(found.to_record(server), found, prearchive)
            else:
                yield done(found.to_record(server))

    yield from on_each(job, act, words_of(job), land=land)
