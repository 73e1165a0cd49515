"""Give sessions of the prearchive to another project.

Usage:
  xnat-prearchive move [options] <word>...

The words are PROJECT TIMESTAMP NAME TARGET, or TARGET alone with records on standard input.

Options:
  --dry-run          Say what would be moved, and move nothing.
  -w --workers=<n>   How many sessions at once.

Sessions of 'Unassigned' can be moved by whoever knows their address.

Examples:
  xnat-prearchive move Unassigned 20240502_101500123 SUB001_MR1 NEURO
  xnat-prearchive list --where project=Unassigned | xnat-prearchive move NEURO
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from xnat_core.errors import UsageError
from xnat_core.job import Job
from xnat_core.models import PrearchiveEntry
from xnat_core.prearchive import Prearchive
from xnat_core.records import Record, done, planned, skipped
from xnat_core.services.projects import ProjectService
from xnat_prearchive.entries import on_each, seen


def work(job: Job) -> Iterator[Record]:
    """A record per row, in its new project."""
    words = job.args.texts("<word>")
    if len(words) not in (1, 4):
        raise UsageError("the words are PROJECT TIMESTAMP NAME TARGET, or TARGET alone")
    target = words[-1]

    def act(record: Record, entry: PrearchiveEntry, prearchive: Prearchive) -> Iterable[Record]:
        # An alias would be taken, too, also that of the project where it is.
        project = ProjectService(prearchive.client).get(target).id
        if entry.project == project:
            return [skipped(seen(record, prearchive.get(entry), prearchive))]
        if job.args.flag("--dry-run"):
            return [planned(record, target=project)]
        return [done(seen(record, prearchive.move(entry, project), prearchive))]

    yield from on_each(job, act, words[:-1])
