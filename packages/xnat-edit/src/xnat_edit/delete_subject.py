"""Delete subjects.

Usage:
  xnat-edit delete subject [options] [<subject>]...

Options:
  -P --project=<id>  Project of the subjects; else the default project of the profile.
  --force            Also subjects that have sessions: these go, too.
  --keep-files       Leave the files on the server's disk.
  -y --yes           Do not ask.
  --dry-run          Say what would be deleted, and delete nothing.
  -w --workers=<n>   How many at once.

A subject is named by label or accession ID. Without a name, subject records are read from standard
input. Sessions, scans and files that would go are counted and told before the question; when they
cannot be counted, nothing is deleted. A subject that is only shared into the project is refused:
'xnat-edit unshare' takes it out.

Example:
  xnat-edit delete subject -P NEURO NEURO_99 --dry-run
"""

from __future__ import annotations

from collections.abc import Iterator

from xnat_core.job import Job
from xnat_core.records import Record
from xnat_edit import delete
from xnat_edit.objects import words


def work(job: Job) -> Iterator[Record]:
    """A record per subject that is gone."""
    named = words(job, "<subject>")
    if not named:
        yield from delete.work(job, "subject")
        return
    from xnat_edit.removal import remove_named
    from xnat_edit.removals import look

    project = job.required_project()
    records = [
        {"kind": "subject", "label": word, "project": project} for word in dict.fromkeys(named)
    ]
    yield from remove_named(job, look, records)
