"""Archive sessions that wait in the prearchive.

Usage:
  xnat-prearchive archive [options] [<project> <timestamp> <name>]

Options:
  --subject=<label>     Subject to archive under; else the one that the session names.
  --label=<label>       Label of the archived session; else the one that it has.
  --overwrite           Override conflicts with a session that exists, and replace its files of the
                        same name. What is new to it, the server merges in any case.
  --timeout=<seconds>   How long to wait for a session that is still busy; 3600 when not given.
  --dry-run             Ask the server what speaks against archiving, and archive nothing; of a
                        session that still receives files nothing is known.
  -w --workers=<n>      How many sessions at once.

Without the words, records of kind 'prearchive' are read from standard input, as 'list', 'wait' and
'xnat-upload dicom --prearchive' print them. Prints each archived session. A session that has been
archived already is 'skipped'. A conflict leaves the session where it is; the message says why.

Examples:
  xnat-prearchive archive NEURO 20240502_101500123 SUB001_MR1
  xnat-prearchive list -P NEURO --where status=READY | xnat-prearchive archive --dry-run
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from xnat_core.errors import UsageError
from xnat_core.job import Job
from xnat_core.models import PrearchiveEntry
from xnat_core.prearchive import Prearchive
from xnat_core.prearchive_rows import ArchiveRefused, is_left_alone, is_settled
from xnat_core.records import Record, done, failed, planned, skipped
from xnat_core.validation import validate_session_id, validate_subject_id
from xnat_prearchive.entries import PATIENCE, on_each, seen, words_of


def work(job: Job) -> Iterator[Record]:
    """A record per archived session."""
    words = words_of(job)
    subject, label = job.args.text("--subject"), job.args.text("--label")
    subject = validate_subject_id(subject) if subject is not None else None
    label = validate_session_id(label) if label is not None else None
    if label and not words:
        raise UsageError("--label names one session: name it by PROJECT TIMESTAMP NAME")
    overwrite = job.args.flag("--overwrite")
    timeout = job.args.number("--timeout", least=0)
    patience = PATIENCE if timeout is None else timeout

    def act(record: Record, entry: PrearchiveEntry, prearchive: Prearchive) -> Iterable[Record]:
        server = prearchive.client.base_url
        found = prearchive.find(entry)
        if found is None:
            session = prearchive.found_archived(entry, label)
            return [skipped(session.to_record(server))]
        dry = job.args.flag("--dry-run")
        # To build is to change: what is READY already, an automatic archive passes over.
        now = _left_alone(found, prearchive) if dry else prearchive.settled(found, patience)
        if now is None:
            return [done(prearchive.become(found, label).to_record(server))]
        known = seen(record, now, prearchive)
        if dry:
            return [_planned(known, now, prearchive)]
        try:
            session = prearchive.archive(now, subject=subject, session=label, overwrite=overwrite)
        except ArchiveRefused as error:
            return [failed(seen(record, error.entry, prearchive), _advised(error, overwrite))]
        return [done(session.to_record(server))]

    def _left_alone(entry: PrearchiveEntry, prearchive: Prearchive) -> PrearchiveEntry | None:
        return prearchive.wait(entry, patience, until=is_left_alone)

    def _planned(known: Record, entry: PrearchiveEntry, prearchive: Prearchive) -> Record:
        if not is_settled(entry.status):
            unread = "its files have not been read yet: the server cannot tell of conflicts"
            return planned(known, warnings=[unread])
        found = prearchive.conflicts(entry, subject=subject, session=label, overwrite=overwrite)
        against = [notice for notice in found if notice.get("type") in ("FAIL", "CONFLICT")]
        if against:
            reasons = "; ".join(str(notice.get("message")) for notice in against)
            return failed(known, _advised(ArchiveRefused(entry, reasons), overwrite))
        warnings = [str(notice.get("message")) for notice in found]
        return planned(known, warnings=warnings or None)

    yield from on_each(job, act, words)


def _advised(error: ArchiveRefused, overwrite: bool) -> ArchiveRefused:
    # To override that the subject or the study is another one would mix the two.
    if overwrite or not all("already exists" in one for one in error.reason.split("; ")):
        return error
    return ArchiveRefused(
        error.entry,
        f"{error.reason.rstrip('.')}; --overwrite merges and replaces files of the same name",
    )
