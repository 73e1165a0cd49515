"""Delete sessions.

Usage:
  xnat-edit delete session [options] [<session>]...

Options:
  -P --project=<id>       Project of the sessions; else the default project of the profile.
  -E --experiment=<name>  A session, as an argument names it.
  --keep-files            Leave the files on the server's disk.
  -y --yes                Do not ask.
  --dry-run               Say what would be deleted, and delete nothing.
  -w --workers=<n>        How many at once.

A session is named by its accession ID, or with a project by its label. Without a name, session
records are read from standard input. Scans, assessors and files that would go are counted and told
before the question. A session that is only shared into the project is refused: 'xnat-edit unshare'
takes it out.

Example:
  xnat-edit delete session -P NEURO NEURO_01_MR1 --dry-run
"""

from __future__ import annotations

from collections.abc import Iterator

from xnat_core.job import Job
from xnat_core.records import Record
from xnat_edit import delete
from xnat_edit.objects import words


def work(job: Job) -> Iterator[Record]:
    """A record per session that is gone."""
    named = words(job, "<session>")
    if experiment := job.args.text("--experiment"):
        named = (*named, experiment)
    if not named:
        yield from delete.work(job, "session")
        return
    from xnat_edit.removal import remove_named
    from xnat_edit.removals import look

    project = job.project()
    parents = {"project": project} if project else {}
    records = [{"kind": "session", "label": word, **parents} for word in dict.fromkeys(named)]
    yield from remove_named(job, look, records)
