"""Delete projects with all that is in them.

Usage:
  xnat-edit delete project [options] [<project>]...

Options:
  --force            Also projects that have subjects or sessions.
  --keep-files       Leave the files on the server's disk.
  -y --yes           Do not ask.
  --dry-run          Say what would be deleted, and delete nothing.
  -w --workers=<n>   How many at once.

Without a name, project records are read from standard input. What would go is counted and told
before the question: subjects, sessions, scans and files, those that are only shared into the
project included. A project is named by its ID; an alias is refused.

Example:
  xnat-edit delete project OLD_PILOT --force --dry-run
"""

from __future__ import annotations

from collections.abc import Iterator

from xnat_core.job import Job
from xnat_core.records import Record
from xnat_edit import delete
from xnat_edit.objects import words


def work(job: Job) -> Iterator[Record]:
    """A record per project that is gone."""
    named = words(job, "<project>")
    if not named:
        yield from delete.work(job, "project")
        return
    from xnat_edit.removal import remove_named
    from xnat_edit.removals import look

    records = [{"kind": "project", "id": word} for word in dict.fromkeys(named)]
    yield from remove_named(job, look, records)
