"""Move all sessions of subjects to another one, and delete the empty ones.

Usage:
  xnat-edit merge subject [options] <subject>...

The words are SOURCE TARGET, or several sources and the target; TARGET alone with subject records on
standard input.

Options:
  -P --project=<id>  Project of the subjects; else the default project of the profile.
  -y --yes           Do not ask.
  --dry-run          Say what would be moved, and move nothing.

Sessions move one by one, and each is looked at afterwards. The source is deleted only when a fresh
listing shows that nothing is left of it; one that is shared with other projects, or has resources
of its own, is refused before anything moves. What the source says of itself (gender, age …) goes
with it. An interrupted command can be repeated.

Example:
  xnat-edit merge subject -P NEURO NEURO_4 NEURO_04 --dry-run
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from xnat_core.errors import UsageError
from xnat_core.job import Job
from xnat_core.records import Record, done, planned
from xnat_core.wording import counted


def work(job: Job) -> Iterator[Record]:
    """A record per subject that is no more."""
    from xnat_core.services.lookup import find_subject
    from xnat_edit.merging import merge_whole, require_mergeable
    from xnat_edit.objects import require_one, subject_of, words
    from xnat_edit.removal import require_answer

    *sources, target = words(job, "<subject>") or ("",)
    if not target or target == "-":
        raise UsageError("into which subject?")
    require_answer(job)
    sources = [source for source in sources if source != "-"]
    dry = job.args.flag("--dry-run")

    def act(record: Record) -> Iterable[Record]:
        client = job.client(record)
        source = subject_of(client, record)
        into = find_subject(client, target, source.project)
        require_one(client, {"kind": "subject", "label": target}, into.id)
        known = {**record, **source.to_record(client.base_url), "merged_into": into.label}
        if dry or not job.args.flag("--yes"):
            moving = require_mergeable(client, source, into).experiments
            if dry:
                return [planned(known, sessions=list(moving))]
            what = ", ".join(moving) or "none"
            job.confirm(
                f"Move {counted(len(moving), 'session')} of subject {source.project}/{source.label}"
                f" ({what}) to {into.label} on {client.base_url}, and delete {source.label}?"
            )
        return [done(known, **merge_whole(client, source, into, job.console.info))]

    records: Iterable[Record] = job.records("subject")
    if sources:
        project = job.required_project()
        records = [
            {"kind": "subject", "label": source, "project": project}
            for source in dict.fromkeys(sources)
        ]
    # One after the other: they all change the same subject.
    yield from job.each(act, records, 1)
