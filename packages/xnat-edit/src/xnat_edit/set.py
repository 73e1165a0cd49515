"""Set fields: quality, note, custom variables, any other.

Usage:
  xnat-edit set [options] <pair>...

Options:
  -P --project=<id>       Project; for a session or subject, else the default one of the profile.
  -S --subject=<name>     Subject (label or accession ID) in the project.
  -E --experiment=<name>  Session: accession ID, or with a project its label.
  --scan=<id>             Scan of the session.
  --only=<kind>           Only what is of this kind: project, subject, session or scan.
  --dry-run               Say what would be set, and change nothing.
  -w --workers=<n>        How many at once.

A pair is KEY=VALUE, and an empty value clears the field. KEY is a short name (note, quality, date,
gender …), fields.NAME for the custom variable NAME, or an XML path: parameters/tr,
xnat:mrSessionData/note. The innermost object that the options name is changed; without any, each
project, subject, session and scan whose record is read from standard input.

All is read back: the server ignores names that it does not know, and says yes. What has its values
already is skipped.

Examples:
  xnat-edit set -P NEURO -E NEURO_01_MR1 note='moved a lot' fields.rater=mc
  xnat-ls scans -P NEURO --where 'frames<100' | xnat-edit set quality=questionable --dry-run
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from xnat_core.job import Job
from xnat_core.records import Record, done, planned, skipped


def work(job: Job) -> Iterator[Record]:
    """A record per object, with its new values."""
    from xnat_core.errors import UsageError
    from xnat_edit.fields import ALIASES, Editable, pair_of, store, updated
    from xnat_edit.objects import asked

    pairs = [pair_of(text) for text in job.args.texts("<pair>")]
    if len({pair.key for pair in pairs}) != len(pairs):
        raise UsageError("a field is given twice")
    wanted = {pair.key: pair.value for pair in pairs}

    def act(record: Record) -> Iterable[Record]:
        client = job.client(record)
        edited = Editable.of(client, record)
        for pair in pairs:
            edited.check(pair)
        known = {**record, **updated(edited).to_record(client.base_url)}
        missing = [pair for pair in pairs if not edited.has(pair, exactly=True)]
        if not missing:
            return [skipped(known)]
        if job.args.flag("--dry-run"):
            return [planned(known, set=wanted)]
        now = updated(store(client, edited, missing)).to_record(client.base_url)
        # A value that was cleared is not in the new record.
        left = {key: value for key, value in known.items() if key in now or key not in wanted}
        return [done({**left, **now}, set=wanted)]

    yield from job.each(act, asked(job, *ALIASES))
